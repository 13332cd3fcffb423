"""Proposes samples from documents and feedback, for a person to edit."""
