"""Observability: logs, metrics, traces, and the store of questions, answers and feedback."""
