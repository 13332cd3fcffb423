"""Whether a passage says what a claim says, and what becomes of the claim."""
