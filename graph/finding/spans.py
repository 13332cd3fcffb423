"""Finds the stretch of the best sentences that a question asks for, by learned weights; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

import numpy as np

from ..learned import Logistic, load
from ..state import Evidence
from ..text.forms import is_number, is_year, tokens
from ..text.words import Weigh
from .stretches import Numbers, asked, candidates

SENTENCES = 3
"""How many of the best sentences are searched for spans."""


@dataclass(frozen=True)
class Weighable:
    """The candidates of one sentence as offsets into its text, and their features as arrays by name."""

    unit: Evidence
    places: list[tuple[int, int]]
    values: dict[str, Numbers]


@dataclass(frozen=True)
class Span:
    """A stretch of a sentence: `odds` that it is the answer, `unlike` when it is of no form that the kind asks for."""

    unit: Evidence
    start: int
    end: int
    odds: float
    unlike: bool


def best_spans(question: str, evidence: Sequence[Evidence], weigh: Weigh) -> list[Span]:
    """The spans of the best sentences, best first; `evidence` is best first."""
    found = []
    for part in weighable(question, evidence, weigh):
        odds = _scores(part.values)
        unlike = np.sum([values for name, values in part.values.items() if name.endswith("_none")], axis=0)
        found += [Span(part.unit, *place, float(odds[n]), bool(unlike[n])) for n, place in enumerate(part.places)]
    return sorted(found, key=lambda span: -span.odds)


def weighable(question: str, evidence: Sequence[Evidence], weigh: Weigh) -> list[Weighable]:
    """The candidates of each of the best sentences, the sentence's own score among their features."""
    found, want = [], asked(question)
    for unit in evidence[:SENTENCES]:
        places, values = candidates(want, unit["text"], weigh)
        own, best = log_odds(unit["score"]), log_odds(evidence[0]["score"])
        values |= {"sentence": np.full(len(places), own), "behind": np.full(len(places), best - own)}
        found += [Weighable(unit, places, values)] if places else []
    return found


def _scores(values: Mapping[str, Numbers]) -> Numbers:
    model = load("spans")
    assert isinstance(model, Logistic)
    parts = (w * np.clip(values[name], model.low[name], model.high[name]) for name, w in model.weights.items())
    return np.asarray(model.bias + sum(parts))


def log_odds(chance: float) -> float:
    """log(p / (1 - p)) of a probability, within reason."""
    bounded = min(max(chance, 1e-5), 1 - 1e-5)
    return log(bounded / (1 - bounded))


LEANING = frozenset(
    "every each least most about around over under up to than more less within after before per eur usd gbp".split()
)
"""What stands before a number and belongs to what it says."""


def readable(span: Span) -> str:
    """The span with the words that its number needs: `4` becomes `every 4 years`, `145` becomes `EUR 145`."""
    words = tokens(span.unit["text"])
    first = next(n for n, word in enumerate(words) if word.start == span.start)
    last = next(n for n, word in enumerate(words) if word.end == span.end)
    if is_number(words[last].low) and not is_year(words[last].low) and last + 1 < len(words):
        follows = words[last + 1]
        last += not follows.gap.strip() and bool(follows.stem)
    if is_number(words[first].low):
        while first and _leans(words[first - 1].low, words[first].low) and not words[first].gap.strip():
            first -= 1
    return span.unit["text"][words[first].start : words[last].end]


def _leans(word: str, follows: str) -> bool:
    return word in LEANING or (word == "at" and follows in ("least", "most"))
