"""Routes: one module for each API; all of them call the answer service."""
