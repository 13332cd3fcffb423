"""Many questions at once: a table of questions becomes a table of answers, here, on Spark or on Databricks."""
