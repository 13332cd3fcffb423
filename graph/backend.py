"""The protocols of the graph's collaborators: retriever, writers, rerankers and claim checker; no implementation."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .caching.cache import Caches
from .filters import ColumnType
from .release import Terms
from .state import Passage, Quote, Usage


class Lexicon(Protocol):
    """The terms of the public passages of a Snapshot."""

    def weight(self, term: str) -> float:
        """The smoothed inverse document frequency of a term in public passages."""
        ...

    def commonest(self, most: int) -> list[str]:
        """The terms with the highest document frequency in public passages, highest first."""
        ...


class Retriever(Protocol):
    """Finds passages in one Snapshot; never returns a passage that the caller may not see."""

    @property
    def snapshot(self) -> str:
        """The id of the Snapshot."""
        ...

    @property
    def columns(self) -> Mapping[str, ColumnType]:
        """The metadata columns that a filter may name."""
        ...

    @property
    def lexicon(self) -> Lexicon | None:
        """The terms of the Snapshot; None for a backend without them."""
        ...

    async def search(self, text: str, scope: "Scope") -> list[Passage]:
        """Passages by falling fused score; raises FilterInvalid or RetrievalUnavailable."""
        ...


@dataclass(frozen=True)
class SourceText:
    """A document's title and whole text."""

    title: str
    text: str


class Index(Protocol):
    """The index on disk that passages are read from."""

    async def document(self, document: str, groups: list[str]) -> SourceText | None:
        """A document by its id; None if there is none that these groups may see."""
        ...

    async def ping(self) -> None:
        """Read a row; raises SnapshotError or RetrievalUnavailable if questions cannot be answered."""
        ...

    def newer(self) -> str | None:
        """The name of the index that has replaced this one; None while this one is current.

        Raises SnapshotError when that is unknown.
        """
        ...

    def close(self) -> None:
        """Release the index, which may then be removed; no method may be called afterwards."""
        ...


@dataclass(frozen=True)
class Scope:
    """The limits of a search: the caller's filter and groups, `pool` candidates from each leg, the best `keep`."""

    filters: dict[str, Any]
    groups: list[str]
    pool: int
    keep: int | None = None


class Similarity(Protocol):
    """Compares texts by meaning."""

    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        """The cosine similarity of a text to each of the others, from -1 to 1."""
        ...


@dataclass(frozen=True)
class Brief:
    """The input of a writer: the question, its passages, and the quotes for the extractive writer.

    `share` of the passages may be sent; it is less than 1 after the endpoint called the request too long.
    """

    question: str
    passages: list[Passage]
    quotes: list[Quote]
    terms: Terms = field(default_factory=Terms)
    share: float = 1.0
    raw_reply: list[str] = field(default_factory=list)
    """The unprocessed pieces of the model's reply; the writer appends to it."""


class Writer(Protocol):
    """Writes a reply with [n] markers, n counting the brief's passages from 1."""

    name: str

    def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        """The reply piece by piece; adds to `usage`; raises ModelFailed."""
        ...


class ClaimChecker(Protocol):
    """A model that decides about claims of which the rules are unsure."""

    async def ask(self, request: str, passages: Sequence[Passage], usage: Usage) -> str:
        """The reply to a request of graph.verification.model about all of them; adds to `usage`; raises ModelFailed."""
        ...


@dataclass(frozen=True)
class Ranked:
    """A score for each passage, higher is better, on any scale; `trouble` with the endpoint that should have scored."""

    scores: list[float]
    trouble: str = ""


class Reranker(Protocol):
    """Reorders candidates."""

    async def rank(self, readings: Sequence[str], passages: Sequence[Passage], seconds: float) -> Ranked:
        """A score for each passage, within about `seconds`; an endpoint's failure is returned as `trouble`.

        `readings`: the stand-alone question first, then its other versions. Raises RetrievalUnavailable when the index
        does not answer.
        """
        ...


class SentenceReader(Protocol):
    """Scores sentences together with the question, as cross-encoders do."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, as log-odds on the model's own scale; takes milliseconds each."""
        ...


@dataclass(frozen=True)
class Backend:
    """The collaborators that a graph is built with."""

    retriever: Retriever
    similarity: Similarity
    writers: Mapping[str, Writer]
    """By their names in the Release."""
    caches: Caches = field(default_factory=Caches)
    """The caches of this Release and Snapshot; the default caches store nothing."""
    claim_checker: ClaimChecker | None = None
    reranker: Reranker | None = None
    """None keeps the fused order."""
    sentences: SentenceReader | None = None
    """None where sentences are not rescored."""
    index: Index | None = None
    """None where there is no index on disk."""
