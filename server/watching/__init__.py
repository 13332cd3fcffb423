"""What keeps books of requests and questions: metrics, logs, traces, feedback."""
