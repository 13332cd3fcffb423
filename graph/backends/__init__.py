"""The outside world as the graph sees it, and the one place that chooses which world that is."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..caching.cache import Caches
from ..filters import ColumnType
from ..finding.late import Near
from ..release import Release, Terms
from ..settings import Settings
from ..state import Evidence, Passage, Usage
from ..text.surfaces import Known


class Lexicon(Protocol):
    """What words the passages of a Snapshot hold that everybody may see."""

    def weight(self, term: str) -> float:
        """How telling a term of graph.text.words is: its smoothed inverse frequency in public passages."""
        ...

    def known(self, word: str) -> bool:
        """Whether a word in lower case stands in a passage that everybody may see."""
        ...

    def of_length(self, letters: int) -> Sequence[Known]:
        """The written words of public passages that have so many letters."""
        ...

    def commonest(self, most: int) -> list[str]:
        """The words that stand in the most public passages, most first."""
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


class Index(Protocol):
    """What passages are read from, as it lies on disk."""

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


class Listener(Protocol):
    """Finds passages for what a text means after something else was said."""

    async def listen(self, text: str, heard: str, scope: "Scope") -> list[Passage]:
        """Passages by falling score, sought by meaning alone; raises FilterInvalid or RetrievalUnavailable."""
        ...


@dataclass(frozen=True)
class Scope:
    """What a search may find: the caller's filter and groups; `pool` from each leg."""

    filters: dict[str, Any]
    groups: list[str]
    pool: int


class Vocabulary(Protocol):
    """Knows the words of passages that only some groups may see."""

    async def holds(self, word: str, groups: list[str]) -> bool:
        """Whether a word stands in a passage that is not public and that such a caller may see."""
        ...


class Similarity(Protocol):
    """Compares texts by meaning."""

    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        """The cosine similarity of a text to each of the others, from -1 to 1."""
        ...


class Nearness(Protocol):
    """Compares texts with passages and their units by what the index holds of their tokens."""

    async def near(self, text: str, passages: Sequence[Passage]) -> list[Near]:
        """How near a text is to each unit of each passage; raises RetrievalUnavailable."""
        ...

    async def late(self, text: str, passages: Sequence[Passage]) -> list[float]:
        """How nearly each passage meets the tokens of a text, -1 to 1; raises RetrievalUnavailable."""
        ...

    async def meant(self, text: str, heard: str, passages: Sequence[Passage]) -> list[float]:
        """How alike each passage's units are to what a text means after what was `heard` before it, -1 to 1.

        Raises RetrievalUnavailable.
        """
        ...


@dataclass(frozen=True)
class Brief:
    """What a writer is asked: the question, its passages, and the evidence found in them, best first.

    `share` of the passages may be sent: less than 1 after the endpoint called the request too long. `weigh` says how
    telling a term is in the whole index, where the world tells it.
    """

    question: str
    passages: list[Passage]
    evidence: list[Evidence]
    terms: Terms = field(default_factory=Terms)
    share: float = 1.0
    weigh: Callable[[str], float] | None = None


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
    nearness: Nearness | None = None
    """None where the index holds no tokens: then sentences are embedded when they are asked about."""
    listener: Listener | None = None
    """None where a turn means the same whatever was said before it: its words alone carry the topic then."""
    index: Index | None = None
    """None where nothing lies on disk."""
    vocabulary: Vocabulary | None = None
    """None where nobody can say: then the words of a question are mended as if the caller were in no group."""


async def connect(settings: Settings, release: Release) -> Backend:
    """Open the world that the settings name; fails now, not at the first question."""
    match settings.backend:
        case "local":
            from .local import open_local

            return await open_local(settings, release)
