"""How much of the raw embedder's throughput is left when everything else of ingestion runs too.

Raw: load the default embedding with a thread for each core and embed the passages' search texts in one call. Full:
`index()` from a corpus file to a published Snapshot in a fresh store; it loads the embedding itself, so that this is
in both. A run of one record comes first, so that imports are in neither. The two take turns three times in one
process; the best of each counts.

Sets: the first 400 abstracts of scifact (GitHub sumithra-p-v/claimverifier, an export of allenai/scifact) and the
first 60 pages of docs_markdown, product documentation of explodinggradients/ragas on GitHub.
"""

import asyncio
import json
import tempfile
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.record import Target, begin, cores, print_table, read_records, record, timed
from benchmarks.stores import run_index, warm_up
from graph.index.rows import WORDS
from graph.index.tables import Reader
from graph.models.packaged_embeddings import load_embedder
from graph.release import Release

SETS = {"scifact": 400, "docs_markdown": 60}
"""How many documents of each set are taken."""
ROUNDS = 3
RATIO = 0.9


def main() -> None:
    data = begin(__doc__, [f"{name}/corpus.jsonl.gz" for name in SETS])
    warm_up(Release())
    results = {name: measure(data / name / "corpus.jsonl.gz", count) for name, count in SETS.items()}
    columns = ("documents", "passages", "raw_per_second", "full_per_second", "ratio")
    rows = [(name, *(row[column] for column in columns)) for name, row in results.items()]
    print_table(f"Ingestion, best of {ROUNDS}", ("set", *(column.replace("_", " ") for column in columns)), rows)
    targets = [Target(f"{name} full / raw", row["ratio"], at_least=RATIO) for name, row in results.items()]
    record("ingestion", results, targets)


def measure(source: Path, count: int) -> dict[str, Any]:
    """The passages a second of both ways over the first documents of a corpus."""
    raw, full = [], []
    with tempfile.TemporaryDirectory() as place:
        corpus = Path(place) / "corpus.jsonl"
        write_first(source, count, corpus)
        for number in range(ROUNDS):
            store = Path(place) / f"store{number}"
            run = timed(run_index, [corpus], store, Release())
            texts = asyncio.run(embedded_texts(run.value.path))
            full.append(run.seconds)
            raw.append(timed(embed, texts).seconds)
    return {
        "documents": count,
        "passages": len(texts),
        "raw_seconds": [round(seconds, 3) for seconds in raw],
        "full_seconds": [round(seconds, 3) for seconds in full],
        "raw_per_second": round(len(texts) / min(raw), 2),
        "full_per_second": round(len(texts) / min(full), 2),
        "ratio": round(min(raw) / min(full), 4),
    }


def write_first(source: Path, count: int, target: Path) -> None:
    with target.open("w", encoding="utf-8") as lines:
        lines.writelines(json.dumps(each) + "\n" for each in islice(read_records(source), count))


def embed(texts: list[str]) -> None:
    load_embedder(Release().embedding, cores()).embed(texts)


async def embedded_texts(snapshot: Path) -> list[str]:
    """What was embedded for each passage of a Snapshot."""
    reader = await Reader.open(snapshot, approximate=False)
    return [row[WORDS] async for part in reader.passages() for row in part.rows]


if __name__ == "__main__":
    main()
