"""Releases: which loaded release answers a request, and how releases are loaded, swapped and unloaded."""
