"""A question becomes a cited answer: the graph, its steps, and the Snapshot that it reads."""
