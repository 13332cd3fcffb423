"""From searches to passages, their sentences, and how sure an answer can be."""
