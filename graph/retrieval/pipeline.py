"""Searches for one question or for several at once, reranks what was found, and keeps what an answer may use."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..backend import Backend, Scope
from ..caching.cache import key_of
from ..filters import compile_filter
from ..offload import off_loop
from ..release import Release
from ..state import Passage, Search, State
from ..steps.evidence import weighing
from ..text.words import Weigh
from . import fusion, rerank

DEPTH = 2
"""How many times what is kept of the candidates each search gives, so that what two searches find half-way counts."""


@dataclass(frozen=True)
class RetrievalPipeline:
    """The way from a text to passages and their evidence, over one Release and one Backend."""

    release: Release
    backend: Backend

    def key(self, filters: dict[str, Any], groups: list[str], caller: str, *asked: Any) -> str:
        """What a result may be kept under: everything that it follows from, and whose it is.

        A hit shows in the Answer, in its timings too: of another caller's question it would tell that it was asked.
        """
        return key_of(self.release.digest, self.backend.retriever.snapshot, filters, groups, caller, *asked)

    async def find(self, searches: Sequence[Search], state: State) -> tuple[list[Passage], list[str]]:
        """The candidates of some searches together, best first, and the caches that all of them hit."""
        found, cached = await self._all(searches, state)
        blended = fusion.blend(found, [search["weight"] for search in searches])
        return blended[: self.release.retrieval.keep], cached

    async def passages(self, text: str, filters: dict[str, Any], groups: list[str]) -> list[Passage]:
        """What is found for a text, best first, as somebody who searches would see it.

        Raises FilterInvalid or RetrievalUnavailable.
        """
        compile_filter(filters, self.backend.retriever.columns)
        search, most = Search(text=text, weight=1.0), self.release.retrieval.keep
        found, _ = await self._one(search, most, filters, groups)
        if self.backend.reranker is None or not found:
            return found
        ranked = await self.backend.reranker.rank([text], found, self.release.reranking.timeout)
        return rerank.reorder(found, ranked.scores)

    def keep(self, candidates: Sequence[Passage]) -> list[Passage]:
        """Of the candidates, in their order, what the answer may use."""
        return rerank.keep_best(candidates, self.release.reranking)

    async def best(
        self, readings: Sequence[str], candidates: Sequence[Passage], began: float
    ) -> tuple[list[Passage], list[str]]:
        """Of the candidates, best first, what the answer to a question may use; and the reranker's trouble.

        A reranker has half of what is left of the question's deadline at most.
        """
        if self.backend.reranker is None or not candidates:
            return await off_loop(self.keep, candidates), []
        left = (self.release.generation.deadline - (time.monotonic() - began)) / 2
        seconds = max(0.0, min(self.release.reranking.timeout, left))
        ranked = await self.backend.reranker.rank(readings, candidates, seconds)
        kept = await off_loop(self.keep, rerank.reorder(candidates, ranked.scores))
        return kept, [ranked.trouble] if ranked.trouble else []

    async def widen(self, state: State, parts: list[str]) -> State:
        """Search for each part; each keeps a share of the passages, and so does the question itself."""
        found, _ = await self._all([Search(text=part, weight=1.0) for part in parts], state)
        pairs = zip(parts, found, strict=True)
        ranked = await asyncio.gather(*(self.best([part], each, state["began"]) for part, each in pairs))
        rankings = [state["passages"], *(each for each, _ in ranked)]
        trouble = list(dict.fromkeys([*state["trouble"], *(said for _, own in ranked for said in own)]))
        kept = await off_loop(self.keep, fusion.take_turns(rankings, [1] * len(rankings)))
        return State(passages=kept, trouble=trouble)

    def weigh(self, passages: list[Passage]) -> Weigh:
        """How telling a term is: in the whole index, or among the passages where the world does not tell it."""
        lexicon = self.backend.retriever.lexicon
        return lexicon.weight if lexicon else weighing(passages)

    async def _all(self, searches: Sequence[Search], state: State) -> tuple[list[list[Passage]], list[str]]:
        whose = state["filters"], state["groups"], state["caller"]
        most = self.release.retrieval.keep * (DEPTH if len(searches) > 1 else 1)
        searched = await asyncio.gather(*(self._one(search, most, *whose) for search in searches))
        hits = [set(cached) for _, cached in searched]
        return [found for found, _ in searched], sorted(set.intersection(*hits)) if hits else []

    async def _one(
        self, search: Search, most: int, filters: dict[str, Any], groups: list[str], caller: str = ""
    ) -> tuple[list[Passage], list[str]]:
        """The best passages of a search, so many at most, and the caches that were hit."""
        text, caches = search["text"], self.backend.caches
        key = self.key(filters, groups, caller, "search", text, most)
        kept: list[Passage] | None = caches.retrieval.get(key)
        if kept is not None:
            return kept, ["retrieval"]
        cached = ["embedding"] if text in caches.embeddings else []
        found = await self.backend.retriever.search(text, Scope(filters, groups, self.release.retrieval.pool, most))
        caches.retrieval.put(key, found)
        return found, cached
