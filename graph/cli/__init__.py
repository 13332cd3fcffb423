"""The commands that need no server; each imports what is heavy only when it runs."""
