"""The indexing run: find, read, cut, embed, publish; only what changed since the last Snapshot is worked on."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from ..backends.embedders import load_embedder
from ..backends.embedding import Embedder, Marks
from ..errors import FilesRefused, SnapshotBroken
from ..release import Release
from ..snapshot.lexicon import Lexicon
from ..snapshot.manifest import Manifest, read_manifest
from ..snapshot.rows import WORDS, DocumentRow
from ..snapshot.store import SnapshotLease, Store
from ..snapshot.tables import Reader
from .build import Base, build_snapshot
from .csv_parts import is_table
from .document import Chunk, FileWarning, Refusal, Source, digest_of
from .duplicates import Duplicates
from .journal import Journal
from .reading import Cut, Limits, Recipe, read_all, surviving
from .sources import discover
from .vectors import Known, Unembedded, embed_batch

READING = 10
"""Goes up when the same file would be read or cut into other text: then everything is read again."""
EMBED_AT_ONCE = 64


@dataclass(frozen=True)
class Options:
    """How to run: `prune` drops what is no longer found, `strict` publishes nothing when a file was refused."""

    prune: bool = False
    strict: bool = False
    threads: int = 1
    most_megabytes: float = 200
    seconds_per_file: float = 120
    memory_megabytes: float = 2048
    """Megabytes of memory that a reader may take for one file."""
    patience: float = 600
    ocr: str = ""
    """Tesseract's name of the language that scans are read in; none are read without."""

    @property
    def limits(self) -> Limits:
        """What reading one file may take."""
        return Limits(self.threads, self.seconds_per_file, self.most_megabytes, self.memory_megabytes)


@dataclass(frozen=True)
class Outcome:
    """What a run did, by document id, and the Snapshot that is now in force; copies are among the indexed."""

    manifest: Manifest
    path: Path
    indexed: list[str] = field(default_factory=list)
    duplicates: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)
    warnings: list[FileWarning] = field(default_factory=list)


class Progress(Protocol):
    """Is told how far the run is."""

    def expect(self, documents: int) -> None: ...

    def done(self, document: str) -> None: ...

    def publishing(self) -> None: ...


def recipe_of(release: Release, ocr: str = "") -> str:
    """Names everything but the documents that a Snapshot's content follows from."""
    cutting = release.chunking.model_dump_json()
    return digest_of(f"{READING} {ocr}".encode(), release.embedding.encode(), cutting.encode())[:16]


def index(paths: Sequence[Path], out: Path, release: Release, options: Options, progress: Progress) -> Outcome:
    """Bring the store at `out` up to date with the documents under `paths` and publish the result.

    Raises SourceInvalid for a path that is not there, IndexBusy when another run does not end, FilesRefused when the
    run is strict and a file was refused. Interrupted at any point, the last Snapshot stays whole and the next run
    goes on with what this one had finished.
    """
    found = list(discover(paths, most_megabytes=options.most_megabytes))
    store = Store(out)
    with store.writing(patience=options.patience):
        run = _Run(store, release, options, progress)
        try:
            return run.do(found)
        finally:
            run.close()


class _Run:
    def __init__(self, store: Store, release: Release, options: Options, progress: Progress) -> None:
        self.store, self.release, self.options, self.progress = store, release, options, progress
        self.recipe = recipe_of(release, options.ocr)
        self.embedder: Embedder = load_embedder(release.embedding, options.threads)
        self.journal = Journal(
            store.work / "journal.sqlite", self.recipe, self.embedder.dimensions, self.embedder.token_dimensions
        )
        self.held = self._base()
        self.base = self.held.directory if self.held else None
        self.before = asyncio.run(_published(self.base)) if self.base else {}
        self.refused: list[Refusal] = []
        self.warnings: list[FileWarning] = []

    def close(self) -> None:
        """Let go of the journal and of the Snapshot that it was made from."""
        self.journal.close()
        if self.held:
            self.held.release()

    def _base(self) -> SnapshotLease | None:
        """The Snapshot in force, when it is whole and was made by the same recipe."""
        try:
            current = self.store.current()
            return current if current and read_manifest(current.directory).recipe == self.recipe else None
        except SnapshotBroken:
            return None

    def do(self, found: list[Source | Refusal]) -> Outcome:
        sources = [each for each in found if isinstance(each, Source)]
        self.refused = [each for each in found if isinstance(each, Refusal)]
        there = {each.id for each in sources} | {each.file for each in self.refused}
        gone = set(self.before) - there if self.options.prune else self._stale_parts(sources, there)
        good = self._still_good(sources, sorted(gone))
        todo = [source for source in sources if source.id not in good]
        self.progress.expect(len(todo))
        if todo:
            self._work(todo, good)
        unchanged = len(good & {source.id for source in sources} - self.journal.names())
        return self._finish(sorted(gone), unchanged)

    def _stale_parts(self, sources: list[Source], there: set[str]) -> set[str]:
        """Documents that a table was before its rows changed: parts that it has no longer, or all of it as one."""
        tables = {source.file for source in sources if is_table(source.path)}
        return {row.document for row in self.before.values() if row.file in tables and row.document not in there}

    def _still_good(self, sources: list[Source], gone: list[str]) -> set[str]:
        """Documents that need no work: published or journaled under the digest that their source has now."""
        digests = {source.id: source.digest for source in sources}
        rows = {name: row for name, row in self.before.items() if name not in gone}
        rows |= {row.document: row for row in self.journal.documents() if row.document in digests}
        rows = {name: row for name, row in rows.items() if digests.get(name, row.digest) == row.digest}
        good = {name for name, row in rows.items() if row.duplicate_of is None}
        good |= {name for name, row in rows.items() if row.duplicate_of in good}
        self.journal.keep_only(good)
        return good

    def _work(self, todo: list[Source], good: set[str]) -> None:
        duplicates = Duplicates()
        for row in self._rows(good):
            about = {**json.loads(row.metadata), "title": row.named}
            duplicates.first_like(row.document, row.text[row.body :], about)
        known = self._known_vectors(good)
        batch: list[Unembedded] = []
        waiting = 0
        for source, read in self._read(todo):
            entry = surviving(source.file, partial(self._prepare, source, read, duplicates))
            if isinstance(entry, Refusal):
                self._refuse(source.id, entry)
                continue
            batch.append(entry)
            waiting += len(entry.passages)
            if waiting >= EMBED_AT_ONCE:
                self._embed(batch, known)
                batch, waiting = [], 0
        self._embed(batch, known)

    def _rows(self, good: set[str]) -> Iterator[DocumentRow]:
        """The firsts among the documents that need no work, with their texts."""
        rows = list(self.journal.documents())
        rows += asyncio.run(_rows_with_text(self.base, good - self.journal.names())) if self.base else []
        return (row for row in rows if row.duplicate_of is None)

    def _known_vectors(self, good: set[str]) -> Known:
        """Vectors of what changed or is no longer where it was: a file that was moved has its passages made already."""
        old = set(self.before) - good
        return asyncio.run(_vectors(self.base, old)) if self.base and old else {}

    def _read(self, todo: list[Source]) -> Iterator[tuple[Source, Cut]]:
        recipe = Recipe(self.release.embedding, self.release.chunking, self.options.ocr)
        for source, outcome in read_all(todo, recipe, self.options.limits):
            if isinstance(outcome, Refusal):
                self._refuse(source.id, outcome)
            else:
                self.warnings += [FileWarning(source.file, message) for message in outcome.document.warnings]
                yield source, outcome

    def _refuse(self, document: str, refusal: Refusal) -> None:
        self.refused.append(refusal)
        self.progress.done(document)

    def _prepare(self, source: Source, read: Cut, duplicates: Duplicates) -> Unembedded:
        document = read.document
        metadata = {**source.metadata, **document.metadata}
        title = str(metadata.get("title") or source.title or document.title or Path(source.file).stem)
        named = str(metadata.get("title") or source.title)
        first = duplicates.first_like(source.id, document.text[document.body :], {**metadata, "title": named})
        row = DocumentRow(
            document=source.id,
            file=source.file,
            title=title,
            digest=source.digest,
            text="" if first else document.text,
            page_starts=list(document.page_starts),
            metadata=json.dumps(metadata, sort_keys=True, ensure_ascii=False),
            named=named,
            body=document.body,
            duplicate_of=first,
        )
        chunks = [] if first else read.chunks
        return Unembedded(row, [_passage(row, number, chunk) for number, chunk in enumerate(chunks)])

    def _embed(self, batch: list[Unembedded], known: Known) -> None:
        """Make the vectors that are missing, journal the batch, and only then say that it is done."""
        made = surviving("", lambda: embed_batch(batch, known, self.embedder).finished)
        if not isinstance(made, Refusal):
            self.journal.record(made)
            for entry in batch:
                self.progress.done(entry.document.document)
        elif len(batch) > 1:
            for entry in batch:
                self._embed([entry], known)
        else:
            row = batch[0].document
            self._refuse(row.document, Refusal(row.file, made.reason))

    def _finish(self, gone: list[str], unchanged: int) -> Outcome:
        if self.options.strict and self.refused:
            listed = "; ".join(f"{refusal.file}: {refusal.reason}" for refusal in self.refused[:5])
            raise FilesRefused(f"{len(self.refused)} refused, so nothing was published: {listed}.")
        self.progress.publishing()
        rows = list(self.journal.documents())
        path = self.base
        if path is None or rows or gone or not Lexicon.open(path).is_current:
            base = Base(self.base, set(gone)) if self.base else None
            built = asyncio.run(build_snapshot(self.store, self.journal, self.release, self.recipe, base))
            path, self.warnings = built.path, self.warnings + built.warnings
        self.journal.discard()
        return Outcome(
            manifest=read_manifest(path),
            path=path,
            indexed=[row.document for row in rows],
            duplicates={row.document: row.duplicate_of for row in rows if row.duplicate_of},
            removed=gone,
            unchanged=unchanged,
            refused=self.refused,
            warnings=self.warnings,
        )


def _passage(row: DocumentRow, number: int, chunk: Chunk) -> dict[str, Any]:
    text = row.text[chunk.start : chunk.end]
    heading = row.title if chunk.section in ("", row.title) else f"{row.title} > {chunk.section}"
    return {
        "id": f"{row.document}#{number}",
        "document": row.document,
        "section": chunk.section,
        "header": chunk.header,
        "page": chunk.page,
        "page_breaks": list(chunk.page_breaks),
        "start": chunk.start,
        "end": chunk.end,
        "text": text,
        WORDS: "\n".join(part for part in (heading, chunk.header, text) if part),
    }


async def _published(path: Path) -> dict[str, DocumentRow]:
    reader = await Reader.open(path, approximate=False)
    return {row.document: row async for row in reader.documents(text=False)}


async def _rows_with_text(path: Path, wanted: set[str]) -> list[DocumentRow]:
    reader = await Reader.open(path, approximate=False)
    return [row async for row in reader.documents() if row.document in wanted]


async def _vectors(path: Path, documents: set[str]) -> Known:
    """The vectors that the given documents have in a Snapshot."""
    reader = await Reader.open(path, approximate=False)
    found = {}
    async for part in reader.passages():
        for row, *vectors in zip(part.rows, part.vectors, part.units, part.tokens, strict=True):
            if row["document"] in documents:
                found[row[WORDS]] = Marks(*vectors)
    return found
