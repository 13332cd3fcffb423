"""Caches of results, and one run for equal questions asked at the same moment."""
