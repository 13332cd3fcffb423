"""Searches for one question or for several at once, keeps of what was found what an answer may use, and scores it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..backends import Backend, Scope
from ..caching.cache import key_of
from ..filters import compile_filter
from ..offload import off_loop
from ..question import subquestions
from ..release import Release
from ..state import Evidence, Passage, Search, State
from ..text.words import Weigh
from . import confidence, evidence, merging, rerank

DEPTH = 2
"""How many times what is kept of the candidates each search gives, so that what two searches find half-way counts."""


@dataclass(frozen=True)
class Judged:
    """How sure the answer is where it is surest and where it is weakest, and the evidence that is worth quoting."""

    surest: float
    weakest: float
    evidence: list[Evidence]


@dataclass(frozen=True)
class Searching:
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
        blended = merging.blend(found, [search["weight"] for search in searches])
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

    async def gather_evidence(self, texts: Sequence[str], passages: list[Passage]) -> list[Evidence]:
        """The sentences of the passages, each by the best that it scores against one of the texts."""
        weigh = self.weigh(passages)
        return subquestions.best_of([await self._scored(text, passages, weigh) for text in texts])

    def judge(self, question: str, found: State) -> Judged:
        """How sure an answer is; when some parts have one and others have not, the others' evidence is left out."""
        turn = bool(found.get("history"))
        passages, units, weigh = found["passages"], found["evidence"], self.weigh(found["passages"])
        whole = confidence.confidence(question, passages, units, weigh, turn=turn)
        parts = confidence.of_parts(found.get("parts", []), passages, units, weigh, turn=turn)
        weak = {number for number, sure in enumerate(parts, 1) if sure < self.release.routing.answer_from}
        kept = [unit for unit in units if unit.get("part") not in weak] if len(weak) < len(parts) else units
        return Judged(max([whole, *parts]), round(min(parts, default=whole), 4), kept)

    async def widen(self, state: State, parts: list[str]) -> State:
        """Search for each part and for what the best passage names; each keeps a share of the passages."""
        question, passages = state["standalone"], state["passages"]
        ahead = subquestions.follow_up(question, passages[0])
        texts = [*parts, *([ahead] if ahead else [])]
        found, _ = await self._all([Search(text=text, weight=1.0) for text in texts], state)
        pairs = zip(texts, found, strict=True)
        ranked = await asyncio.gather(*(self.best([text], each, state["began"]) for text, each in pairs))
        rankings = [passages, *(each for each, _ in ranked)]
        trouble = list(dict.fromkeys([*state["trouble"], *(said for _, own in ranked for said in own)]))
        kept = await off_loop(self.keep, merging.take_turns(rankings, subquestions.turns(len(parts), len(texts))))
        units = await self.gather_evidence([question, *parts], kept)
        return State(parts=parts, passages=kept, evidence=units, trouble=trouble)

    async def _scored(self, text: str, passages: list[Passage], weigh: Weigh) -> list[Evidence]:
        """The sentences scored against a text, those that may be best embedded by themselves."""
        found = await off_loop(evidence.gather, passages)
        near = await off_loop(evidence.shortlist, text, passages, found, weigh)
        similar = await self.backend.similarity.compare(text, [found[number]["text"] for number in near])
        return await off_loop(evidence.score, text, passages, found, dict(zip(near, similar, strict=True)), weigh)

    def weigh(self, passages: list[Passage]) -> Weigh:
        """How telling a term is: in the whole index, or among the passages where the world does not tell it."""
        lexicon = self.backend.retriever.lexicon
        return lexicon.weight if lexicon else evidence.weighing(passages)

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
