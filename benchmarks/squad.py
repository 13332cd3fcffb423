"""Whether a text has a reference answer in it, by the official normalisation of SQuAD.

Rajpurkar et al.: SQuAD (2016), and the evaluation script of SQuAD 2.0.
"""

from collections.abc import Sequence

from evals.metrics.keyless import normalised


def normal(text: str) -> str:
    """Lower case, without punctuation, articles and spare space."""
    return " ".join(normalised(text))


def holds(text: str, references: Sequence[str]) -> bool:
    """Whether a text has one of the references in it, word by word."""
    return any(normal(each) and f" {normal(each)} " in f" {normal(text)} " for each in references)
