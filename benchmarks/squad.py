"""SQuAD's own measures: an answer against the reference answers, by its official normalisation.

Rajpurkar et al.: SQuAD (2016), and the evaluation script of SQuAD 2.0.
"""

from collections import Counter
from collections.abc import Sequence

from evals.metrics.plain import normalised


def normal(text: str) -> str:
    """Lower case, without punctuation, articles and spare space."""
    return " ".join(normalised(text))


def f1(answer: str, references: Sequence[str]) -> float:
    """The token F1 to the nearest reference, 0 to 1; 0 without references."""
    return max((_f1(normal(answer).split(), normal(each).split()) for each in references), default=0.0)


def exact(answer: str, references: Sequence[str]) -> float:
    """1 when the answer is one of the references."""
    return float(normal(answer) in {normal(each) for each in references})


def _f1(answer: list[str], reference: list[str]) -> float:
    if not answer or not reference:
        return float(answer == reference)
    shared = sum((Counter(answer) & Counter(reference)).values())
    return 2 * shared / (len(answer) + len(reference))


def holds(text: str, references: Sequence[str]) -> bool:
    """Whether a text has one of the references in it, word by word."""
    return any(normal(each) and f" {normal(each)} " in f" {normal(text)} " for each in references)
