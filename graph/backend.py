"""What the graph is built with: protocols of its retriever, writers, rerankers and judge; no implementation."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from .caching.cache import Caches
from .filters import ColumnType
from .release import Terms
from .state import Passage, Quote, Usage


class Lexicon(Protocol):
    """What words the passages of a Snapshot hold that everybody may see."""

    def weight(self, term: str) -> float:
        """How telling a term of graph.text.words is: its smoothed inverse frequency in public passages."""
        ...

    def commonest(self, most: int) -> list[str]:
        """The terms that stand in the most public passages, most first."""
        ...


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

    @property
    def lexicon(self) -> Lexicon | None:
        """The words of the Snapshot; None in a world that does not tell them."""
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
    """What passages are read from, as it lies on disk."""

    async def document(self, file: str, groups: list[str]) -> SourceText | None:
        """The document of a file; None if there is none that these groups may see."""
        ...

    async def ping(self) -> None:
        """Read a little of it; raises SnapshotError or RetrievalUnavailable where questions cannot be answered."""
        ...

    def newer(self) -> str | None:
        """What is to be read in its place by now, by its name; None while that is this one.

        Raises SnapshotError when it cannot be told.
        """
        ...

    def close(self) -> None:
        """Let go of it: it may be removed, and nothing more is to be asked of it."""
        ...


@dataclass(frozen=True)
class Scope:
    """What a search may find: the caller's filter and groups; `pool` from each leg, and of those the best `keep`."""

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
    """What a writer is asked: the question, its passages, and what is quoted of them where no model reads.

    `share` of the passages may be sent: less than 1 after the endpoint called the request too long.
    """

    question: str
    passages: list[Passage]
    quotes: list[Quote]
    terms: Terms = field(default_factory=Terms)
    share: float = 1.0
    said: list[str] = field(default_factory=list)
    """What a model says to it, piece by piece and before anything is made of it: the writer adds to it."""


class Writer(Protocol):
    """Writes a reply with [n] markers, n counting the brief's passages from 1."""

    name: str

    def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        """The reply piece by piece; adds to `usage`; raises ModelFailed."""
        ...


class Judge(Protocol):
    """Decides about claims of which the rules are unsure."""

    async def ask(self, request: str, passages: Sequence[Passage], usage: Usage) -> str:
        """The reply to a request of graph.verification.model about all of them; adds to `usage`; raises ModelFailed."""
        ...


@dataclass(frozen=True)
class Ranked:
    """How well passages answer a question, higher is better, on any scale; `trouble` with who should have said so."""

    scores: list[float]
    trouble: str = ""


class Reranker(Protocol):
    """Orders candidates anew."""

    async def rank(self, readings: Sequence[str], passages: Sequence[Passage], seconds: float) -> Ranked:
        """A score for each passage, within about `seconds`; a failure is told as trouble and not raised.

        `readings`: the question, first as it stands alone, then as it can be read otherwise.

        Raises RetrievalUnavailable when the index itself does not answer.
        """
        ...


class SentenceReader(Protocol):
    """Reads a question together with each of some sentences."""

    def scores(self, question: str, texts: Sequence[str]) -> list[float]:
        """How well each text answers the question, as log-odds on a scale of its own; takes milliseconds for each."""
        ...


@dataclass(frozen=True)
class Backend:
    """The collaborators that a graph is built with."""

    retriever: Retriever
    similarity: Similarity
    writers: Mapping[str, Writer]
    """By the name that the Release gives them."""
    caches: Caches = field(default_factory=Caches)
    """What this Release has worked out over this Snapshot; empty ones keep nothing."""
    judge: Judge | None = None
    reranker: Reranker | None = None
    """None leaves the candidates in their fused order."""
    sentences: SentenceReader | None = None
    """None where the best sentences are taken as they are scored."""
    index: Index | None = None
    """None where nothing lies on disk."""
