"""Thresholds of a release, chosen on one half of a dataset and measured on the other."""
