"""A model as the judge of answers: who it is, what it is asked, what it replied before, and what of that counts."""
