"""Stores of whole sets under .warrant/bench: built and timed once, then shared by the benchmarks that search them."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from benchmarks.record import ROOT, cores, now, print_line, timed
from graph.errors import WarrantError
from graph.index.lexicon import COUNTING
from graph.index.manifest import Manifest, read_manifest
from graph.index.store import locate
from graph.ingest import pipeline
from graph.ingest.options import Options, Outcome
from graph.release import Release

BENCH = ROOT / ".warrant" / "bench"


@dataclass(frozen=True)
class Built:
    """How a store was built from nothing: `of` names everything but the code that its content follows from."""

    of: str
    date: str
    seconds: float
    documents: int
    passages: int


class Silent:
    """A run's progress that nobody watches."""

    def expect(self, documents: int) -> None: ...

    def done(self, document: str) -> None: ...

    def publishing(self) -> None: ...


def run_index(paths: Sequence[Path], out: Path, release: Release) -> Outcome:
    """One indexing run with every core; ends the benchmark when anything was refused."""
    outcome = pipeline.index(paths, out, release, Options(threads=cores()), Silent())
    if outcome.refused:
        raise SystemExit(f"{len(outcome.refused)} documents were refused; the first: {outcome.refused[0]}.")
    return outcome


def warm_up(release: Release) -> None:
    """Index one record, so that imports are not timed."""
    with tempfile.TemporaryDirectory() as folder:
        corpus = Path(folder) / "corpus.jsonl"
        corpus.write_text(json.dumps({"id": "1", "title": "Warm-up", "text": "A sentence."}) + "\n", "utf-8")
        run_index([corpus], Path(folder) / "store", release)


def store_of(name: str, release: Release) -> Path:
    """Where the store of a set is; the default embedding's has the set's name."""
    plain = release.embedding == Release().embedding
    return BENCH / (name if plain else f"{name}-{release.embedding}")


def build_or_reuse(name: str, corpus: Path, release: Release) -> Built:
    """The store of a set as it was built from nothing, or built now when it is missing or of something else."""
    store = store_of(name, release)
    note = store.with_name(store.name + ".full.json")
    wanted = sha256(corpus.read_bytes()).hexdigest()[:16] + f"-{pipeline.recipe_of(release)}-{COUNTING}"
    known = Built(**json.loads(note.read_text("utf-8"))) if note.is_file() else None
    if known and known.of == wanted and _manifest(store):
        return known
    note.unlink(missing_ok=True)
    shutil.rmtree(store, ignore_errors=True)
    warm_up(release)
    print_line(f"Indexing the whole of {name} with {release.embedding}; this is done once.")
    run = timed(run_index, [corpus], store, release)
    counts = run.value.manifest.counts
    built = Built(wanted, now(), round(run.seconds, 3), counts.documents, counts.passages)
    note.write_text(json.dumps(asdict(built), indent=1, sort_keys=True) + "\n", "utf-8")
    return built


def _manifest(store: Path) -> Manifest | None:
    try:
        return read_manifest(locate(store))
    except WarrantError:
        return None
