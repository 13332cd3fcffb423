"""Files of every format become Markdown or plain text, as their readers see them."""
