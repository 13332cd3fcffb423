"""How sure it is that what was found answers a question: one logistic over a few signs, or a share of terms; pure."""

from collections.abc import Sequence

from ..learned import load
from ..state import Evidence
from .question_terms import WITH_VECTORS

CHANCE = 0.35
"""Share of a question's terms that a sentence about something else may have."""


def confidence(evidence: Sequence[Evidence], language: str = "en", read: float | None = None) -> float:
    """The probability, 0 to 1, that the evidence holds the answer; 0 without evidence. `evidence` is best first.

    `read`: how well the best unit answers as a cross-encoder reads it with the question, where one does.
    """
    if not evidence:
        return 0.0
    if language not in WITH_VECTORS:
        return max(0.0, (evidence[0]["coverage"] - CHANCE) / (1 - CHANCE))
    return load("confidence").probability(signs(evidence[0], read))


def signs(best: Evidence, read: float | None = None) -> dict[str, float]:
    """What the weights look at: the best unit's cosine, the share of the question's terms in it, and how it reads.

    `was_read` is 1 where a cross-encoder has read it: then the others count for less.
    """
    return {
        "similar": best["similarity"],
        "held": best["coverage"],
        "read": read or 0.0,
        "was_read": float(read is not None),
    }
