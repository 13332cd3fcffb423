"""Whether a passage supports a claim: what both say, weighed by learned weights; pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ..learned import Model, load, logistic
from ..text.facts import denials, names
from ..text.quantities import values
from ..text.words import Weigh
from .comparison import CONDITION, features
from .sources import Source, Window, share, terms_in, terms_of, words_in

EDGES = re.compile(r"(?<!\S)[\"'“”\u2018(]+|[.!?…:;,\"'“”’)]+(?!\S)")
"""Punctuation before and behind words, which no wording depends on."""
TURNS = re.compile(
    r"\b(?:unless|if|except|until|before|provided|false|untrue|wrong|denie[sd]|myth|claims?|claimed|believed?)\b",
    re.IGNORECASE,
)
"""What before a piece of a sentence can turn what the piece says."""


ANOTHER_UNIT = -3.0
"""Log-odds for a number that has another unit: too rare in the sets that the weights are learned from."""
AS_ALIGNED = 0.1
"""How much less of a claim may stand in order in a window that is weighed than in another: one that has the claim's
sentence with another fact is not outvoted by one that has less of it.
"""
FIGURE_MISSING = -1.5
"""Log-odds for a figure that stands nowhere there: the trees let it pass where all else is the same."""
ADDED = -3.0
"""Log-odds for a copied sentence that goes on, or begins, with something else, which the trees let pass."""


@dataclass(frozen=True)
class Verdict:
    """How well a window of a source supports a claim, 0 to 1, and what is missing when something is."""

    score: float
    window: Window | None
    because: str


def nearest(claim: str, found: Source, weigh: Weigh, most: int) -> list[Window]:
    """The windows that hold most of a claim's terms, best first, short before long."""
    wanted = terms_of(claim)
    scored = [(share(wanted, terms_in(found.readings(w)), weigh) - 0.05 * (w.last - w.first), w) for w in found.windows]
    return [window for _, window in sorted(scored, key=lambda pair: -pair[0])[:most]]


def is_verbatim(claim: str, found: Source) -> Window | None:
    """The window that holds the claim word by word, and nothing before or behind it that turns what it says."""
    wanted = _folded(claim)
    return next((window for window in found.windows if _holds(window, wanted)), None) if wanted else None


def _holds(window: Window, wanted: str) -> bool:
    before, piece, behind = _folded(window.reading).partition(wanted)
    return bool(piece) and not (denials(before) or TURNS.search(before) or CONDITION.search(behind))


@lru_cache(maxsize=8192)
def _folded(text: str) -> str:
    words = " ".join(EDGES.sub("", text.lower()).split())
    return f" {words} " if words else ""


def judge(claim: str, found: Source, compared: Mapping[int, float], weigh: Weigh) -> Verdict:
    """The best window for a claim; `compared` gives the cosine of the claim to units by their number.

    A claim that stands in the passage word by word is supported whatever the weights say.
    """
    if literal := is_verbatim(claim, found):
        return Verdict(1.0, literal, "")
    windows = nearest(claim, found, weigh, most=4)
    if not windows:
        return Verdict(0.0, None, "nothing in the passage is near")
    told = [features(claim, window, found, _cosine(window, compared), weigh) for window in windows]
    aligned = max(each["in_order"] for each in told) - AS_ALIGNED
    model, held = load("support"), [n for n, each in enumerate(told) if each["in_order"] >= aligned]
    score, best = max(((logistic(log_odds(model, told[n])), n) for n in held), key=lambda pair: pair[0])
    return Verdict(score, windows[best], reason(claim, windows[best], found, told[best]))


def _cosine(window: Window, compared: Mapping[int, float]) -> float:
    """That of the nearest unit of a window."""
    return max(compared.get(number, 0.0) for number in range(window.first, window.last + 1))


def log_odds(model: Model, compared: Mapping[str, float]) -> float:
    """That a window supports a claim, by the learned weights and by those that are fixed."""
    fixed = {"unit_differs": ANOTHER_UNIT, "figure_missing": FIGURE_MISSING, "added": ADDED}
    return model.score(compared) + sum(weight * compared[name] for name, weight in fixed.items())


def reason(claim: str, window: Window, found: Source, compared: Mapping[str, float]) -> str:
    """In words, what the claim has and the passage lacks."""
    here = [*found.readings(window), found.about]
    if compared["number_missing"]:
        said = {value for text in here for value in values(text)}
        return f"the number {', '.join(sorted(values(claim) - said))} is not there"
    if compared["unit_differs"]:
        return "a number has another unit there"
    if compared["name_missing"]:
        return f"{', '.join(sorted(names(claim) - words_in([found.text, found.about])))} is not named there"
    if compared["opposed"] or compared["denial_differs"]:
        return "one denies what the other says"
    gone = sorted(set(terms_of(claim)) - set(terms_in(here)))
    return f"nothing is said there of {', '.join(gone[:5])}" if gone else ""
