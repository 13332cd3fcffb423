"""The command line of the server: serve, feedback, release compare."""
