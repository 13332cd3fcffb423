"""Which of the kept passages belong to a version of a document that a newer one has replaced; pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
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


def outdated(question: str, passages: Sequence[Passage], today: str = "") -> set[int]:
    """The numbers of the passages of a version of a document that is not the one that is asked for.

    Documents are versions of one when their titles differ in their version alone and their other metadata agree. Asked
    for is the one in force `today` (ISO 8601, empty: by the clock), which took effect last; where none has yet, the
    first; any, where it asks for how things were. A question that names a number of a version's title, or the year from
    which it holds, wants that one too.
    """
    if ASKS_FOR_OLD.search(question):
        return set()
    now = today or datetime.now(UTC).date().isoformat()
    days: dict[tuple[object, ...], set[str]] = {}
    for passage in passages:
        days.setdefault(family(passage), set()).add(effective(passage))
    in_force = {name: max((day for day in own if day <= now), default=min(own)) for name, own in days.items()}
    question_numbers = numbers(question)
    return {
        n
        for n, passage in enumerate(passages)
        if effective(passage)
        and in_force[family(passage)] != effective(passage)
        and not question_numbers & (numbers(passage["title"]) | _year_ahead(passage, now))
    }


def _year_ahead(passage: Passage, now: str) -> set[str]:
    """The year from which a version holds that is not yet in force."""
    return {effective(passage)[:4]} if effective(passage) > now else set()


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
