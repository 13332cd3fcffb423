"""The indexing run: find, read, cut, embed, publish; only what changed since the last Snapshot is worked on."""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import FilesRefused, SnapshotBroken, SourceInvalid
from ..index.lexicon import COUNTING
from ..index.manifest import read_manifest
from ..index.rows import WORDS, DocumentRow
from ..index.store import SnapshotLease, Store
from ..models.embedding import Embedder
from ..models.packaged_embeddings import load_embedder
from ..release import Release
from .access import document_metadata
from .build import Base, build_snapshot
from .document import Chunk, FileWarning, Metadata, Refusal, Refused, Source, digest_of
from .duplicates import Duplicates
from .journal import Journal
from .options import Options, Outcome, Progress
from .previous import published, rows_with_text, unchanged, vectors_of, withdrawn
from .reading import Cut, catch_failures, read_all
from .roots import Roots
from .sources import Inputs, check_paths
from .vectors import Known, Unembedded, embed_batch

READING = 17
"""The version of reading and chunking: after a change everything is indexed again."""
EMBED_AT_ONCE = 64
FirstDuplicate = Callable[[str, str, Metadata], str | None]
"""The earlier document with the same text and metadata, if there is one."""


def recipe_of(release: Release, ocr: str = "") -> str:
    """Identifies everything except the documents that determines a Snapshot's content."""
    cutting = release.chunking.model_dump_json()
    return digest_of(f"{READING} {COUNTING} {ocr}".encode(), release.embedding.encode(), cutting.encode())[:16]


def index(paths: Sequence[Path], out: Path, release: Release, options: Options, progress: Progress) -> Outcome:
    """Bring the store at `out` up to date with the documents under `paths` and publish the result.

    Raises SourceInvalid for a path that is not there, IndexBusy when another run does not end, FilesRefused when the
    run is strict and a file was refused. Interrupted at any point, the last Snapshot stays whole and the next run
    goes on with what this one had finished.
    """
    store = Store(out)
    check_paths(paths, Roots.read(store.path) if options.prune_all else Roots())
    with store.writing(patience=options.patience):
        inputs = Inputs(paths, Roots.read(store.path), options, out)
        inputs.roots.write(store.path)
        run = _Run(store, release, options, progress)
        try:
            return run.do(inputs)
        finally:
            run.close()


class _Run:
    def __init__(self, store: Store, release: Release, options: Options, progress: Progress) -> None:
        self.store, self.release, self.options, self.progress = store, release, options, progress
        self.notes: list[str] = []
        self.recipe = recipe_of(release, options.ocr)
        self.embedder: Embedder = load_embedder(release.embedding, options.threads)
        self.journal = Journal(store.work / "journal.sqlite", self.recipe, self.embedder.dimensions)
        self.lease = self._base()
        self.base = self.lease.directory if self.lease else None
        self.before = asyncio.run(published(self.base)) if self.base else {}
        self.refused: list[Refusal] = []
        self.warnings: list[FileWarning] = []

    def close(self) -> None:
        """Close the journal and release the base Snapshot."""
        self.journal.close()
        if self.lease:
            self.lease.release()

    def _base(self) -> SnapshotLease | None:
        """The current Snapshot, if it is intact and has the same recipe."""
        try:
            current = self.store.current()
            if current is None or read_manifest(current.directory).recipe == self.recipe:
                return current
            self.notes.append("The index was made with other settings and is made anew: of PATHS alone.")
        except SnapshotBroken as error:
            self.notes.append(f"The index is made anew, of PATHS alone: {error}")
        return None

    def do(self, inputs: Inputs) -> Outcome:
        sources, self.refused = inputs.sources, inputs.refused
        there = {source.id for source in sources}
        withheld = withdrawn(self.before, there, self.refused)
        gone = inputs.gone(self.before) - withheld
        up_to_date = self._unchanged(sources, gone | withheld)
        sources = [*sources, *inputs.copies_left(self.before, up_to_date | gone | withheld)]
        todo = [source for source in sources if source.id not in up_to_date]
        self.progress.expect(len(todo))
        if todo:
            self._work(todo, up_to_date)
        lost = {source.id for source in todo} - self.journal.names()
        withheld = withdrawn(self.before, there - lost, self.refused) | (lost & self.before.keys())
        kept = len(up_to_date & there - self.journal.names())
        notes = [*self.notes, *inputs.notes()]
        return self._finish(sorted(gone - withheld), sorted(withheld), kept, notes)

    def _unchanged(self, sources: list[Source], out: set[str]) -> set[str]:
        """Documents that are already published or journaled with their current digest."""
        there = {source.id for source in sources}
        finished = {row.document: row for row in self.journal.documents() if row.document in there}
        up_to_date = unchanged({**self.before, **finished}, sources, out - finished.keys())
        self.journal.keep_only(up_to_date)
        return up_to_date

    def _work(self, todo: list[Source], up_to_date: set[str]) -> None:
        duplicates = Duplicates()
        for row in self._rows(up_to_date):
            about = {**json.loads(row.metadata), "title": row.named}
            duplicates.first_duplicate(row.document, row.text[row.body :], about)
        known = self._known_vectors(up_to_date)
        batch: list[Unembedded] = []
        waiting = 0
        for source, read in self._read(todo):
            prepared = partial(prepare, source, read, self.options.default_groups, duplicates.first_duplicate)
            entry = catch_failures(source.file, prepared)
            if isinstance(entry, Refusal):
                self._refuse(source.id, entry)
                continue
            batch.append(entry)
            waiting += len(entry.passages)
            if waiting >= EMBED_AT_ONCE:
                self._embed(batch, known)
                batch, waiting = [], 0
        self._embed(batch, known)

    def _rows(self, up_to_date: set[str]) -> Iterator[DocumentRow]:
        """The unchanged documents that are not duplicates, with their texts."""
        rows = list(self.journal.documents())
        rows += asyncio.run(rows_with_text(self.base, up_to_date - self.journal.names())) if self.base else []
        return (row for row in rows if row.duplicate_of is None)

    def _known_vectors(self, up_to_date: set[str]) -> Known:
        """The vectors of changed and removed documents: a moved file reuses them."""
        old = set(self.before) - up_to_date
        return asyncio.run(vectors_of(self.base, old)) if self.base and old else {}

    def _read(self, todo: list[Source]) -> Iterator[tuple[Source, Cut]]:
        for source, outcome in read_all(todo, self.release, self.options):
            if isinstance(outcome, Refusal):
                self._refuse(source.id, outcome)
            else:
                self.warnings += [FileWarning(source.file, message) for message in outcome.document.warnings]
                yield source, outcome

    def _refuse(self, document: str, refusal: Refusal) -> None:
        self.refused.append(refusal)
        self.progress.done(document)

    def _embed(self, batch: list[Unembedded], known: Known) -> None:
        """Embed the batch, journal it, and then report it as done."""
        made = catch_failures("", lambda: embed_batch(batch, known, self.embedder))
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

    def _finish(self, gone: list[str], withheld: list[str], unchanged: int, notes: list[str]) -> Outcome:
        if self.options.strict and self.refused:
            listed = "; ".join(f"{refusal.file}: {refusal.reason}" for refusal in self.refused[:5])
            raise FilesRefused(f"{len(self.refused)} refused, so nothing was published: {listed}.")
        self.progress.publishing()
        rows = list(self.journal.documents())
        path = self.base
        out = {*gone, *withheld}
        if path is None or rows or out:
            base = Base(self.base, out) if self.base else None
            built = asyncio.run(build_snapshot(self.store, self.journal, self.release, self.recipe, base))
            path, self.warnings = built.path, self.warnings + built.warnings
        self.journal.discard()
        return Outcome(
            manifest=read_manifest(path),
            path=path,
            indexed=[row.document for row in rows],
            duplicates={row.document: row.duplicate_of for row in rows if row.duplicate_of},
            removed=gone,
            withdrawn=withheld,
            unchanged=unchanged,
            refused=self.refused,
            warnings=self.warnings,
            notes=notes,
        )


def prepare(source: Source, read: Cut, default_groups: Sequence[str], first_duplicate: FirstDuplicate) -> Unembedded:
    """A document with its merged metadata; raises Refused when its groups are in doubt."""
    document = read.document
    try:
        metadata = document_metadata(source.metadata, document.metadata, document.doubt, default_groups)
    except SourceInvalid as error:
        raise Refused(f"access: {error}") from error
    title = str(metadata.get("title") or source.title or document.title or Path(source.file).stem)
    named = str(metadata.get("title") or source.title)
    first = first_duplicate(source.id, document.text[document.body :], {**metadata, "title": named})
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
