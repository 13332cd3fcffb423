"""The gate: thresholds, statistics, verdicts, and the warrant that one becomes."""
