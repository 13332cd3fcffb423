"""A Proposal, and how those that are kept are chosen: different questions, spread over documents and kinds; pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from evals.samples import Sample
from graph.text.words import terms

ALIKE = 0.7
"""The share of common terms from which on two questions are near copies."""
DRAFT = "draft"


@dataclass(frozen=True)
class Proposal:
    """A question that a document answers, or none; `quotes` are verbatim pieces of the documents.

    `kind` says by which rule it was made, `note` what a person has to look at.
    """

    kind: str
    question: str
    reference: str = ""
    alternatives: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    filters: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def id(self) -> str:
        """The same for the same question of the same documents, whenever it is made."""
        told = "\n".join([self.question, *self.documents, *self.groups, repr(sorted(self.filters.items()))])
        return f"d-{sha256(told.encode()).hexdigest()[:12]}"

    @property
    def answerable(self) -> bool:
        return bool(self.documents)

    @property
    def sample(self) -> Sample:
        """The proposal as a sample that says that it is a draft."""
        return Sample(
            id=self.id,
            question=self.question,
            filters=dict(self.filters),
            groups=self.groups,
            answerable=self.answerable,
            reference=self.reference or None,
            alternatives=self.alternatives if self.reference else (),
            documents=self.documents,
            quotes=self.quotes,
            tags=(DRAFT, self.kind),
            note=self.note,
        )


def is_draft(sample: Sample) -> bool:
    """Whether nobody has said yet that a sample is finished: it is tagged so, or its note still says so."""
    return DRAFT in sample.tags or sample.note.lower().startswith(DRAFT)


def shuffled(found: Iterable[Proposal], seed: int) -> list[Proposal]:
    """In an order that follows from the seed and from each proposal alone."""
    return sorted(found, key=lambda each: sha256(f"{seed} {each.id}".encode()).digest())


def chosen(found: Iterable[Proposal], most: int, seed: int, before: Sequence[str] = ()) -> list[Proposal]:
    """At most so many that are no near copies of each other or of the questions there are, spread evenly."""
    kept: list[Proposal] = []
    asked = [frozenset(terms(question)) for question in before]
    for each in spread(shuffled(found, seed)):
        own = frozenset(terms(each.question))
        if len(kept) == most:
            break
        if len(own) > 1 and not any(alike(own, other) >= ALIKE for other in asked):
            kept.append(each)
            asked.append(own)
    return kept


def spread(found: Sequence[Proposal]) -> Iterator[Proposal]:
    """One of each document in turn, and of a document the kind that was had least so far."""
    left: dict[str, list[Proposal]] = {}
    for each in found:
        left.setdefault(each.documents[0] if each.documents else each.kind, []).append(each)
    had: dict[str, int] = {}
    while left:
        for name in list(left):
            best = min(left[name], key=lambda each: had.get(each.kind, 0))
            left[name].remove(best)
            had[best.kind] = had.get(best.kind, 0) + 1
            yield best
            if not left[name]:
                del left[name]


def alike(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of terms in common (Jaccard)."""
    return len(one & other) / max(1, len(one | other))
