"""How sure it is that what was found answers a question: one logistic over a dozen signs, or a share of terms; pure."""

import re
from collections.abc import Sequence
from math import log

from ..learned import load
from ..state import Evidence, Passage
from ..text.values import unmet, values
from ..text.words import Weigh, alike
from .answer_types import could_answer, wanted
from .evidence import about, asked_terms, share, term_set

WITH_VECTORS = ("en", "und")
"""Languages whose meaning the packaged embeddings know; in others only the words tell."""
CHANCE = 0.4
"""Share of a question's terms that a sentence about something else may have."""
ASKS = re.compile(r"[几哪谁什么怎吗呢多少何誰幾언제어디무엇누구몇]")
"""What asks in Chinese, Japanese and Korean, and stands in no answer."""
KINDS = ("person", "place", "date", "count", "amount", "measure")
NEAREST = 3


def confidence(
    question: str, passages: Sequence[Passage], evidence: Sequence[Evidence], weigh: Weigh, language: str = "en"
) -> float:
    """The probability, 0 to 1, that the evidence holds the answer; 0 without evidence. `evidence` is best first."""
    if not evidence:
        return 0.0
    if language not in WITH_VECTORS:
        return held_by_best(question, passages, evidence, language)
    return load("confidence").probability(signs(question, passages, evidence, weigh))


def held_by_best(question: str, passages: Sequence[Passage], evidence: Sequence[Evidence], language: str) -> float:
    """How much of a question's terms, all of one weight, the best unit has with what it stands under; 0 to 1."""
    best = evidence[0]
    wanted = frozenset(term for term in asked_terms(question, language) if not ASKS.search(term))
    text = f"{best['text']}\n{about(passages[best['passage']], best)}"
    return max(0.0, (share(wanted, term_set(text, language), alike) - CHANCE) / (1 - CHANCE))


def signs(question: str, passages: Sequence[Passage], evidence: Sequence[Evidence], weigh: Weigh) -> dict[str, float]:
    """What the weights look at: cosines, shares of the question's terms that are held, and what is missing."""
    best, asked = evidence[0], asked_terms(question)
    passage = passages[best["passage"]]
    here = term_set(best["text"]) | term_set(about(passage, best))
    whole = term_set(passage["text"]) | term_set(about(passage))
    any_of = whole.union(*(term_set(f"{each['text']}\n{about(each)}") for each in passages))
    similar = sorted((unit["similarity"] for unit in evidence), reverse=True)
    kind = wanted(question).kind
    return {
        "similar": similar[0],
        "similar_best": best["similarity"],
        "similar_three": sum(similar[:NEAREST]) / len(similar[:NEAREST]),
        "passage": max(each["vector"] or 0.0 for each in passages),
        "passage_best": passage["vector"] or 0.0,
        "held_here": share(asked, here, weigh),
        "held_passage": share(asked, whole, weigh),
        "held_any": share(asked, any_of, weigh),
        "lost_here": max(map(weigh, asked - here), default=0.0) / 10,
        "lost_passage": max(map(weigh, asked - whole), default=0.0) / 10,
        "numbers_lost": float(bool(unmet(values(question), values(f"{passage['text']} {about(passage)}")))),
        "could_not": float(could_answer(question, best["text"]) is False),
        "polar": float(kind == "polar"),
        "asks_kind": float(kind in KINDS),
        "length": log(1 + len(asked)),
    }
