"""The embedded world: a Snapshot on disk, an embedding on the CPU."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import Backend, Scope, SourceText
from ..caching.cache import BoundedCache, Caches, open_caches
from ..errors import RetrievalUnavailable, SnapshotBroken
from ..filters import access_condition, compile_filter
from ..models.embedding import Embedder, Int8Vectors, QuestionVectors, Vectors, relative_cosines
from ..models.packaged_embeddings import load_embedder
from ..models.vector_cache import CachedEmbedder
from ..release import Release
from ..retrieval.fusion import bm25, fuse
from ..settings import Settings
from ..state import Passage
from ..text.words import terms
from .lexicon import StoredLexicon
from .manifest import Manifest, check_fit, read_manifest
from .rows import UNITS
from .store import SnapshotLease, lease
from .tables import Hit, Reader

READ, READ_SECONDS = 1000, 600.0
"""Passages that are kept at hand with their vectors, some 20 KB each, and for how long."""


class SnapshotRetriever:
    """Searches a Snapshot with both legs at once, each under the filter and the caller's groups."""

    def __init__(
        self,
        held: SnapshotLease,
        reader: Reader,
        manifest: Manifest,
        embedder: Embedder,
        vector_weight: float,
        lexicon: StoredLexicon,
    ) -> None:
        self._lease, self._reader, self._embedder, self._weight = held, reader, embedder, vector_weight
        self.lexicon = lexicon
        self.snapshot = manifest.id
        self.manifest = manifest
        self.columns = manifest.columns
        self._read = BoundedCache(READ, READ_SECONDS)

    async def ping(self) -> None:
        with self._answering():
            await asyncio.to_thread(self._check)
            await self._reader.ping()

    def _check(self) -> None:
        if self._lease.lost:
            raise SnapshotBroken(f"The Snapshot {self._lease.directory} was removed or replaced; index again.")
        read_manifest(self._lease.directory)

    def newer(self) -> str | None:
        return self._lease.newer()

    async def document(self, file: str, groups: list[str]) -> SourceText | None:
        with self._answering():
            found = await self._reader.document_of(file, access_condition(groups))
        return SourceText(found.title, found.text) if found else None

    def close(self) -> None:
        self._reader.close()
        self._lease.release()

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        where = self.condition(scope)
        with self._answering():
            found = await self._ranked(text, where, scope)
            rows = await self._rows(list(found.fused)[: scope.keep], where)
        return found.passages(rows, self._embedder.unrelated)

    async def _rows(self, places: Sequence[int], where: str) -> dict[int, dict[str, Any]]:
        """The rows at some places, in order; those that were read lately under the same condition are at hand."""
        kept = {place: row for place in places if (row := self._read.get((where, place))) is not None}
        missing = [place for place in places if place not in kept]
        fetched = await self._reader.fetch(missing, where) if missing else {}
        for place, row in fetched.items():
            row[UNITS] = _unit_vectors(row[UNITS])
            self._read.put((where, place), row)
        found = {**kept, **fetched}
        return {place: found[place] for place in places if place in found}

    async def documents(self, text: str, scope: Scope) -> list[tuple[str, float]]:
        """The documents that a search finds, each with the score of its best passage, best first; no text is read."""
        where = self.condition(scope)
        with self._answering():
            found = await self._ranked(text, where, scope)
            names = await self._reader.documents_at(list(found.fused), where) if found.fused else {}
        best: dict[str, float] = {}
        for place, score in found.fused.items():
            if place in names:
                best.setdefault(names[place], score)
        return list(best.items())

    async def _ranked(self, text: str, where: str, scope: Scope) -> "_Ranked":
        """What both legs find, searched at the same time."""
        words = "".join(character if character.isalnum() else " " for character in text).strip()
        by_words = self._by_words(words, where, scope) if self._weight < 1 else _nothing()
        by_meaning = self._by_meaning(text, where, scope.pool) if self._weight > 0 else _no_vector()
        lexical, (vector, question) = await asyncio.gather(by_words, by_meaning)
        matches = dict(lexical)
        return _Ranked(fuse(matches, dict(vector), self._weight), matches, question)

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Raises RetrievalUnavailable where the index does not answer."""
        try:
            yield
        except (OSError, RuntimeError, ValueError) as error:
            raise RetrievalUnavailable(f"The Snapshot {self.snapshot} does not answer: {error}.") from error

    def condition(self, scope: Scope) -> str:
        """The caller's groups always, and the filter if there is one, each in its own parentheses."""
        wanted = compile_filter(scope.filters, self.columns)
        allowed = access_condition(scope.groups)
        return f"{allowed} AND ({wanted})" if wanted else allowed

    async def copies(self) -> dict[str, list[str]]:
        """The documents that say the same as an indexed one, by that one's id."""
        found: dict[str, list[str]] = {}
        if self.manifest.counts.duplicates:
            async for row in self._reader.documents(text=False):
                if row.duplicate_of:
                    found.setdefault(row.duplicate_of, []).append(row.document)
        return found

    async def _by_words(self, words: str, where: str, scope: Scope) -> list[Hit]:
        """The lexical leg; what groups may see is scored by what is known of public passages alone."""
        closed = self._reader.matching_closed(words, where, scope.pool) if scope.groups else _nothing()
        found: list[Hit]
        found, own = await asyncio.gather(self._reader.matching(words, where, scope.pool), closed)
        if not own:
            return found
        scored = await asyncio.to_thread(self._scored, words, own)
        return sorted([*found, *scored], key=lambda hit: -hit.score)[: scope.pool]

    def _scored(self, words: str, closed: list[tuple[Hit, str]]) -> list[Hit]:
        wanted, average = terms(words), self.lexicon.length / max(1, self.lexicon.passages)
        return [hit._replace(score=bm25(wanted, terms(own), self.lexicon.weight, average)) for hit, own in closed]

    async def _by_meaning(self, text: str, where: str, pool: int) -> tuple[list[Hit], QuestionVectors]:
        question = await asyncio.to_thread(self._embedder.embed_question, text)
        return await self._reader.nearest(question.whole, where, pool), question


async def _nothing() -> list[Any]:
    return []


async def _no_vector() -> tuple[list[Hit], None]:
    return [], None


@dataclass(frozen=True)
class _Ranked:
    """What the legs found: the fused scores by place in the table, best first, and what they follow from."""

    fused: Mapping[int, float]
    matches: Mapping[int, float]
    question: QuestionVectors | None

    def passages(self, rows: Mapping[int, dict[str, Any]], unrelated: float) -> list[Passage]:
        """Rows that were fetched as passages, with how like the question they and their units are."""
        whole, units = _compare(self.question, list(rows.values()), unrelated)
        return [self._passage(*each) for each in zip(rows, rows.values(), whole, units, strict=True)]

    def _passage(self, place: int, row: dict[str, Any], vector: float | None, similar: list[float]) -> Passage:
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
            score=self.fused[place],
            lexical=self.matches.get(place),
            vector=vector,
            similar=similar,
        )


def _compare(
    question: QuestionVectors | None, rows: Sequence[dict[str, Any]], unrelated: float
) -> tuple[list[float | None], list[list[float]]]:
    """How like the question each row and each of its units is, 0 for unrelated texts and 1 for the same."""
    if question is None or not rows:
        return [None for _ in rows], [[] for _ in rows]
    whole = relative_cosines(np.stack([row["vector"] for row in rows]) @ question.whole, unrelated)
    units = relative_cosines(np.concatenate([row[UNITS] for row in rows]) @ question.units, unrelated).round(4).tolist()
    ends = [*accumulate(len(row[UNITS]) for row in rows)]
    return whole.tolist(), [units[first:last] for first, last in pairwise([0, *ends])]


def _unit_vectors(quantised: Int8Vectors) -> Vectors:
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
        return [float(score) for score in relative_cosines(vectors[1:] @ vectors[0], self._embedder.unrelated)]


async def open_retriever(
    index: Path, release: Release, threads: int, caches: Caches | None = None
) -> tuple[SnapshotRetriever, Embedder]:
    """Open the Snapshot that a path means; raises SnapshotError when it cannot serve this Release."""
    held = await asyncio.to_thread(lease, index)
    directory = held.directory
    manifest = read_manifest(directory)
    check_fit(directory, manifest, release)
    # The model loads in a thread, outside of Python's lock, while this one imports what it needs for the rest.
    loading = asyncio.get_running_loop().run_in_executor(None, load_embedder, release.embedding, threads)
    reader = await Reader.open(directory, approximate=manifest.vector_index != "exact")
    lexicon = StoredLexicon.open(directory)
    kept = caches or Caches()
    embedder = CachedEmbedder(await loading, kept.embeddings, kept.sentences)
    return SnapshotRetriever(held, reader, manifest, embedder, release.retrieval.vector_weight, lexicon), embedder


async def open_local(settings: Settings, release: Release) -> Backend:
    """Open the Snapshot, the embedding and the writers that the Release names."""
    caches = open_caches(settings)
    retriever, embedder = await open_retriever(settings.index, release, settings.cores, caches)
    from ..models.rerankers import open_reranker
    from ..models.writers import open_judge, open_writers

    writers, judge = open_writers(settings, release), open_judge(settings, release)
    similarity, reranker = EmbeddedSimilarity(embedder), open_reranker(settings, release, retriever.lexicon)
    sentences = None
    if release.reads_sentences:
        from ..models.cross_encoder import CrossEncoder

        sentences = await asyncio.to_thread(CrossEncoder)
    return Backend(retriever, similarity, writers, caches, judge, reranker, sentences, retriever)
