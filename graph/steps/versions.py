"""Which of the kept passages belong to a version of a document that a newer one has replaced; pure."""

import re
from collections.abc import Mapping, Sequence

from ..state import Passage
from ..text.readings import MONTHS, dates, settled
from ..text.words import numbers, terms

DATE = "effective_date"
PERIOD = re.compile(r"\d{4}(?:-\d\d)?", re.ASCII)
VERSION = re.compile(
    r"\b(?:v|ver|version|issue|edition|revision|rev|release)\b\.? ?[\d.]*\d\b|\bv[\d.]*\d\b"
    rf"|\b(?:{'|'.join(MONTHS)})\b(?= *\d)|\b(?:1[89]|20)\d\d(?:[-/.]\d\d?){{0,2}}\b|\b\d\d?[./]\d\d?[./]\d{{4}}\b"
    r"|\b(?:current|new|old|draft|final|superseded|archived)\b",
    re.IGNORECASE,
)
"""What of a title tells its version: a version's number, a year or date, a word for its state."""
SAME_FIELDS_BUT = frozenset({DATE, "title", "allowed_groups", "status", "version", "revision", "edition", "state"})
ASKS_FOR_OLD = re.compile(
    r"\b(?:was|were|used to|former|formerly|previous|previously|earlier|old|until|before)\b", re.IGNORECASE
)


def outdated(question: str, passages: Sequence[Passage]) -> set[int]:
    """The numbers of the passages that another one's document replaces.

    A document replaces another one when their titles differ in their version alone, their other metadata agree and it
    takes effect later. A question that names a number of the old title, or asks for how things were, wants it too.
    """
    if ASKS_FOR_OLD.search(question):
        return set()
    newest: dict[tuple[object, ...], str] = {}
    for passage in passages:
        if date := effective(passage):
            newest[family(passage)] = max(date, newest.get(family(passage), ""))
    said = numbers(question)
    return {
        n
        for n, passage in enumerate(passages)
        if "" < effective(passage) < newest.get(family(passage), "") and not said & numbers(passage["title"])
    }


def effective(passage: Passage) -> str:
    """The day from which a document holds as ISO text, a year or month where no more is told, or "" when unknown."""
    told = str(passage["metadata"].get(DATE) or "").strip()
    day = settled(dates(told))
    return day.isoformat() if day else told if PERIOD.fullmatch(told) else ""


def family(passage: Passage) -> tuple[object, ...]:
    name = tuple(terms(VERSION.sub(" ", passage["title"])))
    return name, *sorted(_others(passage["metadata"]))


def _others(metadata: Mapping[str, object]) -> list[str]:
    return [f"{name}={value}" for name, value in metadata.items() if value and name not in SAME_FIELDS_BUT]
