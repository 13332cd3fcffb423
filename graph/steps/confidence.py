"""How sure it is that what was found answers a question: one logistic over a few signs, or a share of terms; pure."""

import re
from collections.abc import Sequence

from ..learned import load
from ..state import Evidence, Passage
from ..text.words import TermWeight, equal_weight, share
from .evidence import about, asked_terms, term_set

WITH_VECTORS = ("en", "und")
"""Languages whose meaning the packaged embeddings know; in others only the words tell."""
CHANCE = 0.35
"""Share of a question's terms that a sentence about something else may have."""
ASKS = re.compile(r"[几哪谁什么怎吗呢多少何誰幾언제어디무엇누구몇]")
"""What asks in Chinese, Japanese and Korean, and stands in no answer."""


def confidence(
    question: str,
    passages: Sequence[Passage],
    evidence: Sequence[Evidence],
    weigh: TermWeight,
    language: str = "en",
    read: float | None = None,
) -> float:
    """The probability, 0 to 1, that the evidence holds the answer; 0 without evidence. `evidence` is best first.

    `read`: how well the best unit answers as a cross-encoder reads it with the question, where one does.
    """
    if not evidence:
        return 0.0
    if language not in WITH_VECTORS:
        return held_by_best(question, passages, evidence, language)
    return load("confidence").probability(signs(question, passages, evidence, weigh, read))


def held_by_best(question: str, passages: Sequence[Passage], evidence: Sequence[Evidence], language: str) -> float:
    """How much of a question's terms, all of one weight, the best unit has with what it stands under; 0 to 1."""
    best = evidence[0]
    wanted = frozenset(term for term in asked_terms(question, language) if not ASKS.search(term))
    text = f"{best['text']}\n{about(passages[best['passage']], best)}"
    return max(0.0, (share(wanted, term_set(text, language), equal_weight) - CHANCE) / (1 - CHANCE))


def signs(
    question: str,
    passages: Sequence[Passage],
    evidence: Sequence[Evidence],
    weigh: TermWeight,
    read: float | None = None,
) -> dict[str, float]:
    """What the weights look at: the best unit's cosine, the share of the question's terms in it, and how it reads.

    `was_read` is 1 where a cross-encoder has read it: then the others count for less.
    """
    best = evidence[0]
    here = term_set(f"{best['text']}\n{about(passages[best['passage']], best)}")
    return {
        "similar": best["similarity"],
        "held": share(asked_terms(question), here, weigh),
        "read": read or 0.0,
        "was_read": float(read is not None),
    }
