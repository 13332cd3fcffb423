"""Which of the kept passages belong to a version of a document that a newer one has replaced; pure."""

import re
from collections.abc import Mapping, Sequence

from graph.state import Passage
from graph.words import numbers, terms

DATE = "effective_date"
COUNTS = re.compile(r"\b(?:v|ver|version|issue|edition|revision|rev|release|no|nr)\b\.?", re.IGNORECASE)
NUMBER = re.compile(r"[\d.,/–-]*\d")
SAME_FIELDS_BUT = frozenset({DATE, "title", "allowed_groups"})
ASKS_FOR_OLD = re.compile(
    r"\b(?:was|were|used to|former|formerly|previous|previously|earlier|old|until|before)\b", re.IGNORECASE
)


def outdated(question: str, passages: Sequence[Passage]) -> set[int]:
    """The numbers of the passages that another one's document replaces.

    A document replaces another one when their titles differ in numbers alone, their other metadata agree and it takes
    effect later. A question that names a number of the old title, or asks for how things were, wants the old one too.
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
    return str(passage["metadata"].get(DATE) or "")


def family(passage: Passage) -> tuple[object, ...]:
    name = tuple(terms(NUMBER.sub(" ", COUNTS.sub(" ", passage["title"]))))
    return name, *sorted(_others(passage["metadata"]))


def _others(metadata: Mapping[str, object]) -> list[str]:
    return [f"{name}={value}" for name, value in metadata.items() if value and name not in SAME_FIELDS_BUT]
