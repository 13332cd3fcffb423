"""Whether a passage supports a claim: what both say compared word by word, weighed by learned weights; pure."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import log

from rapidfuzz.distance import LCSseq

from graph.facts import denials, names, opposed, plain_words, quantities
from graph.learned import load
from graph.sentences import Unit, units
from graph.words import terms

Weigh = Callable[[str], float]
"""How telling a term is in the index: its inverse passage frequency."""
EDGES = re.compile(r"(?<!\S)[\"'“”\u2018(]+|[.!?…:;,\"'“”’)]+(?!\S)")
"""Punctuation before and behind words, which no wording depends on."""


def alike(term: str) -> float:
    """Every term as telling as any other: for worlds that do not say how often one stands."""
    return 1.0


@dataclass(frozen=True)
class Window:
    """One unit of a passage, or two or three neighbours as one: a claim may be drawn from several."""

    start: int
    end: int
    reading: str
    first: int
    last: int


@dataclass(frozen=True)
class Source:
    """A passage as claims are compared with it; `about` is its title and section."""

    text: str
    about: str
    units: tuple[Unit, ...]
    windows: tuple[Window, ...]


@dataclass(frozen=True)
class Verdict:
    """How well a window of a source supports a claim, 0 to 1, and what is missing when something is."""

    score: float
    window: Window | None
    because: str


@lru_cache(maxsize=4096)
def source(text: str, header: str, about: str) -> Source:
    """Prepare a passage; `header` is the header row of a table begun before it."""
    own = tuple(units(text, header))
    windows = [_window(own, first, first + more) for more in range(3) for first in range(len(own) - more)]
    return Source(text, about, own, tuple(windows))


def _window(own: Sequence[Unit], first: int, last: int) -> Window:
    # A line each, so that a number that ends a unit has not the next one's first word for its unit.
    reading = "\n".join(unit.reading for unit in own[first : last + 1])
    return Window(own[first].start, own[last].end, reading, first, last)


@lru_cache(maxsize=50_000)
def _terms(text: str) -> tuple[str, ...]:
    return tuple(terms(text))


def share(wanted: Iterable[str], found: Iterable[str], weigh: Weigh) -> float:
    """The weighted share of the wanted terms that are found; 1 when none is wanted."""
    wanted = set(wanted)
    total = sum(map(weigh, wanted))
    return sum(map(weigh, wanted & set(found))) / total if total > 0 else 1.0


def nearest(claim: str, found: Source, weigh: Weigh, most: int) -> list[Window]:
    """The windows that hold most of a claim's terms, best first, short before long."""
    wanted = _terms(claim)
    scored = [(share(wanted, _terms(w.reading), weigh) - 0.05 * (w.last - w.first), w) for w in found.windows]
    return [window for _, window in sorted(scored, key=lambda pair: -pair[0])[:most]]


def features(claim: str, window: Window, found: Source, similarity: float, weigh: Weigh) -> dict[str, float]:
    """What speaks for and against the window saying what the claim says; shares are 0 to 1.

    `similarity` is the cosine of the claim to the nearest unit of the window.
    """
    own, about = _terms(claim), _terms(found.about)
    readings = [unit.reading for unit in found.units[window.first : window.last + 1]]
    closest = max(readings, key=lambda reading: share(own, _terms(reading), weigh))
    everywhere = (*_terms(found.text), *about)
    said = quantities(f"{window.reading}\n{found.about}")
    closely = {value for value, _ in quantities(f"{closest}\n{found.about}")}
    stated, named = quantities(claim), names(claim)
    copied = _in_order(own, _terms(closest))
    denies = float((denials(claim) > 0) != (denials(closest) > 0))
    return {
        "unit": share(own, (*_terms(closest), *about), weigh),
        "window": share(own, (*_terms(window.reading), *about), weigh),
        "passage": share(own, everywhere, weigh),
        "pairs": _pairs(own, everywhere),
        "in_order": copied,
        "similarity": similarity,
        "rarest_missing": _rarest(set(own) - set(everywhere), weigh),
        "rarest_missing_here": _rarest(set(own) - {*_terms(window.reading), *about}, weigh),
        "missing_run": _longest_run(own, set(everywhere)),
        "number_missing": float(bool({v for v, _ in stated} - {v for v, _ in said})),
        "number_missing_here": float(bool({v for v, _ in stated} - closely)),
        "unit_differs": _units_differ(stated, said),
        "name_missing_here": float(bool(named - plain_words(f"{window.reading} {found.about}"))),
        "name_missing": float(bool(named - plain_words(f"{found.text} {found.about}"))),
        "denial_differs": denies,
        "copied_and_denied": denies * copied,
        "opposed": float(opposed(plain_words(claim), plain_words(closest)) > 0),
        "length": log(1 + len(set(own))),
    }


def _longest_run(own: Sequence[str], held: set[str]) -> float:
    """The share of the claim's terms that its longest stretch of missing ones makes up."""
    longest = run = 0
    for term in own:
        run = 0 if term in held else run + 1
        longest = max(longest, run)
    return longest / len(own) if own else 0.0


def _rarest(missing: Iterable[str], weigh: Weigh) -> float:
    """The weight of the most telling word that is missing."""
    return max(map(weigh, missing), default=0.0)


def _in_order(own: Sequence[str], here: Sequence[str]) -> float:
    """The share of the claim's terms that the window holds in the claim's order."""
    return LCSseq.similarity(own, here) / len(own) if own else 1.0


def _pairs(own: Sequence[str], everywhere: Sequence[str]) -> float:
    """The share of the claim's neighbouring terms that are neighbours in the passage."""
    wanted = set(pairwise(own))
    return len(wanted & set(pairwise(everywhere))) / len(wanted) if wanted else 1.0


def _units_differ(stated: Iterable[tuple[str, str]], said: Iterable[tuple[str, str]]) -> float:
    """1 when a number of the claim has a unit, and wherever the window has the number it has other ones."""
    told: dict[str, set[str]] = {}
    for value, unit in said:
        told.setdefault(value, set()).add(unit)
    return float(any(unit and "" not in told.get(v, {""}) and unit not in told[v] for v, unit in stated))


def is_verbatim(claim: str, found: Source) -> Window | None:
    """The window that holds the claim word by word."""
    wanted = _folded(claim)
    return next((window for window in found.windows if wanted in _folded(window.reading)), None) if wanted else None


@lru_cache(maxsize=50_000)
def _folded(text: str) -> str:
    words = " ".join(EDGES.sub("", text.lower()).split())
    return f" {words} " if words else ""


def judge(claim: str, found: Source, compared: Mapping[int, float], weigh: Weigh) -> Verdict:
    """The best window for a claim; `compared` gives the cosine of the claim to units by their number.

    A claim that stands in the passage word by word is supported whatever the weights say.
    """
    if literal := is_verbatim(claim, found):
        return Verdict(1.0, literal, "")
    model = load("support")
    best = Verdict(0.0, None, "nothing in the passage is near")
    for window in nearest(claim, found, weigh, most=4):
        cosine = max((compared.get(n, 0.0) for n in range(window.first, window.last + 1)), default=0.0)
        values = features(claim, window, found, cosine, weigh)
        score = model.probability(values)
        if score > best.score:
            best = Verdict(score, window, reason(claim, window, found, values))
    return best


def reason(claim: str, window: Window, found: Source, values: Mapping[str, float]) -> str:
    """In words, what the claim has and the passage lacks."""
    text = f"{window.reading} {found.about}"
    if values["number_missing"]:
        stated = {value for value, _ in quantities(claim)} - {value for value, _ in quantities(text)}
        return f"the number {', '.join(sorted(stated))} is not there"
    if values["unit_differs"]:
        return "a number has another unit there"
    if values["name_missing"]:
        return f"{', '.join(sorted(names(claim) - plain_words(f'{found.text} {found.about}')))} is not named there"
    if values["opposed"] or values["denial_differs"]:
        return "one denies what the other says"
    gone = sorted(set(_terms(claim)) - set(_terms(text)))
    return f"nothing is said there of {', '.join(gone[:5])}" if gone else ""
