"""A question held against its evidence as though it were a claim: what it takes for granted must stand there; pure."""

import re
from collections.abc import Sequence

from ..claims.comparison import Features, features
from ..claims.sources import source_of
from ..learned import load
from ..state import Evidence, Passage
from ..text.words import Weigh

CARRIED = re.compile(r"(?<=\S) \([^()]+\)$")
"""The words that a conversation brings along: they say what is meant, and are no part of what is asked."""
HELD = 6
"""How many of the best sentences are looked at."""


def signs_as_claim(
    question: str, passages: Sequence[Passage], evidence: Sequence[Evidence], weigh: Weigh
) -> dict[str, float]:
    """What the best sentence, alone or with a neighbour, has and lacks of the question, each name begun by `claim_`.

    `claim_support`: the log-odds that it supports the question; `claim_first`, `claim_top` and `claim_second`: those of
    the best sentence alone, and the highest two of the best sentences.
    """
    claim, model = CARRIED.sub("", question).rstrip("? "), load("support")
    near = max(_rows(claim, passages, evidence[0], weigh, neighbours=1), key=model.score)
    alone = [_rows(claim, passages, unit, weigh, neighbours=0)[0] for unit in evidence[:HELD]]
    scores = [model.score(row) for row in alone]
    ranked = [*sorted(scores, reverse=True), min(scores)]
    told = {"support": model.score(near), "first": scores[0], "top": ranked[0], "second": ranked[1]}
    return {f"claim_{name}": value for name, value in {**near, **told}.items()}


def _rows(claim: str, passages: Sequence[Passage], unit: Evidence, weigh: Weigh, *, neighbours: int) -> list[Features]:
    """The features of the windows around a unit with as many neighbours at the most."""
    found = source_of(passages[unit["passage"]])
    windows = [
        window
        for window in found.windows
        if window.start <= unit["start"] and window.end >= unit["end"] and window.last - window.first <= neighbours
    ]
    return [features(claim, window, found, unit["similarity"], weigh) for window in windows]
