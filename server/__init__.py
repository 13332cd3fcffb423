"""The answering graph over HTTP, governed."""
