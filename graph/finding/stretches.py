"""The stretches of a sentence that could be what a question asks for, and what speaks for and against each; pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..question.answer_types import Wanted, wanted
from ..text.forms import (
    AUXILIARIES,
    CONJUNCTIONS,
    CURRENCIES,
    FUNCTION_WORDS,
    PREPOSITIONS,
    TIME_UNITS,
    Token,
    is_date,
    is_number,
    is_year,
    tokens,
)
from ..text.words import Weigh

MOST_WORDS = 10
REACH = 8
"""Words to each side in which the question's terms count as near."""
HARD = frozenset(';:()[]“”"?!|')
"""What a stretch does not reach across."""
Numbers = NDArray[np.float64]
Places = NDArray[np.int_]


@dataclass(frozen=True)
class Asked:
    """A question as spans are weighed against it: its stems in order, and those around its question word."""

    wanted: Wanted
    stems: tuple[str, ...]

    @property
    def anchors(self) -> tuple[str, str, str]:
        """The first and last stem after the question word and its noun, and the last one before."""
        own = [stem for stem in self.stems if stem not in self.wanted.head] or list(self.stems) or [""]
        after = [s for s in own if s not in self.wanted.before] or own
        return after[0], after[-1], self.wanted.before[-1] if self.wanted.before else ""


@lru_cache(maxsize=4096)
def asked(question: str) -> Asked:
    """Prepare a question."""
    return Asked(wanted(question), tuple(token.stem for token in tokens(question) if token.stem))


def stretches(words: Sequence[Token]) -> list[tuple[int, int]]:
    """The candidates as word[first:last]: neither end is a function word, and no hard mark stands inside."""
    found = []
    for first, begin in enumerate(words):
        if begin.low in FUNCTION_WORDS:
            continue
        for last in range(first + 1, min(len(words), first + MOST_WORDS) + 1):
            end = words[last - 1]
            if last - 1 > first and (HARD & set(end.gap) or end.gap.strip() in (".", "—", "–")):
                break
            if end.low not in FUNCTION_WORDS:
                found.append((first, last))
    return found


LEFT = {
    "in": frozenset("in at on within near into".split()),
    "of": frozenset(("of",)),
    "by": frozenset("by through via with using".split()),
    "is": AUXILIARIES,
    "the": frozenset("the a an its their his her".split()),
    "and": frozenset("and or".split()),
    "as": frozenset("as called named termed titled known".split()),
    "to": frozenset("to for from because due since that".split()),
}  # fmt: skip
FLAGS: dict[str, Callable[[Token], bool]] = {
    "capital": lambda t: t.text[0].isupper() and bool(t.stem),
    "number": lambda t: is_number(t.low),
    "year": lambda t: is_year(t.low),
    "date": lambda t: is_date(t.text),
    "money": lambda t: t.low in CURRENCIES,
    "percent": lambda t: t.low in ("%", "percent"),
    "time": lambda t: t.low in TIME_UNITS,
    "content": lambda t: bool(t.stem),
    "preposition": lambda t: t.low in PREPOSITIONS,
    "of": lambda t: t.low == "of",
    "joins": lambda t: t.low in ("and", "or"),
    "clause": lambda t: t.low in CONJUNCTIONS - {"and", "or"},
    "verb": lambda t: t.low in AUXILIARIES,
    "function": lambda t: t.low in FUNCTION_WORDS,
    "comma": lambda t: "," in t.gap,
    "gap": lambda t: bool(t.gap.strip()),
    "ed": lambda t: t.low.endswith("ed"),
    "ing": lambda t: t.low.endswith("ing"),
    "ly": lambda t: t.low.endswith("ly"),
}


@lru_cache(maxsize=2048)
def _flags(text: str) -> dict[str, Numbers]:
    words = tokens(text)
    return {name: np.array([float(test(t)) for t in words]) for name, test in FLAGS.items()}


def candidates(question: Asked, text: str, weigh: Weigh) -> tuple[list[tuple[int, int]], dict[str, Numbers]]:
    """The stretches of a sentence as offsets, and what speaks for and against each: arrays by the feature's name."""
    words, flags = tokens(text), _flags(text)
    spans = stretches(words)
    first, last = np.array([s[0] for s in spans], int), np.array([s[1] for s in spans], int)
    view = _View(question, words, flags, first, last)
    values = {**_place(view, weigh), **_form(view), **_fit(view)}
    return [(words[a].start, words[b - 1].end) for a, b in spans], values


@dataclass(frozen=True)
class _View:
    """All candidates of one sentence at once, words[first:last] each."""

    question: Asked
    words: tuple[Token, ...]
    flags: dict[str, Numbers]
    first: Places
    last: Places

    @property
    def length(self) -> Numbers:
        return (self.last - self.first).astype(np.float64)

    def inside(self, flag: Numbers) -> Numbers:
        """How many words of each candidate have it."""
        total = np.concatenate([[0.0], np.cumsum(flag)])
        return np.asarray(total[self.last] - total[self.first])

    def has(self, name: str) -> Numbers:
        return np.asarray((self.inside(self.flags[name]) > 0).astype(float))

    def at(self, flag: Numbers, places: Places, beyond: float) -> Numbers:
        """The value at a place, or what holds beyond the sentence."""
        padded = np.concatenate([[beyond], flag, [beyond]])
        return np.asarray(padded[places + 1])

    def left(self, flag: Numbers, beyond: float = 0.0) -> Numbers:
        return self.at(flag, self.first - 1, beyond)

    def right(self, flag: Numbers, beyond: float = 0.0) -> Numbers:
        return self.at(flag, self.last, beyond)

    def marks(self, words: frozenset[str]) -> Numbers:
        return np.array([float(token.low in words) for token in self.words])

    def stems(self, stems: frozenset[str]) -> Numbers:
        return np.array([float(bool(token.stem) and token.stem in stems) for token in self.words])

    def distance(self, stem: str) -> Numbers:
        """1 / (1 + words to the nearest place of a stem outside of the candidate), 0 without one."""
        places = [n for n, token in enumerate(self.words) if stem and token.stem == stem]
        if not places or not len(self.first):
            return np.zeros(len(self.first))
        at = np.array(places)[None, :]
        away = np.where(at < self.first[:, None], self.first[:, None] - at, at - self.last[:, None] + 1)
        away = np.where((at >= self.first[:, None]) & (at < self.last[:, None]), 99, away)
        return np.asarray(1 / (1 + away.min(axis=1)))


def _place(view: _View, weigh: Weigh) -> dict[str, Numbers]:
    """Where each candidate stands: its neighbours, and how near the question's terms are."""
    question, flags = view.question, view.flags
    weight = np.array([weigh(t.stem) if t.stem else 0.0 for t in view.words])
    hits = view.stems(frozenset(question.stems))
    total = sum(map(weigh, question.stems)) or 1.0
    before, after = _faded(hits * weight / total)
    behind, ahead = before[view.first], after[view.last]
    subject = float(question.wanted.subject)
    opens = np.maximum(view.left(flags["function"], 1.0), view.at(flags["gap"], view.first, 1.0))
    closes = np.maximum(view.right(flags["function"], 1.0), view.right(flags["gap"], 1.0))
    capital = flags["capital"]
    cut_left = view.left(capital) * view.at(capital, view.first, 0.0) * (1 - view.at(flags["gap"], view.first, 1.0))
    cut_right = view.right(capital) * view.at(capital, view.last - 1, 0.0) * (1 - view.right(flags["gap"], 1.0))
    first, last, earlier = question.anchors
    return {
        "before": behind,
        "after": ahead,
        "acts": subject * (ahead - behind),
        "follows": (1 - subject) * (behind - ahead),
        "near_first": view.distance(first),
        "near_last": view.distance(last),
        "near_earlier": view.distance(earlier),
        "open_left": opens,
        "open_right": closes,
        "open_both": opens * closes,
        "cuts_name": np.maximum(cut_left, cut_right),
        "cuts_number": np.maximum(
            view.left(flags["number"]) * (1 - opens), view.at(flags["number"], view.last - 1, 0.0) * (1 - closes)
        ),
        "whole_name": (view.inside(capital) == view.length) * (1 - np.maximum(view.left(capital), view.right(capital))),
        "stands_first": (view.first == 0).astype(float),
        "stands_last": (view.last == len(view.words)).astype(float),
        "asked": view.inside(hits) / np.maximum(1, view.inside(flags["content"])),
        "asked_ends": view.at(hits, view.first, 0.0) + view.at(hits, view.last - 1, 0.0),
        "asked_left": view.left(hits),
        "asked_right": view.right(hits),
        "telling": view.inside(weight) / np.maximum(1, view.inside(flags["content"])) / 10,
        **{f"left_{name}": view.left(view.marks(words)) for name, words in LEFT.items()},
    }


def _faded(hits: Numbers) -> tuple[Numbers, Numbers]:
    """The hits before and after each place, each counting less with every word between."""
    fade = 1 - 1 / REACH
    before, after = np.zeros(len(hits) + 1), np.zeros(len(hits) + 1)
    for n in range(len(hits)):
        before[n + 1] = before[n] * fade + hits[n]
    for n in reversed(range(len(hits))):
        after[n] = after[n + 1] * fade + hits[n]
    return before, after


def _form(view: _View) -> dict[str, Numbers]:
    flags, length = view.flags, view.length
    inner = view.inside(flags["comma"]) - view.at(flags["comma"], view.first, 0.0)
    return {
        "one": (length == 1).astype(float),
        "words": np.minimum(length, 6) / 6,
        "long": np.maximum(0, length - 5) / 5,
        "commas": inner,
        **{name: view.has(name) for name in ("joins", "preposition", "of", "clause", "verb")},
        "joins_list": view.has("joins") * (inner > 0),
        "ed": view.at(flags["ed"], view.first, 0.0) + view.at(flags["ed"], view.last - 1, 0.0),
        "ing": view.at(flags["ing"], view.first, 0.0),
        "ly": view.at(flags["ly"], view.first, 0.0) + view.at(flags["ly"], view.last - 1, 0.0),
    }


def _fit(view: _View) -> dict[str, Numbers]:
    """How the candidate's shape goes with the kind that is wanted."""
    want = view.question.wanted
    capital = view.inside(view.flags["capital"]) / np.maximum(1, view.inside(view.flags["content"]))
    number, date, year = view.has("number"), view.has("date"), view.has("year")
    quantity = number * (1 - date)
    head = view.stems(want.head)
    beside = np.maximum(view.left(head), view.right(head))
    inside = (view.inside(head) > 0).astype(float)
    looks = {
        "capital": capital, "two": (capital == 1) * (view.length >= 2) * (view.length <= 4),
        "quantity": quantity, "date": date, "year": year, "duration": number * view.has("time"),
        "money": view.has("money"), "percent": view.has("percent"), "none": (1 - number) * (1 - date),
        "words": np.minimum(view.length, 8) / 8,
        "in": view.left(view.marks(LEFT["in"])), "by": view.left(view.marks(LEFT["by"])),
        "as": view.left(view.marks(LEFT["as"])), "to": view.left(view.marks(LEFT["to"])),
    }  # fmt: skip
    return {
        **{f"{kind}_{look}": looks[look] * float(want.kind == kind) for kind, used in LOOKS.items() for look in used},
        "head_beside": beside * (1 - inside),
        "head_inside": inside,
        "count_head": float(want.kind == "count") * number * np.maximum(beside, inside),
    }


LOOKS: dict[str, tuple[str, ...]] = {
    "person": ("capital", "two", "quantity", "date", "by", "words"),
    "place": ("capital", "quantity", "date", "in", "words"),
    "date": ("date", "year", "duration", "none", "in", "words"),
    "count": ("quantity", "date", "percent", "none", "words"),
    "amount": ("money", "quantity", "percent", "none"),
    "measure": ("quantity", "duration", "none", "words"),
    "name": ("capital", "quantity", "date", "as", "words"),
    "thing": ("capital", "quantity", "date", "as", "words"),
    "reason": ("to", "words"),
    "manner": ("by", "words"),
}
