"""Which of the kept passages belong to a version of a document that a newer one has replaced; pure."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from ..state import Passage
from ..text.metadata_values import MONTHS, dates, resolve
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
"""What may ask for how things were: where it does not tell when, any version may be meant."""


def outdated(question: str, passages: Sequence[Passage]) -> set[int]:
    """The numbers of the passages of a version of a document that is not the one that is asked for.

    Documents are versions of one when their titles differ in their version alone and their other metadata agree. Asked
    for is the one that took effect last; any, where it asks for how things were. A question that names a number of a
    version's title wants that one too.
    """
    if ASKS_FOR_OLD.search(question):
        return set()
    newest: dict[tuple[object, ...], str] = {}
    for passage in passages:
        newest[family(passage)] = max(newest.get(family(passage), ""), effective(passage))
    question_numbers = numbers(question)
    return {
        n
        for n, passage in enumerate(passages)
        if effective(passage)
        and newest[family(passage)] != effective(passage)
        and not question_numbers & numbers(passage["title"])
    }


def effective(passage: Passage) -> str:
    """The day from which a document holds as ISO text, a year or month where no more is told, or "" when unknown."""
    return _day(str(passage["metadata"].get(DATE) or "").strip())


@lru_cache(maxsize=4096)
def _day(text: str) -> str:
    day = resolve(dates(text))
    return day.isoformat() if day else text if PERIOD.fullmatch(text) else ""


def family(passage: Passage) -> tuple[object, ...]:
    return _name(passage["title"]), *sorted(_others(passage["metadata"]))


@lru_cache(maxsize=4096)
def _name(title: str) -> tuple[str, ...]:
    """The terms of a title without its version."""
    return tuple(terms(VERSION.sub(" ", title)))


def _others(metadata: Mapping[str, object]) -> list[str]:
    return [f"{name}={value}" for name, value in metadata.items() if value and name not in SAME_FIELDS_BUT]
