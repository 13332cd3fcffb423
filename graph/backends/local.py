"""The embedded world: a Snapshot on disk, an embedding on the CPU."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..caching.cache import Caches, Shelf, open_caches
from ..errors import RetrievalUnavailable, SnapshotBroken
from ..filters import access_condition, compile_filter
from ..finding.late import Asked, Near, Vectors, late, meant, near, unit
from ..finding.retrieval import bm25, to_passages
from ..release import Release
from ..settings import Settings
from ..snapshot.lexicon import Lexicon
from ..snapshot.manifest import Manifest, check_fit, read_manifest
from ..snapshot.rows import UNITS
from ..snapshot.store import SnapshotLease, lease
from ..snapshot.tables import Reader, SmallVectors, read_metadata
from ..state import Passage
from ..text.words import terms
from . import Backend, Scope
from .embedders import load_embedder
from .embedding import Embedder
from .queries import KeptQuestions, KeptVectors

SEEN = 400
"""Passages whose small vectors are kept at hand, some 10 KB each: those of one question are compared more than once."""


class SnapshotRetriever:
    """Searches a Snapshot with both legs at once, each under the filter and the caller's groups."""

    def __init__(
        self,
        held: SnapshotLease,
        reader: Reader,
        manifest: Manifest,
        embedder: Embedder,
        vector_weight: float,
        lexicon: Lexicon,
    ) -> None:
        self._lease, self._reader, self._embedder, self._weight = held, reader, embedder, vector_weight
        self.lexicon = lexicon
        self.snapshot = manifest.id
        self.manifest = manifest
        self.columns = manifest.columns
        self.holds_tokens = reader.holds_tokens
        self._seen = Shelf(SEEN, 600)

    @property
    def nearness(self) -> "SnapshotRetriever | None":
        """Who compares texts with passages by their tokens: this one, where the Snapshot holds any."""
        return self if self.holds_tokens else None

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

    def close(self) -> None:
        self._reader.close()
        self._lease.release()

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        where = self.condition(scope)
        words = "".join(character if character.isalnum() else " " for character in text).strip()
        with self._answering():
            lexical, (vector, asked) = await asyncio.gather(
                self._by_words(words, where, scope) if self._weight < 1 else _nothing(),
                self._by_meaning(text, where, scope.pool) if self._weight > 0 else _no_vector(),
            )
        return self._passages(lexical, vector, asked)

    async def listen(self, text: str, heard: str, scope: Scope) -> list[Passage]:
        """What is nearest to a text that was said after another; its scores reach as far as the vector leg's do."""
        where = self.condition(scope)
        with self._answering():
            asked = await asyncio.to_thread(self._embedder.embed_heard, text, heard)
            vector = await self._reader.nearest(asked, where, scope.pool)
        return self._passages([], vector, asked)

    def _passages(
        self, lexical: list[dict[str, Any]], vector: list[dict[str, Any]], asked: Vectors | None
    ) -> list[Passage]:
        """The rows of both legs as passages by falling fused score."""
        _compare(asked, lexical, vector)
        passages = to_passages(lexical, vector, self._weight, asked)
        for passage in passages:
            passage["metadata"] = read_metadata(passage)
        return passages

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

    async def near(self, text: str, passages: Sequence[Passage]) -> list[Near]:
        """How near a text is to each unit of each passage, by the tokens that the Snapshot holds."""
        asked, held = await self._compared(text, passages)
        return near(asked, [units for units, _ in held], [tokens for _, tokens in held])

    async def meant(self, text: str, heard: str, passages: Sequence[Passage]) -> list[float]:
        """How alike each passage's units are to a text that was said after another."""
        with self._answering():
            asked, held = await asyncio.gather(
                asyncio.to_thread(self._embedder.embed_heard, text, heard), self._held(passages)
            )
        return meant(asked, [units for units, _ in held])

    async def late(self, text: str, passages: Sequence[Passage]) -> list[float]:
        """How nearly each passage meets the tokens of a text, by those that the Snapshot holds."""
        asked, held = await self._compared(text, passages)
        return late(asked, [tokens for _, tokens in held])

    async def _compared(self, text: str, passages: Sequence[Passage]) -> tuple[Asked, list[SmallVectors]]:
        """A text and passages as they are compared; passages that were looked at a moment ago are not read again."""
        with self._answering():
            embedding = asyncio.to_thread(self._embedder.embed_asked, text)
            asked, held = await asyncio.gather(embedding, self._held(passages))
        return asked, held

    async def _held(self, passages: Sequence[Passage]) -> list[SmallVectors]:
        ids = [passage["id"] for passage in passages]
        known = {name: kept for name in ids if (kept := self._seen.get(name)) is not None}
        found = await self._reader.small_vectors([name for name in ids if name not in known])
        for name, kept in found.items():
            self._seen.put(name, kept)
        return [known[name] if name in known else found[name] for name in ids]

    async def holds(self, word: str, groups: list[str]) -> bool:
        with self._answering():
            return await self._reader.holds(word, access_condition(groups))

    async def _by_words(self, words: str, where: str, scope: Scope) -> list[dict[str, Any]]:
        """The lexical leg; what groups may see is scored by what is known of public passages alone."""
        found = await self._reader.matching(words, where, scope.pool)
        closed = await self._reader.matching_closed(words, where, scope.pool) if scope.groups else []
        if not closed:
            return found
        await asyncio.to_thread(self._score, words, closed)
        return sorted([*found, *closed], key=lambda row: -float(row["match"]))[: scope.pool]

    def _score(self, words: str, rows: list[dict[str, Any]]) -> None:
        wanted, average = terms(words), self.lexicon.length / max(1, self.lexicon.passages)
        for row in rows:
            row["match"] = bm25(wanted, terms(row.pop("words")), self.lexicon.weight, average)

    async def _by_meaning(self, text: str, where: str, most: int) -> tuple[list[dict[str, Any]], Vectors | None]:
        asked = await asyncio.to_thread(self._embedder.embed_asked, text)
        return await self._reader.nearest(asked.vector, where, most), asked.vector


async def _nothing() -> list[dict[str, Any]]:
    return []


async def _no_vector() -> tuple[list[dict[str, Any]], None]:
    return [], None


def _compare(asked: Vectors | None, *legs: list[dict[str, Any]]) -> None:
    """Give the rows of both legs their cosine to the question, as `cosine`, and those of their units, as `similar`.

    `units` are the units' vectors at unit length.
    """
    for row in (row for leg in legs for row in leg):
        units = row.pop(UNITS)
        row["cosine"], row["similar"] = None, []
        if asked is not None:
            row["units"] = unit(units.astype(np.float32))
            row["cosine"] = float(row["vector"] @ asked)
            row["similar"] = [round(float(one), 4) for one in row["units"] @ asked]


class EmbeddedSimilarity:
    """Cosine similarity by the Release's embedding."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        vectors = await asyncio.to_thread(self._embedder.embed, [text, *others])
        return [float(score) for score in vectors[1:] @ vectors[0]]


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
    lexicon = Lexicon.open(directory)
    embedder = KeptQuestions(await loading, (caches or Caches()).embeddings)
    return SnapshotRetriever(held, reader, manifest, embedder, release.retrieval.vector_weight, lexicon), embedder


async def open_local(settings: Settings, release: Release) -> Backend:
    """Open the Snapshot, the embedding and the writers that the Release names."""
    caches = open_caches(settings)
    retriever, embedder = await open_retriever(settings.index, release, settings.cores, caches)
    from ..models.writers import open_judge, open_writers
    from .rerankers import open_reranker

    writers, judge = open_writers(settings, release), open_judge(settings, release)
    similarity = EmbeddedSimilarity(KeptVectors(embedder, caches.sentences))
    nearness, reranker = retriever.nearness, open_reranker(settings, release, retriever.lexicon, retriever.nearness)
    listener = retriever if embedder.token_dimensions and release.retrieval.vector_weight else None
    return Backend(
        retriever,
        similarity,
        writers,
        caches,
        judge,
        reranker,
        nearness,
        listener,
        index=retriever,
        vocabulary=retriever,
    )
