"""How drafts are asked for and made, and who is asked when one fails."""
