"""The commands of the front door; each imports what is heavy only when it runs."""
