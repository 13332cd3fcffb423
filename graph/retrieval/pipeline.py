"""Searches for one or several questions, reranks the candidates, and selects the passages for the answer."""

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
from ..safety.injection import quarantine
from ..state import Passage, Search, State
from ..steps.evidence import weighing
from ..text.words import TermWeight
from . import fusion, rerank

SEARCH_DEPTH = 2
"""Each of several searches returns this many times the candidates that are kept, so that shared ones can rise."""


@dataclass(frozen=True)
class RetrievalPipeline:
    """Retrieves passages with one Release and one Backend."""

    release: Release
    backend: Backend

    def key(self, filters: dict[str, Any], groups: list[str], caller: str, *parts: Any) -> str:
        """The cache key of a result: everything that determines it, and the caller.

        Cache hits are visible in the Answer and its timings, so callers do not share them: a hit would reveal that
        another caller asked the same question.
        """
        return key_of(self.release.digest, self.backend.retriever.snapshot, filters, groups, caller, *parts)

    async def find(self, searches: Sequence[Search], state: State) -> tuple[list[Passage], list[str]]:
        """The fused candidates of several searches, best first, and the caches that all of them hit."""
        found, cached = await self._search_all(searches, state)
        blended = fusion.blend(found, [search["weight"] for search in searches])
        return blended[: self.release.retrieval.keep], cached

    async def passages(self, text: str, filters: dict[str, Any], groups: list[str]) -> list[Passage]:
        """The reranked passages for a search text, best first; raises FilterInvalid or RetrievalUnavailable."""
        compile_filter(filters, self.backend.retriever.columns)
        search, most = Search(text=text, weight=1.0), self.release.retrieval.keep
        found, _ = await self._search(search, most, filters, groups)
        if self.backend.reranker is None or not found:
            return await off_loop(quarantine, found, text)
        ranked = await self.backend.reranker.rank([text], found, self.release.reranking.timeout)
        return await off_loop(quarantine, rerank.reorder(found, ranked.scores), text)

    async def keep(self, readings: Sequence[str], candidates: Sequence[Passage]) -> list[Passage]:
        """The candidates that the answer may use, in order, without what instructs the assistant."""
        return await off_loop(quarantine, rerank.keep_best(candidates, self.release.reranking), " ".join(readings))

    async def best(
        self, readings: Sequence[str], candidates: Sequence[Passage], began: float
    ) -> tuple[list[Passage], list[str]]:
        """The passages that the answer may use, best first, and the reranker's trouble.

        The reranker has at most half of the time that is left for the question.
        """
        if self.backend.reranker is None or not candidates:
            return await self.keep(readings, candidates), []
        left = (self.release.generation.deadline - (time.monotonic() - began)) / 2
        seconds = max(0.0, min(self.release.reranking.timeout, left))
        ranked = await self.backend.reranker.rank(readings, candidates, seconds)
        kept = await self.keep(readings, rerank.reorder(candidates, ranked.scores))
        return kept, [ranked.trouble] if ranked.trouble else []

    async def widen(self, state: State, parts: list[str]) -> State:
        """Search for each part; each keeps a share of the passages, and so does the question itself."""
        found, _ = await self._search_all([Search(text=part, weight=1.0) for part in parts], state)
        pairs = zip(parts, found, strict=True)
        ranked = await asyncio.gather(*(self.best([part], each, state["began"]) for part, each in pairs))
        rankings = [state["passages"], *(each for each, _ in ranked)]
        trouble = list(dict.fromkeys([*state["trouble"], *(message for _, messages in ranked for message in messages)]))
        # Each of them was kept before, without what instructs the assistant.
        kept = rerank.keep_best(fusion.interleave(rankings), self.release.reranking)
        return State(passages=kept, trouble=trouble)

    def weigh(self, passages: list[Passage]) -> TermWeight:
        """The weight of a term in the whole index, or among the passages where the index has no lexicon."""
        lexicon = self.backend.retriever.lexicon
        return lexicon.weight if lexicon else weighing(passages)

    async def _search_all(self, searches: Sequence[Search], state: State) -> tuple[list[list[Passage]], list[str]]:
        whose = state["filters"], state["groups"], state["caller"]
        most = self.release.retrieval.keep * (SEARCH_DEPTH if len(searches) > 1 else 1)
        searched = await asyncio.gather(*(self._search(search, most, *whose) for search in searches))
        hits = [set(cached) for _, cached in searched]
        return [found for found, _ in searched], sorted(set.intersection(*hits)) if hits else []

    async def _search(
        self, search: Search, most: int, filters: dict[str, Any], groups: list[str], caller: str = ""
    ) -> tuple[list[Passage], list[str]]:
        """The best passages of a search, `most` at most, and the caches that were hit."""
        text, caches = search["text"], self.backend.caches
        key = self.key(filters, groups, caller, "search", text, most)
        kept: list[Passage] | None = caches.retrieval.get(key)
        if kept is not None:
            return kept, ["retrieval"]
        cached = ["embedding"] if text in caches.embeddings else []
        found = await self.backend.retriever.search(text, Scope(filters, groups, self.release.retrieval.pool, most))
        caches.retrieval.put(key, found)
        return found, cached
