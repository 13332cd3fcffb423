"""The embedded world: a Snapshot on disk, an embedding on the CPU."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..caching.cache import Caches, open_caches
from ..errors import RetrievalUnavailable
from ..filters import access_condition, compile_filter
from ..finding.retrieval import to_passages
from ..release import Release
from ..settings import Settings
from ..snapshot.lexicon import Lexicon
from ..snapshot.manifest import Manifest, check_fit, read_manifest
from ..snapshot.store import locate
from ..snapshot.tables import UNITS, Reader, read_metadata
from ..state import Passage
from . import Backend, Scope
from .embedders import Embedder, load_embedder
from .queries import KeptVectors

Asked = NDArray[np.float32] | None
"""The question's vector, when the vector leg is in use."""


class SnapshotRetriever:
    """Searches a Snapshot with both legs at once, each under the filter and the caller's groups."""

    def __init__(
        self, reader: Reader, manifest: Manifest, embedder: Embedder, vector_weight: float, lexicon: Lexicon
    ) -> None:
        self._reader, self._embedder, self._weight = reader, embedder, vector_weight
        self.lexicon = lexicon
        self.snapshot = manifest.id
        self.manifest = manifest
        self.columns = manifest.columns

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        where = self.condition(scope)
        words = "".join(character if character.isalnum() else " " for character in text).strip()
        try:
            lexical, (vector, asked) = await asyncio.gather(
                self._reader.matching(words, where, scope.pool) if self._weight < 1 else _nothing(),
                self._by_meaning(text, where, scope.pool) if self._weight > 0 else _no_vector(),
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise RetrievalUnavailable(f"The Snapshot {self.snapshot} does not answer: {error}.") from error
        _compare(asked, lexical, vector)
        passages = to_passages(lexical, vector, self._weight, asked)
        for passage in passages:
            passage["metadata"] = read_metadata(passage)
        return passages

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

    async def _by_meaning(self, text: str, where: str, most: int) -> tuple[list[dict[str, Any]], Asked]:
        vectors = await asyncio.to_thread(self._embedder.embed, [text])
        return await self._reader.nearest(vectors[0], where, most), vectors[0]


async def _nothing() -> list[dict[str, Any]]:
    return []


async def _no_vector() -> tuple[list[dict[str, Any]], None]:
    return [], None


def _compare(asked: Asked, *legs: list[dict[str, Any]]) -> None:
    """Give the rows of both legs their cosine to the question, as `cosine`, and those of their units, as `similar`.

    `units` are the units' vectors at unit length.
    """
    for row in (row for leg in legs for row in leg):
        units = row.pop(UNITS)
        row["cosine"], row["similar"] = None, []
        if asked is not None:
            own = units.astype(np.float32)
            row["units"] = own / np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-6)
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
    directory = locate(index)
    manifest = read_manifest(directory)
    check_fit(directory, manifest, release)
    # The model loads in a thread, outside of Python's lock, while this one imports what it needs for the rest.
    loading = asyncio.get_running_loop().run_in_executor(None, load_embedder, release.embedding, threads)
    reader = await Reader.open(directory, approximate=manifest.vector_index != "exact")
    lexicon = Lexicon.open(directory)
    embedder = KeptVectors(await loading, (caches or Caches()).embeddings, alone=True)
    return SnapshotRetriever(reader, manifest, embedder, release.retrieval.vector_weight, lexicon), embedder


async def open_local(settings: Settings, release: Release) -> Backend:
    """Open the Snapshot, the embedding and the writers that the Release names."""
    caches = open_caches(settings)
    retriever, embedder = await open_retriever(settings.index, release, settings.cores, caches)
    from .rerankers import open_reranker
    from .writers import open_judge, open_writers

    writers, judge = open_writers(settings, release), open_judge(settings, release)
    similarity = EmbeddedSimilarity(KeptVectors(embedder, caches.sentences))
    reranker = open_reranker(settings, release, retriever.lexicon)
    return Backend(retriever, similarity, writers, caches, judge, reranker)
