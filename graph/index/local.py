"""The local backend: a Snapshot on disk and an embedding on the CPU."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Generic, Protocol

import numpy as np

from ..backend import Backend, Index, Retriever, Scope, SentenceReader, SourceText
from ..caching.cache import BoundedCache, Caches, open_caches
from ..errors import RetrievalUnavailable, SnapshotBroken
from ..filters import access_condition, compile_filter
from ..models.embedding import Embedder, Int8Vectors, QuestionVectors, Vectors, products, relative_cosines
from ..models.packaged_embeddings import load_embedder
from ..models.vector_cache import CachedEmbedder
from ..release import Release
from ..retrieval.fusion import Key, bm25, fuse
from ..settings import Settings
from ..state import Passage
from ..text.words import terms
from .lexicon import StoredLexicon
from .manifest import Manifest, check_fit, read_manifest
from .rows import UNITS
from .store import SnapshotLease, lease
from .tables import Hit, Reader

MAX_CACHED_ROWS, CACHED_ROW_SECONDS = 1000, 600.0
"""The most cached rows, about 20 KB each with their vectors, and for how long they are cached."""


class SnapshotRetriever:
    """Searches a Snapshot by terms and by vector, under the filter and the caller's groups."""

    def __init__(
        self,
        snapshot_lease: SnapshotLease,
        reader: Reader,
        manifest: Manifest,
        embedder: Embedder,
        vector_weight: float,
        lexicon: StoredLexicon,
    ) -> None:
        self._lease, self._reader, self._embedder, self._weight = snapshot_lease, reader, embedder, vector_weight
        self.lexicon = lexicon
        self.snapshot = manifest.id
        self.manifest = manifest
        self.columns = manifest.columns
        self._row_cache = BoundedCache(MAX_CACHED_ROWS, CACHED_ROW_SECONDS)

    async def ping(self) -> None:
        with self._unavailable_on_error():
            await asyncio.to_thread(self._check)
            await self._reader.ping()

    def _check(self) -> None:
        if self._lease.lost:
            raise SnapshotBroken(f"The Snapshot {self._lease.directory} was removed or replaced; index again.")
        read_manifest(self._lease.directory)

    def newer(self) -> str | None:
        return self._lease.newer()

    async def document(self, document: str, groups: list[str]) -> SourceText | None:
        with self._unavailable_on_error():
            found = await self._reader.document_where(document, access_condition(groups))
        return SourceText(found.title, found.text) if found else None

    def close(self) -> None:
        self._reader.close()
        self._lease.release()

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        where = self.condition(scope)
        with self._unavailable_on_error():
            found = await self._search_both(text, where, scope)
            rows = await self._rows(list(found.fused)[: scope.keep], where)
        return found.passages(rows, self._embedder.unrelated)

    async def _rows(self, row_ids: Sequence[int], where: str) -> dict[int, dict[str, Any]]:
        """The rows with some ids, in order; recently read rows of the same condition are cached."""
        cached = {row_id: row for row_id in row_ids if (row := self._row_cache.get((where, row_id))) is not None}
        missing = [row_id for row_id in row_ids if row_id not in cached]
        fetched = await self._reader.fetch(missing, where) if missing else {}
        for row_id, row in fetched.items():
            row[UNITS] = unit_vectors(row[UNITS])
            self._row_cache.put((where, row_id), row)
        found = {**cached, **fetched}
        return {row_id: found[row_id] for row_id in row_ids if row_id in found}

    async def documents(self, text: str, scope: Scope) -> list[tuple[str, float]]:
        """The documents of a search with the score of their best passage, best first; texts are not read."""
        where = self.condition(scope)
        with self._unavailable_on_error():
            found = await self._search_both(text, where, scope)
            names = await self._reader.documents_at(list(found.fused), where) if found.fused else {}
        best: dict[str, float] = {}
        for row_id, score in found.fused.items():
            if row_id in names:
                best.setdefault(names[row_id], score)
        return list(best.items())

    async def _search_both(self, text: str, where: str, scope: Scope) -> "SearchResult[int]":
        """Run the lexical and the vector search concurrently."""
        words = "".join(character if character.isalnum() else " " for character in text).strip()
        by_words = self._search_lexical(words, where, scope) if self._weight < 1 else _nothing()
        by_meaning = self._search_vector(text, where, scope.pool) if self._weight > 0 else _no_vector()
        lexical, (vector, question) = await asyncio.gather(by_words, by_meaning)
        matches = dict(lexical)
        return SearchResult(fuse(matches, dict(vector), self._weight), matches, question)

    @contextmanager
    def _unavailable_on_error(self) -> Iterator[None]:
        """Raise RetrievalUnavailable for an error of the index."""
        try:
            yield
        except (OSError, RuntimeError, ValueError) as error:
            raise RetrievalUnavailable(f"The Snapshot {self.snapshot} does not answer: {error}.") from error

    def condition(self, scope: Scope) -> str:
        """The SQL condition of the caller's groups and the filter, if there is one."""
        wanted = compile_filter(scope.filters, self.columns)
        allowed = access_condition(scope.groups)
        return f"{allowed} AND ({wanted})" if wanted else allowed

    async def copies(self) -> dict[str, list[str]]:
        """The duplicates of each indexed document, by its id."""
        found: dict[str, list[str]] = {}
        if self.manifest.counts.duplicates:
            async for row in self._reader.documents(text=False):
                if row.duplicate_of:
                    found.setdefault(row.duplicate_of, []).append(row.document)
        return found

    async def _search_lexical(self, words: str, where: str, scope: Scope) -> list[Hit]:
        """The lexical search; restricted passages are scored with the statistics of public ones."""
        restricted = self._reader.matching_restricted(words, where, scope.pool) if scope.groups else _nothing()
        found: list[Hit]
        public = self.condition(replace(scope, groups=[]))
        found, own = await asyncio.gather(self._reader.matching(words, public, scope.pool), restricted)
        if not own:
            return found
        scored = await asyncio.to_thread(self._score_restricted, words, own)
        return sorted([*found, *scored], key=lambda hit: -hit.score)[: scope.pool]

    def _score_restricted(self, words: str, restricted: list[tuple[Hit, str]]) -> list[Hit]:
        wanted, average = terms(words), self.lexicon.length / max(1, self.lexicon.passages)
        return [hit._replace(score=bm25(wanted, terms(own), self.lexicon.weight, average)) for hit, own in restricted]

    async def _search_vector(self, text: str, where: str, pool: int) -> tuple[list[Hit], QuestionVectors]:
        question = await asyncio.to_thread(self._embedder.embed_question, text)
        return await self._reader.nearest(question.whole, where, pool), question


async def _nothing() -> list[Any]:
    return []


async def _no_vector() -> tuple[list[Hit], None]:
    return [], None


@dataclass(frozen=True)
class SearchResult(Generic[Key]):
    """The fused scores by row id, best first, and the scores of the lexical search."""

    fused: Mapping[Key, float]
    matches: Mapping[Key, float]
    question: QuestionVectors | None

    def passages(self, rows: Mapping[Key, dict[str, Any]], unrelated: float) -> list[Passage]:
        """Fetched rows as passages, with the similarities of the passages and their units."""
        whole, units = _compare(self.question, list(rows.values()), unrelated)
        return [self._passage(*each) for each in zip(rows, rows.values(), whole, units, strict=True)]

    def _passage(self, row_id: Key, row: dict[str, Any], vector: float | None, similar: list[float]) -> Passage:
        return Passage(
            id=row["id"],
            document=row["document"],
            file=row["file"],
            title=row["title"],
            section=row["section"],
            header=row["header"],
            page=row["page"],
            page_breaks=row["page_breaks"],
            start=row["start"],
            end=row["end"],
            text=row["text"],
            metadata={**row["metadata"]},
            score=self.fused[row_id],
            lexical=self.matches.get(row_id),
            vector=vector,
            similar=similar,
        )


def _compare(
    question: QuestionVectors | None, rows: Sequence[dict[str, Any]], unrelated: float
) -> tuple[list[float | None], list[list[float]]]:
    """The similarity of each row and of each of its units: 0 for unrelated texts, 1 for equal ones."""
    if question is None or not rows:
        return [None for _ in rows], [[] for _ in rows]
    whole = relative_cosines(products(np.stack([row["vector"] for row in rows]), question.whole), unrelated)
    own = products(np.concatenate([row[UNITS] for row in rows]), question.units)
    units = relative_cosines(own, unrelated).round(4).tolist()
    ends = [*accumulate(len(row[UNITS]) for row in rows)]
    return whole.tolist(), [units[first:last] for first, last in pairwise([0, *ends])]


def unit_vectors(quantised: Int8Vectors) -> Vectors:
    """Unit vectors from 8-bit vectors."""
    vectors = quantised.astype(np.float32)
    scaled: Vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return scaled


class EmbeddedSimilarity:
    """Cosine similarity by the Release's embedding."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        vectors = await asyncio.to_thread(self._embedder.embed, [text, *others])
        return [float(score) for score in relative_cosines(products(vectors[1:], vectors[0]), self._embedder.unrelated)]


async def open_retriever(
    index: Path, release: Release, threads: int, caches: Caches | None = None
) -> tuple[SnapshotRetriever, Embedder]:
    """Open the Snapshot at a path; raises SnapshotError when it does not fit this Release."""
    snapshot_lease = await asyncio.to_thread(lease, index)
    directory = snapshot_lease.directory
    manifest = read_manifest(directory)
    check_fit(directory, manifest, release)
    loading = asyncio.get_running_loop().run_in_executor(None, load_embedder, release.embedding, threads)
    reader = await Reader.open(directory, approximate=manifest.vector_index != "exact")
    lexicon = StoredLexicon.open(directory)
    own_caches = caches or Caches()
    embedder = CachedEmbedder(await loading, own_caches.embeddings, own_caches.sentences)
    return SnapshotRetriever(
        snapshot_lease, reader, manifest, embedder, release.retrieval.vector_weight, lexicon
    ), embedder


async def open_local(settings: Settings, release: Release) -> Backend:
    """Open the Snapshot, the embedding and the writers that the Release names."""
    caches = open_caches(settings)
    # Both models load in other threads while this one imports the database.
    (retriever, embedder), sentences = await asyncio.gather(
        open_retriever(settings.index, release, settings.cores, caches), open_sentence_reader(release)
    )
    return assemble(settings, release, retriever, embedder, caches, sentences)


async def open_sentence_reader(release: Release) -> SentenceReader | None:
    """What rescores sentences, if the Release has that done."""
    if not release.reads_sentences:
        return None
    from ..models.cross_encoder import CrossEncoder

    return await asyncio.to_thread(CrossEncoder)


class _Searched(Retriever, Index, Protocol):
    """What searches an index and reads its documents."""


def assemble(
    settings: Settings,
    release: Release,
    retriever: _Searched,
    embedder: Embedder,
    caches: Caches,
    sentences: SentenceReader | None,
) -> Backend:
    """A backend of a retriever and the models that the Release names."""
    from ..models.rerankers import open_reranker
    from ..models.writers import open_claim_checker, open_writers

    writers, claim_checker = open_writers(settings, release), open_claim_checker(settings, release)
    similarity, reranker = EmbeddedSimilarity(embedder), open_reranker(settings, release, retriever.lexicon)
    return Backend(retriever, similarity, writers, caches, claim_checker, reranker, sentences, retriever)
