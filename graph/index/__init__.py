"""An immutable, searchable directory of passages, and the store that publishes it."""
