"""Files become text with pages, text becomes chunks, chunks become a Snapshot."""
