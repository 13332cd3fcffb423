"""Deploys a registered release to Databricks: as a Model Serving endpoint, or the whole server as an app."""
