"""The Databricks backend: a Snapshot that `warrant sync` copied into an AI Search index.

AI Search finds the candidates by its hybrid search; they are scored and fused as those of a Snapshot are, by the
release's embedding and the Snapshot's own lexicon, so that a release answers alike on both.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..backend import Backend, Ranked, Reranker, Scope, SourceText
from ..caching.cache import Caches, open_caches
from ..errors import ExtraMissing, RetrievalUnavailable, SettingsInvalid, SnapshotError, SnapshotMissing
from ..models.databricks import EXTRA, workspace
from ..models.embedding import Embedder, QuestionVectors
from ..models.packaged_embeddings import load_embedder
from ..models.vector_cache import CachedEmbedder
from ..release import Release
from ..retrieval.fusion import bm25, fuse
from ..settings import Settings
from ..state import Passage
from ..text.words import terms
from .ai_search_filters import allowed_access, sql_filter, standard_filters
from .ai_search_rows import KEY, READ, Description, Row, probe, vectors_of
from .local import SearchResult, assemble, open_sentence_reader, unit_vectors
from .manifest import check_fit
from .rows import UNITS

try:
    from .ai_search_client import SearchIndex, dimensions_of, open_index
except ImportError as error:
    raise ExtraMissing(EXTRA) from error

MOST = 200
"""The most results of a hybrid search."""
WHOLE = 10_000
"""The most passages of a document, and the most results of a search by vector."""
RERANKER = "remote:databricks_reranker"


class AISearchRetriever:
    """Searches an index under the filter and the caller's groups."""

    def __init__(self, index: SearchIndex, description: Description, embedder: Embedder, vector_weight: float) -> None:
        self._index, self._embedder, self._weight = index, embedder, vector_weight
        self._classes = description.classes
        self.lexicon = description.lexicon
        self.snapshot, self.columns = description.manifest.id, description.manifest.columns

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        words = "".join(character if character.isalnum() else " " for character in text).strip()
        searches = self._filters(scope.filters, scope.groups)
        question = await asyncio.to_thread(self._embedder.embed_question, text)
        how: dict[str, Any] = {"num_results": min(MOST, max(scope.pool, scope.keep or 0))}
        if words and self._weight < 1:
            how |= {"query_text": text, "query_type": "HYBRID"}
        vector = question.whole.tolist()
        found = await asyncio.gather(
            *(self._index.query(READ, query_vector=vector, filters=wanted, **how) for wanted in searches)
        )
        rows = {row[KEY]: row for some in found for row in some}
        self._check_access(rows.values(), scope.groups)
        return await asyncio.to_thread(self._score, rows, words, question, scope.keep)

    def _filters(self, filters: dict[str, Any], groups: Sequence[str]) -> list[Any]:
        """The filters of the searches to make, always with the caller's groups; raises FilterInvalid."""
        access = allowed_access(self._classes, groups)
        if self._index.optimised:
            return [sql_filter(filters, self.columns, access)]
        return [*standard_filters(filters, self.columns, access)]

    def _check_access(self, rows: Any, groups: Sequence[str]) -> None:
        """Give nothing rather than what the caller may not see, should the index not have filtered."""
        allowed = {*allowed_access(self._classes, groups)}
        if any(row["access"] not in allowed for row in rows):
            raise RetrievalUnavailable(f"{self._index.name} gave passages of other groups: it does not filter.")

    def _score(self, rows: Mapping[str, Row], words: str, question: QuestionVectors, keep: int | None) -> list[Passage]:
        """The best passages by the fused scores of both legs."""
        read = {key: vectors_of(row, self._embedder.dimensions) for key, row in rows.items()}
        near = {key: float(whole @ question.whole) for key, (whole, _) in read.items()} if self._weight > 0 else {}
        matches = self._matches(rows, words) if self._weight < 1 else {}
        result = SearchResult(fuse(matches, near, self._weight), matches, question if self._weight > 0 else None)
        best = list(result.fused)[:keep]
        return result.passages({key: _stored(rows[key], *read[key]) for key in best}, self._embedder.unrelated)

    def _matches(self, rows: Mapping[str, Row], words: str) -> dict[str, float]:
        """The BM25 scores of the rows that share words with the question."""
        wanted, average = terms(words), self.lexicon.length / max(1, self.lexicon.passages)
        own = {key: _terms(row["heading"] + row["text"]) for key, row in rows.items()}
        scores = {key: bm25(wanted, found, self.lexicon.weight, average) for key, found in own.items()}
        return {key: score for key, score in scores.items() if score > 0}

    async def document(self, document: str, groups: list[str]) -> SourceText | None:
        """A document from its passages; what lies between them is blank."""
        (wanted,) = self._filters({"document": document}, groups)
        columns = ["title", "start", "end", "text", "access"]
        vector = probe(self._embedder.dimensions)
        rows = await self._index.query(columns, query_vector=vector, filters=wanted, num_results=WHOLE)
        self._check_access(rows, groups)
        if not rows:
            return None
        text = [" "] * max(int(row["end"]) for row in rows)
        for row in rows:
            text[int(row["start"]) : int(row["end"])] = row["text"]
        return SourceText(rows[0]["title"], "".join(text))

    async def ping(self) -> None:
        await self._index.snapshot(self._embedder.dimensions)

    def newer(self) -> str | None:
        try:
            current = asyncio.run(self._index.snapshot(self._embedder.dimensions))
        except RetrievalUnavailable as error:
            raise SnapshotError(str(error)) from error
        return None if current == self.snapshot else current

    def close(self) -> None:
        """Nothing is held open."""


class _IndexReranker:
    """AI Search's own reranker over the candidates, with the embedded one as fallback."""

    def __init__(self, index: SearchIndex, embedder: Embedder, fallback: Reranker) -> None:
        self._index, self._embedder, self._fallback = index, embedder, fallback

    async def rank(self, readings: Sequence[str], passages: Sequence[Passage], seconds: float) -> Ranked:
        question = await asyncio.to_thread(self._embedder.embed_question, readings[0])
        keys, vector = [passage["id"] for passage in passages], question.whole.tolist()
        try:
            async with asyncio.timeout(seconds):
                scores = await self._index.rerank(readings[0], keys, query_vector=vector)
        except (RetrievalUnavailable, TimeoutError) as error:
            ranked = await self._fallback.rank(readings, passages, seconds)
            why = str(error) or f"it did not answer in {seconds:.2g} s."
            return Ranked(ranked.scores, f"the reranker could not be asked: {why}")
        # It orders the best fifty; the others come after them as they were found.
        lowest = min(scores.values(), default=0.0)
        return Ranked([scores.get(key, lowest - 1 - place) for place, key in enumerate(keys)])


@lru_cache(maxsize=5000)
def _terms(text: str) -> tuple[str, ...]:
    """The terms of a passage, which take longer to find than the whole search otherwise."""
    return tuple(terms(text))


def _stored(row: Row, whole: Any, units: Any) -> dict[str, Any]:
    """A row as a Snapshot's reader gives it."""
    parsed = {"page_breaks": json.loads(row["page_breaks"]), "metadata": json.loads(row["metadata"] or "{}")}
    spans = {name: int(row[name]) for name in ("start", "end")}
    page = None if row["page"] is None else int(row["page"])
    return {**row, **parsed, **spans, "page": page, "vector": whole, UNITS: unit_vectors(units)}


async def open_retriever(
    name: str, release: Release, settings: Settings, caches: Caches
) -> tuple[AISearchRetriever, SearchIndex, Embedder]:
    """Open an index; raises SnapshotError when it does not fit this Release, or RetrievalUnavailable."""
    signed_in = await asyncio.to_thread(workspace)
    loading = asyncio.get_running_loop().run_in_executor(None, load_embedder, release.embedding, settings.cores)
    index = await open_index(signed_in, name, settings.databricks_seconds)
    if index is None:
        raise SnapshotMissing(f"There is no index {name}; make it with `warrant sync {name} --endpoint NAME`.")
    description = await index.description(dimensions_of(index.found))
    check_fit(Path(name), description.manifest, release)
    embedder = CachedEmbedder(await loading, caches.embeddings, caches.sentences)
    return AISearchRetriever(index, description, embedder, release.retrieval.vector_weight), index, embedder


async def open_ai_search(settings: Settings, release: Release) -> Backend:
    """Open the index that the settings name, and the models of the Release."""
    if not settings.databricks_index:
        raise SettingsInvalid("WARRANT_DATABRICKS_INDEX is not set; set it to catalog.schema.index.")
    caches = open_caches(settings)
    retriever, index, embedder = await open_retriever(settings.databricks_index, release, settings, caches)
    own = release.reranking.model == RERANKER
    models = release.model_copy(update={"reranking": release.reranking.model_copy(update={"model": "embedded"})})
    sentences = await open_sentence_reader(release)
    backend = assemble(settings, models if own else release, retriever, embedder, caches, sentences)
    if own and backend.reranker:
        return replace(backend, reranker=_IndexReranker(index, embedder, backend.reranker))
    return backend
