"""Simple or complex, from the question's form and from what was found; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from graph.release import Routing
from graph.state import Passage, Route
from graph.words import terms

COMPARES = re.compile(
    r"\b(?:compar\w+|differ\w*|versus|vs\.?|between|both|either|than|respectively|contrast|(?:more|less|fewer)\b.*\bor)\b",
    re.IGNORECASE,
)
JOINS = re.compile(r"\b(?:and|as well as|plus|also)\b|;|\?.+\?", re.IGNORECASE | re.DOTALL)
ASKS = re.compile(r"\b(?:who|what|when|where|which|why|how)\b", re.IGNORECASE)
EXPLAINS = re.compile(r"\b(?:why|explain|summar\w+|list (?:all|every)|step[s]?|all the)\b", re.IGNORECASE)
RANKS = re.compile(
    r"\b(?:first|last|most|least|oldest|newest|largest|smallest|how many|total|\w{3,}est)\b", re.IGNORECASE
)
LONG = 14
"""Content words from which on a question counts as long."""


@dataclass(frozen=True)
class Signs:
    """What speaks for a complex question; each is 0 or 1 but `spread`, which is 0 to 1."""

    compares: bool
    joins: bool
    asks_twice: bool
    explains: bool
    ranks: bool
    long: bool
    spread: float


def signs(question: str, passages: Sequence[Passage]) -> Signs:
    """Read the signs off a question and the passages kept for it."""
    return Signs(
        compares=bool(COMPARES.search(question)),
        joins=bool(JOINS.search(question)),
        asks_twice=len(ASKS.findall(question)) > 1,
        explains=bool(EXPLAINS.search(question)),
        ranks=bool(RANKS.search(question)),
        long=len(terms(question)) >= LONG,
        spread=_spread(passages),
    )


def _spread(passages: Sequence[Passage]) -> float:
    """How close the best passage of another document comes to the best of all."""
    if not passages or passages[0]["score"] <= 0:
        return 0.0
    others = [p["score"] for p in passages if p["document"] != passages[0]["document"]]
    return max(others, default=0.0) / passages[0]["score"]


def complexity(found: Signs) -> float:
    """0 to 1, by weights that were set by hand."""
    total = 0.45 * found.compares + 0.3 * found.joins + 0.3 * found.asks_twice + 0.3 * found.explains
    return min(1.0, total + 0.15 * found.ranks + 0.15 * found.long + 0.1 * found.spread)


def choose_route(question: str, passages: Sequence[Passage], routing: Routing) -> Route:
    """The route of a question."""
    return "complex" if complexity(signs(question, passages)) >= routing.complex_from else "simple"
