"""The commands that the server adds to the front door."""
