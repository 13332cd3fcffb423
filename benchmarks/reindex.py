"""What a second indexing run costs: after 1 % of the documents changed, and after none did, against the full run.

Set: scifact, 5,183 abstracts (GitHub sumithra-p-v/claimverifier, an export of allenai/scifact). The full run is the
one that built the store of benchmarks/retrieval.py, timed once; `rm -r .warrant/bench` times it anew. Each second run
works on a fresh copy of that store; the median of three counts.
"""

import gzip
import json
import random
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.record import Target, begin, print_table, read_records, record, timed
from benchmarks.stores import Built, build_or_reuse, run_index, store_of, warm_up
from graph.release import Release

SET = "scifact"
SHARE = 0.01
SEED = 1
ADDED = " A sentence was added to this abstract after it was first indexed."
ROUNDS = 3
RATIO = 0.05


def main() -> None:
    data = begin(__doc__, [f"{SET}/corpus.jsonl.gz"])
    corpus = data / SET / "corpus.jsonl.gz"
    full = build_or_reuse(SET, corpus, Release())
    warm_up(Release())
    with tempfile.TemporaryDirectory() as place:
        edited = Path(place) / corpus.name
        changed = write_changed(corpus, edited)
        runs = {"unchanged": measure(corpus, 0, full), "changed": measure(edited, changed, full)}
    rows = [("full", full.documents, full.seconds, 1.0)]
    rows += [(name, run["indexed"], run["seconds"], run["ratio"]) for name, run in runs.items()]
    print_table("Indexing again", ("run", "documents", "seconds", "of the full run"), rows)
    once = {"date": full.date, "documents": full.documents, "passages": full.passages, "seconds": full.seconds}
    target = Target("1 % changed / full", runs["changed"]["ratio"], at_most=RATIO)
    record("reindex", {SET: {"full": once, **runs}}, [target])


def write_changed(source: Path, target: Path) -> int:
    """Write the corpus with a sentence more in one record of a hundred; gives how many."""
    records = list(read_records(source))
    chosen = set(random.Random(SEED).sample(range(len(records)), round(len(records) * SHARE)))
    with gzip.open(target, "wt", encoding="utf-8") as lines:
        for number, each in enumerate(records):
            lines.write(json.dumps(each | {"text": each["text"] + ADDED} if number in chosen else each) + "\n")
    return len(chosen)


def measure(corpus: Path, expected: int, full: Built) -> dict[str, Any]:
    """The median time of a run on a copy of the store, which must find `expected` documents changed."""
    seconds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as place:
            store = shutil.copytree(store_of(SET, Release()), Path(place) / "store")
            run = timed(run_index, [corpus], store, Release())
        if len(run.value.indexed) != expected:
            raise SystemExit(f"{len(run.value.indexed)} documents were indexed where {expected} had changed.")
        seconds.append(round(run.seconds, 3))
    middle = statistics.median(seconds)
    return {"indexed": expected, "runs": seconds, "seconds": middle, "ratio": round(middle / full.seconds, 4)}


if __name__ == "__main__":
    main()
