"""The quotable units of the kept passages, sentences, list items and table rows, scored against the question; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Literal

from ..claims.versions import outdated
from ..learned import logistic
from ..state import Evidence, Passage
from ..text.plain import ITEM
from ..text.sentences import Unit, units
from ..text.words import Weigh, terms
from .names import Held, Name, held, names_in

MOST_UNITS = 400
BIAS, MEANING, WORDS = -6.5, 4.4, 5.4
"""Log-odds that a unit holds the answer: in all, for its cosine, and for the share of the question's terms in it.

Fitted on SQuAD 2.0; more signs (its neighbours' terms, the kind of answer) do not find the sentence more often.
"""
ASKS = -2.0
"""Log-odds for a unit that is itself a question: a heading of a list of answers says nothing."""
OUTDATED = -4.0
"""Log-odds for a unit of a version that another kept passage's document supersedes."""

ORDERS = re.compile(
    r"^\W*(?:please\s+)?(?:list|name|show|give|tell|enumerate|explain|describe)"
    r"(?:\s+(?:me|us|all|every|the|about))*\s+(?=\w)",
    re.IGNORECASE,
)
"""What asks for something and is no word of it."""

Shape = Literal["sentence", "item", "row"]


def gather(passages: Sequence[Passage]) -> list[Evidence]:
    """The quotable units of the passages in reading order; `similarity` is the unit's cosine, or its passage's."""
    found = []
    for number, passage in enumerate(passages):
        own = _units(passage["text"], passage["header"])
        known = len(passage["similar"]) == len(own)
        near = passage["similar"] if known else [passage["vector"] or 0.0] * len(own)
        for unit, similar in zip(own, near, strict=True):
            if any(map(str.isalpha, unit.reading)):
                found.append(_evidence(number, unit, similar))
    return found[:MOST_UNITS]


def _evidence(number: int, unit: Unit, similar: float) -> Evidence:
    text, start, end = unit.reading, unit.start, unit.end
    found = Evidence(passage=number, start=start, end=end, text=text, similarity=similar, coverage=0.0, score=0.0)
    return Evidence(**{**found, "question": unit.question}) if unit.question else found


@lru_cache(maxsize=2048)
def _units(text: str, header: str) -> tuple[Unit, ...]:
    return tuple(units(text, header))


def said(unit: Evidence) -> str:
    """What a unit says by itself, without the question that its passage asks before it."""
    return unit["text"][len(unit.get("question", "")) :].lstrip()


def shape(unit: Evidence, passage: Passage) -> Shape:
    """Whether a unit is a table row, a list item or a sentence."""
    start = passage["text"].rfind("\n", 0, unit["start"]) + 1
    line = passage["text"][start : unit["end"]]
    if line.lstrip().startswith("|"):
        return "row"
    return "item" if ITEM.match(line) and start + len(line) - len(line.lstrip()) <= unit["start"] else "sentence"


def about(passage: Passage) -> str:
    """What a passage's units stand under: the document's title and the innermost section."""
    return f"{passage['title']}, {passage['section'].split(' > ')[-1]}" if passage["section"] else passage["title"]


@lru_cache(maxsize=8192)
def term_set(text: str, language: str = "en") -> frozenset[str]:
    """The distinct terms of a text."""
    return frozenset(terms(text, language))


def asked_terms(question: str, language: str = "en") -> frozenset[str]:
    """The distinct terms of a question, but for the verb that asks for a list."""
    return term_set(ORDERS.sub("", question), language)


def share(wanted: frozenset[str], held: frozenset[str], weigh: Weigh) -> float:
    """The weighted share of the wanted terms that are held, 0 to 1; 1 when nothing is wanted."""
    total = sum(map(weigh, wanted))
    return sum(map(weigh, wanted & held)) / total if total > 0 else 1.0


def score(question: str, passages: Sequence[Passage], weigh: Weigh, language: str = "en") -> list[Evidence]:
    """The units, best first: `score` is the probability that a unit holds the answer, `coverage` a share of terms."""
    found, old = gather(passages), outdated(question, passages)
    wanted = asked_terms(question, language)
    for unit in found:
        here = term_set(f"{unit['text']}\n{about(passages[unit['passage']])}", language)
        unit["coverage"] = share(wanted, here, weigh)
        odds = BIAS + MEANING * unit["similarity"] + WORDS * unit["coverage"]
        odds += ASKS * unit["text"].rstrip().endswith("?") + OUTDATED * (unit["passage"] in old)
        unit["score"] = logistic(odds)
    return sorted(found, key=lambda unit: -unit["score"])


@dataclass(frozen=True)
class Named:
    """What a question names, and which units are about it."""

    names: tuple[Name, ...]
    fitting: list[Evidence]
    """The units that have every name, in themselves, from what they stand under or from their passage; best first."""
    missing: list[Name]
    """Names that no unit has."""


def about_names(question: str, passages: Sequence[Passage], found: Sequence[Evidence], language: str = "en") -> Named:
    """Which units are about what the question names; `found` is best first.

    A row or a list item must have each name itself, or stand under it. A sentence may have it from a sentence of its
    passage, as long as it does not name another code, number or year in its place.
    """
    wanted = names_in(question, language)
    if not wanted:
        return Named(wanted, list(found), [])
    above = [held(_heads(passage)) for passage in passages]
    own = {id(unit): held(unit["text"]) for unit in found}
    within = [
        {name for name in wanted for unit in found if unit["passage"] == n and own[id(unit)].has(name)}
        for n in range(len(passages))
    ]

    def fits(unit: Evidence) -> bool:
        text, place = own[id(unit)], unit["passage"]
        loose = shape(unit, passages[place]) == "sentence" and not unit.get("question")
        return all(
            text.has(name)
            or _stands_over(above[place], text, name)
            or (loose and _from_passage(name, text, within[place]))
            for name in wanted
        )

    have = {
        name for name in wanted if any(name in own_names for own_names in within) or any(a.has(name) for a in above)
    }
    return Named(wanted, [unit for unit in found if fits(unit)], [name for name in wanted if name not in have])


def naming(question: str, found: Sequence[Evidence], like: Evidence, language: str = "en") -> list[Evidence]:
    """The units that name themselves whatever one of them names of the question's names."""
    names = [name for name in names_in(question, language) if held(like["text"]).has(name)]
    return [unit for unit in found if all(held(unit["text"]).has(name) for name in names)]


def _heads(passage: Passage) -> str:
    """The headings that a passage stands under, its file, and its metadata."""
    file = re.sub(r"[-_/.]", " ", passage["file"])
    known = " ".join(str(value) for value in passage["metadata"].values())
    return f"{passage['title']} \n {passage['section']} \n {file} \n {known}"


def _stands_over(above: Held, text: Held, name: Name) -> bool:
    return above.has(name) and not text.rivals(name)


def _from_passage(name: Name, text: Held, within: set[Name]) -> bool:
    return name in within and not text.rivals(name)


def weighing(passages: Sequence[Passage]) -> Weigh:
    """How telling a term is among the passages, where the index does not tell it of all."""
    texts = [term_set(unit["text"]) for unit in gather(passages)]
    return lambda term: log((len(texts) + 1) / (sum(term in text for text in texts) + 0.5))
