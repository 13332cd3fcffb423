"""From what was asked to what is searched for."""
