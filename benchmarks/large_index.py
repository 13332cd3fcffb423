"""What one search costs over 100,000 passages beside the two queries of the library that it cannot do without.

Raw: one vector query and one word query of LanceDB, each for the ids and scores of the 100 best, one after the other.
Ours: the retriever's search, 100 from each leg, fused, the best 50 read with their text and vectors and compared with
the question. Run: the documents of a TREC run, 300 from each leg. Texts are made of the sentences of four sets by
chance, under static vectors. Recall@100 is that of the vector query against an exact one. `cpu` is of the process.
"""

import asyncio
import random
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import Target, begin, now, print_line, print_table, read_records, record, spread
from benchmarks.stores import BENCH
from graph.backend import Scope
from graph.index.lexicon import LexiconBuilder
from graph.index.local import SnapshotRetriever, open_retriever
from graph.index.manifest import Counts, Manifest, files_of, write_manifest
from graph.index.rows import WORDS, PassageRows
from graph.index.tables import PROBES, REFINED, TableWriter
from graph.models.packaged_embeddings import load_embedder
from graph.release import Release

SETS = ("scifact", "hotpotqa_100", "squad_v2_dev", "mtrag")
PASSAGES, SENTENCES, AT_ONCE = 100_000, 5, 10_000
QUESTIONS = 60
STATIC = Release(name="static", embedding="wordllama-256")
PLACE = BENCH / "large_index"
MOST_OVER_RAW = 1.4
Vectors = NDArray[np.float32]


def main() -> None:
    files = [f"{name}/{file}" for name in SETS for file in ("corpus.jsonl.gz", "queries.jsonl.gz")]
    data = begin(__doc__, files)
    if not (PLACE / "manifest.json").is_file():
        asyncio.run(build(data))
    results = asyncio.run(measure(questions(data)))
    rows = [(name, *(results[name][part][key] for part in ("ms", "cpu") for key in ("median", "p95"))) for name in WAYS]
    print_table("Milliseconds of one search", ("way", "median", "p95", "cpu median", "cpu p95"), rows)
    shares = tuple(results[key] for key in ("over_raw", "cpu_over_raw", "recall"))
    print_table("", ("search / raw", "of cpu", "recall@100"), [shares])
    record("large_index", results, [Target("search / raw queries", results["over_raw"], at_most=MOST_OVER_RAW)])


WAYS = ("raw", "search", "run")


async def build(data: Path) -> None:
    """Write the Snapshot; its lexicon is empty, which no public search asks."""
    print_line(f"Writing {PASSAGES} passages; this is done once.")
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    chance, embedder = random.Random(7), load_embedder(STATIC.embedding)
    sentences = [each for name in SETS for each in sentences_of(data / name / "corpus.jsonl.gz")]
    writer = await TableWriter.create(PLACE, {}, embedder.dimensions)
    for first in range(0, PASSAGES, AT_ONCE):
        texts = [" ".join(chance.sample(sentences, SENTENCES)) for _ in range(AT_ONCE)]
        rows = [row(first + number, text) for number, text in enumerate(texts)]
        vectors = embedder.embed(texts)
        units = np.clip(np.rint(vectors * 400), -127, 127).astype(np.int8)
        shared = {each["document"]: ABOUT for each in rows}
        await writer.add_passages(PassageRows(rows, vectors, [np.tile(unit, (SENTENCES, 1)) for unit in units]), shared)
    await writer.finish()
    LexiconBuilder().write(PLACE)
    write_manifest(PLACE, manifest(embedder.dimensions))


ABOUT = {"file": "large.jsonl", "title": "Large", "public": True, "allowed_groups": [], "metadata": "{}"}


def row(number: int, text: str) -> dict[str, Any]:
    """A passage as it is stored."""
    own: dict[str, Any] = {
        "id": f"{number}",
        "document": f"{number}",
        "section": "",
        "header": "",
        "page": None,
        "page_breaks": [],
    }
    return {**own, "start": 0, "end": len(text), "text": text, WORDS: f"Large\n{text}"}


def manifest(dimensions: int) -> Manifest:
    return Manifest(
        id="large",
        digest="large",
        created=now(),
        recipe="large_index",
        embedding=STATIC.embedding,
        dimensions=dimensions,
        chunking=STATIC.chunking,
        counts=Counts(documents=PASSAGES, duplicates=0, passages=PASSAGES),
        columns={},
        vector_index="ivf_rq",
        files=files_of(PLACE),
    )


def sentences_of(corpus: Path) -> list[str]:
    return [sentence for each in read_records(corpus) for sentence in each["text"].split(". ") if len(sentence) > 20]


def questions(data: Path) -> list[str]:
    """As many of each set."""
    return [
        each["text"] for name in SETS for each in list(read_records(data / name / "queries.jsonl.gz"))[: QUESTIONS // 4]
    ]


async def measure(asked: list[str]) -> dict[str, Any]:
    retriever, embedder = await open_retriever(PLACE, STATIC, 1)
    raw = await Raw.open()
    vectors = {text: embedder.embed_question(text).whole for text in asked}
    whole, keep = STATIC.retrieval.pool, STATIC.retrieval.keep
    ways: dict[str, Callable[[str], Awaitable[Any]]] = {
        "raw": lambda text: raw.both(text, vectors[text]),
        "search": lambda text: retriever.search(text, Scope({}, [], whole, keep)),
        "run": lambda text: retriever.documents(text, Scope({}, [], 3 * whole)),
    }
    results: dict[str, Any] = {name: await timed(way, asked) for name, way in ways.items()}
    for part, name in (("ms", "over_raw"), ("cpu", "cpu_over_raw")):
        results[name] = round(results["search"][part]["median"] / results["raw"][part]["median"], 2)
    results["recall"] = await recall(raw, retriever, vectors)
    return results


async def timed(way: Callable[[str], Awaitable[Any]], asked: list[str]) -> dict[str, Any]:
    """Once over all to warm up, then one after the other."""
    for text in asked[:20]:
        await way(text)
    taken, worked = [], []
    for text in asked:
        began, cpu = time.perf_counter(), time.process_time()
        await way(text)
        taken.append((time.perf_counter() - began) * 1000)
        worked.append((time.process_time() - cpu) * 1000)
    return {"ms": spread(taken), "cpu": spread(worked)}


async def recall(raw: "Raw", retriever: SnapshotRetriever, vectors: dict[str, Vectors]) -> float:
    """The share of the 100 nearest passages that the retriever's vector query finds."""
    found = []
    for vector in vectors.values():
        near = {hit.row for hit in await retriever._reader.nearest(vector, "public", 100)}
        found.append(len(near & await raw.exact(vector)) / 100)
    return round(float(np.mean(found)), 4)


class Raw:
    """The library by itself."""

    def __init__(self, table: Any) -> None:
        self._table = table

    @classmethod
    async def open(cls) -> "Raw":
        import lancedb

        return cls(await (await lancedb.connect_async(str(PLACE))).open_table("passages"))

    async def both(self, text: str, vector: Vectors) -> None:
        near = self._table.query().nearest_to(vector).distance_type("cosine").where("public")
        near = near.minimum_nprobes(PROBES).maximum_nprobes(0).refine_factor(REFINED // 100)
        await near.select(["id", "_distance"]).limit(100).to_arrow()
        words = "".join(character if character.isalnum() else " " for character in text)
        by_words = self._table.query().nearest_to_text(words, columns=[WORDS]).where("public")
        await by_words.select(["id", "_score"]).limit(100).to_arrow()

    async def exact(self, vector: Vectors) -> set[int]:
        query = self._table.query().nearest_to(vector).distance_type("cosine").bypass_vector_index()
        found = await query.with_row_id().select(["_distance"]).limit(100).to_arrow()
        return set(found["_rowid"].to_pylist())


if __name__ == "__main__":
    main()
