"""Asks questions on the simple and on the complex path, and says what each path finds and costs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.halfway import state_after
from graph.backends import Backend, Lexicon, Retriever, Scope
from graph.backends.local import open_local
from graph.builder import build_graph
from graph.filters import ColumnType
from graph.finding.rerank import tokens_in
from graph.question.routing import complexity
from graph.question.subquestions import split
from graph.release import Release, Routing
from graph.settings import Settings
from graph.state import Passage, Question
from graph.sync import Graph

SIMPLE, COMPLEX = Routing(complex_from=1.0), Routing(complex_from=0.0)
"""Every question on one path. No question is certain to be complex, so that none reaches 1."""
STEPS = ("preprocess", "retrieve", "rerank", "route")


@dataclass(frozen=True)
class Way:
    """What one path kept for a question: whether it holds all that is needed, in how many searches, tokens and ms."""

    found: bool
    searches: int
    tokens: float
    milliseconds: float


@dataclass(frozen=True)
class Walked:
    """A question's probability of being complex, and both paths."""

    probability: float
    simple: Way
    complex: Way


@dataclass
class Counting:
    """A retriever that counts the searches made through it."""

    inner: Retriever
    searches: int = 0
    snapshot: str = field(init=False)
    columns: Mapping[str, ColumnType] = field(init=False)
    lexicon: Lexicon | None = field(init=False)

    def __post_init__(self) -> None:
        self.snapshot, self.columns, self.lexicon = self.inner.snapshot, self.inner.columns, self.inner.lexicon

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        self.searches += 1
        return await self.inner.search(text, scope)


@dataclass(frozen=True)
class Walker:
    """The graph on both paths over one store, without caches."""

    retriever: Counting
    simple: Graph
    complex: Graph

    @classmethod
    async def open(cls, store: Path) -> "Walker":
        backend = await open_uncached(store, Release())
        counting = Counting(backend.retriever)
        counted = replace(backend, retriever=counting)
        return cls(counting, *(build_graph(Release(routing=each), counted) for each in (SIMPLE, COMPLEX)))

    async def walk(self, question: Question, needs: Callable[[Sequence[Passage]], bool]) -> Walked:
        """Both paths of a question; `needs` says whether passages hold all that it needs."""
        simple, kept, asked = await self._take(self.simple, question, needs)
        whole, _, _ = await self._take(self.complex, question, needs)
        return Walked(complexity(asked, kept, split(asked, kept)), simple, whole)

    async def _take(
        self, graph: Graph, question: Question, needs: Callable[[Sequence[Passage]], bool]
    ) -> tuple[Way, list[Passage], str]:
        before = self.retriever.searches
        state = await state_after(graph, "route", question)
        kept, spent = state["passages"], sum(state["timings"][step] for step in STEPS)
        tokens = sum(tokens_in(passage["text"]) for passage in kept)
        searches = self.retriever.searches - before
        return Way(needs(kept), searches, tokens, spent), kept, state["standalone"]


async def open_uncached(store: Path, release: Release) -> Backend:
    """The embedded backend over a store, remembering nothing."""
    forgetful = Settings(index=store, cache_answers=0, cache_retrieval=0, cache_embeddings=0)
    return await open_local(forgetful, release)
