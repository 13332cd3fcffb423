"""Authentication: callers and their keys."""
