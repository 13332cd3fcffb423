"""Whether a passage says what a claim says: a few features, a small linear model, and what is sure without it; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import LCSseq, Levenshtein

from ..learned import load, logistic
from ..text.facts import opposed
from ..text.values import Value, unmet
from ..text.words import Weigh, is_number
from .passages import Source, Told, Window, knows, missing, terms_of
from .statement import Statement

MOST_REPLACED = 2
CANDIDATES = 3
"""Units of a passage that are looked at closely."""
EDGES = re.compile(r"(?<!\S)[\"'“”\u2018(]+|[.!?…:;,\"'“”’)]+(?!\S)")
TURNS = re.compile(
    r"\b(?:unless|if|except|until|before|provided|false|untrue|wrong|denie[sd]|myth|claims?|claimed|believed?)\b",
    re.IGNORECASE,
)
"""What before a piece of a sentence can turn what the piece says."""
CONDITION = re.compile(r"\b(?:unless|except|only if|provided that|as long as|until)\b", re.IGNORECASE)
Features = dict[str, float]


@dataclass(frozen=True)
class Finding:
    """How well a passage supports a claim, 0 to 1; `opposes`: it says otherwise. `because` says what is amiss."""

    score: float
    window: Window | None
    because: str = ""
    opposes: bool = False
    sure: bool = False


def nearest(said: Statement, found: Source, weigh: Weigh) -> list[int]:
    """The units that hold most of the claim and of what was asked, best first."""
    wanted = [(term, weigh(term) * (1.0 if term in said.own else 0.3)) for term in {*said.own, *said.asked}]
    scored = []
    for number, told in enumerate(found.told):
        gone = missing((term for term, _ in wanted), [told.found])
        scored.append((-sum(weight for term, weight in wanted if term not in gone), number))
    return [number for _, number in sorted(scored)[:CANDIDATES]]


def verbatim(said: Statement, found: Source) -> Window | None:
    """The unit that holds the claim word by word, with nothing before or behind it that turns what it says."""
    wanted = _folded(said.text)
    if not wanted or said.is_fragment:
        return None
    for number, told in enumerate(found.told):
        before, piece, behind = _folded(told.text).partition(wanted)
        if piece and not (Told(before, found.language).denied or TURNS.search(before) or CONDITION.search(behind)):
            unit = found.units[number]
            return Window(unit.start, unit.end, number, number)
    return None


@lru_cache(maxsize=16384)
def _folded(text: str) -> str:
    words = " ".join(EDGES.sub("", text.lower()).split())
    return f" {words} " if words else ""


def features(said: Statement, number: int, found: Source, cosine: float | None, weigh: Weigh, rival: float = 0.0) -> Features:
    """What speaks for and against unit `number` of a passage saying what the claim says; shares are 0 to 1."""
    told, about = found.told[number], found.about
    beside = [found.told[n] for n in (number - 1, number + 1) if 0 <= n < len(found.told)]
    here = [told.found, about.found]
    near = [*here, *(other.found for other in beside)]
    lost = missing(said.whole, here)
    held = _share(said.whole, lost, weigh)
    order = LCSseq.similarity(said.own, told.terms) / len(said.own) if said.own else 1.0
    elsewhere = float(_name_elsewhere(said, told, found))
    foreign = bool(told.names - said.words - said.asked)
    return {
        "held": held,
        "near": _share(said.whole, missing(said.whole, near), weigh),
        "passage": _share(said.whole, missing(said.whole, [found.whole.found, about.found]), weigh),
        "answer": _share(frozenset(said.own) - said.asked, lost, weigh),
        "in_order": order,
        "cosine": (0.25 + 0.6 * held if cosine is None else cosine),
        **_valued(said, told, beside, found),
        "name_missing": float(_name_missing(said, found)),
        "name_elsewhere": elsewhere,
        "name_replaced": elsewhere * order * foreign,
        "replaced": order * _replaced(said, told, lost),
        "polarity": _polarity(said, told, found, order),
        "opposed": float(opposed(said.words, told.words) > 0),
        "entity_unmet": _unmet_entities(said, near, found),
        "rival": rival,
    }


def _share(wanted: set[str] | frozenset[str], gone: set[str], weigh: Weigh) -> float:
    total = sum(map(weigh, wanted))
    return 1 - sum(weigh(term) for term in gone & wanted) / total if total > 0 else 1.0


def _valued(said: Statement, told: Told, beside: Sequence[Told], found: Source) -> Features:
    here = [*told.values, *found.about.values]
    near = [*here, *(value for other in beside for value in other.values)]
    return {
        "value_missing": float(bool(unmet(said.values, [*found.whole.values, *near]))),
        "value_elsewhere": float(bool(unmet(said.values, here))),
    }


def _name_missing(said: Statement, found: Source) -> bool:
    gone = frozenset[str]().union(*said.names) - found.whole.words - found.about.words
    return bool(gone and missing(gone, [found.whole.found, found.about.found]))


def _name_elsewhere(said: Statement, told: Told, found: Source) -> bool:
    """Whether of a name no word stands in the unit or over it."""
    gone = [name for name in said.names if not name & (told.words | found.about.words)]
    return any(len(missing(name, [told.found, found.about.found])) == len(name) for name in gone)


def _replaced(said: Statement, told: Told, lost: set[str]) -> bool:
    """Whether a few words of a sentence that is otherwise the same stand in the place of others."""
    own, there = said.own, told.terms
    return any(
        op.tag == "replace"
        and max(op.src_end - op.src_start, op.dest_end - op.dest_start) <= MOST_REPLACED
        and (op.src_start > 0 or op.dest_start == 0)
        and set(own[op.src_start : op.src_end]) <= lost
        for op in Levenshtein.opcodes(own, there)
    )


def asked_share(said: Statement, told: Told, about: Told, weigh: Weigh) -> float:
    """How much of the question a unit is about."""
    return _share(said.asked, missing(said.asked, [told.found, about.found]), weigh)


def rival(said: Statement, number: int, found: Source, all_: Sequence[Source], weigh: Weigh) -> float:
    """How much more another unit is about what was asked than this one, without saying what the claim answers."""
    if not said.asked:
        return 0.0
    answer = frozenset(said.own) - said.asked
    own = asked_share(said, found.told[number], found.about, weigh)
    most = 0.0
    for other in all_:
        for told in other.told:
            if told is found.told[number]:
                continue
            share = asked_share(said, told, other.about, weigh)
            if share > own + most and (missing(answer, [told.found]) or unmet(said.values, told.values)) :
                most = share - own
    return most


def _unmet_entities(said: Statement, near: Sequence[frozenset[str]], found: Source) -> float:
    """The share of the question's names, codes and years that neither the unit, nor what is around and over it has."""
    if not said.entities:
        return 0.0
    words = found.about.words | found.whole.words
    return len(missing(said.entities - words, near)) / len(said.entities)


def _polarity(said: Statement, told: Told, found: Source, order: float) -> float:
    """How far one denies what the other says, 0 to 1."""
    if said.denies:
        return 0.0 if told.denies or found.excludes else order
    if said.assent is False:
        return 0.0
    shares = [_share_denied(said, reached) for other in found.told for reached in other.denied if len(reached) > 1]
    if found.excludes:
        shares.append(_share_denied(said, frozenset(told.terms)))
    most = max(shares, default=0.0)
    return most if most >= DENIED_FROM else 0.0


def _share_denied(said: Statement, reached: frozenset[str]) -> float:
    """How much of what is denied the claim says; 0 where that is about another number."""
    held = reached & said.whole
    return 0.0 if any(is_number(term) for term in reached - held) else len(held) / len(reached)




DENIED_FROM = 0.6
NAMES = tuple(
    """held near passage answer in_order cosine value_missing value_elsewhere name_missing name_elsewhere name_replaced polarity opposed
    entity_unmet rival""".split()
)
