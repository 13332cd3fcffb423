"""The outside world as the graph sees it, and the one place that chooses which world that is."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from graph.filters import ColumnType
from graph.release import Release
from graph.settings import Settings
from graph.state import Evidence, Passage, Usage


class Retriever(Protocol):
    """Finds passages in one Snapshot; what a caller may not see never leaves it."""

    @property
    def snapshot(self) -> str:
        """The id of the Snapshot."""
        ...

    @property
    def columns(self) -> Mapping[str, ColumnType]:
        """The metadata columns that a filter may name."""
        ...

    async def search(self, text: str, scope: "Scope") -> list[Passage]:
        """Passages by falling fused score; raises FilterInvalid or RetrievalUnavailable."""
        ...


@dataclass(frozen=True)
class Scope:
    """What a search may find: the caller's filter and groups; `pool` from each leg."""

    filters: dict[str, Any]
    groups: list[str]
    pool: int


class Similarity(Protocol):
    """Compares texts by meaning."""

    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        """The cosine similarity of a text to each of the others, from -1 to 1."""
        ...


@dataclass(frozen=True)
class Brief:
    """What a writer is asked: the question, its passages, and the evidence found in them, best first."""

    question: str
    passages: list[Passage]
    evidence: list[Evidence]


class Writer(Protocol):
    """Writes a reply with [n] markers, n counting the brief's passages from 1."""

    name: str

    def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        """The reply piece by piece; adds to `usage`; raises ModelFailed."""
        ...


@dataclass(frozen=True)
class Backend:
    """The collaborators that a graph is built with."""

    retriever: Retriever
    similarity: Similarity
    writers: Mapping[str, Writer]
    """By the name that the Release gives them."""


async def connect(settings: Settings, release: Release) -> Backend:
    """Open the world that the settings name; fails now, not at the first question."""
    match settings.backend:
        case "local":
            from graph.backends.local import open_local

            return await open_local(settings, release)
