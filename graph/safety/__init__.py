"""Safety of what is read and said: instructions planted in texts, links, and sensitive data; pure."""
