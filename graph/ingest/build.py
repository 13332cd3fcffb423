"""Builds the next Snapshot from the last one and the journal, and publishes it."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ..filters import PREFIX
from ..index.lexicon import LexiconBuilder, StoredLexicon
from ..index.manifest import Counts, Manifest, files_of, write_manifest
from ..index.rows import WORDS, DocumentRow, PassageRows
from ..index.store import Store
from ..index.tables import BATCH, Reader, TableWriter
from ..release import Release
from .access import GROUPS
from .columns import Column, column_warnings, infer_columns
from .document import FileWarning, canonical, digest_of
from .journal import Journal


@dataclass(frozen=True)
class Base:
    """The Snapshot that the next one is based on, without the documents in `without`."""

    path: Path
    without: set[str]


@dataclass(frozen=True)
class Built:
    """The published Snapshot, and warnings about metadata that cannot be filtered on."""

    path: Path
    warnings: list[FileWarning]


async def build_snapshot(store: Store, journal: Journal, release: Release, recipe: str, base: Base | None) -> Built:
    """Write a Snapshot to a new directory and publish it."""
    reader = await Reader.open(base.path, approximate=False) if base else None
    rows = list(journal.documents())
    replaced = {row.document for row in rows} | (base.without if base else set())
    before = [row async for row in reader.documents(text=False)] if reader else []
    stubs = [_stub(row) for row in rows] + [row for row in before if row.document not in replaced]
    about = {row.document: json.loads(row.metadata) for row in stubs}
    columns = infer_columns(about.values())
    shared = {row.document: _shared(row, about[row.document], columns) for row in stubs if not row.duplicate_of}
    build = store.new_build()
    types = {name: column.type for name, column in columns.items()}
    writer = await TableWriter.create(build, types, journal.dimensions)
    words = _Words(base, before, shared)
    if reader:
        await _copy(reader, writer, replaced, shared, words)
    await _add_journaled(journal, writer, rows, shared, words)
    words.write(build)
    approximate = await writer.finish()
    digest = digest_of(recipe.encode(), *sorted(f"{row.document}\0{row.digest}".encode() for row in stubs))
    copies = sum(1 for row in stubs if row.duplicate_of)
    manifest = Manifest(
        id=digest[:16],
        digest=digest,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        recipe=recipe,
        embedding=release.embedding,
        dimensions=journal.dimensions,
        chunking=release.chunking,
        counts=Counts(documents=len(stubs) - copies, duplicates=copies, passages=writer.count),
        columns=types,
        vector_index="ivf_rq" if approximate else "exact",
        files=files_of(build),
    )
    write_manifest(build, manifest)
    return Built(store.publish(build, manifest.id), column_warnings(about, columns))


def _stub(row: DocumentRow) -> DocumentRow:
    """The row without its text, which is not kept in memory."""
    return DocumentRow(**{**vars(row), "text": ""})


def _shared(row: DocumentRow, metadata: dict[str, Any], columns: dict[str, Column]) -> dict[str, Any]:
    """The fields that all passages of a document share."""
    groups = metadata.get(GROUPS, [])
    values = {name: column.stored(metadata.get(name)) for name, column in columns.items()}
    own = {
        "file": row.file,
        "title": row.title,
        "metadata": canonical({**metadata, **_days(metadata, values)}).decode(),
    }
    typed = {PREFIX + name: value for name, value in values.items()}
    return {**typed, **own, "allowed_groups": groups, "public": not groups}


def _days(metadata: dict[str, Any], values: dict[str, Any]) -> dict[str, str]:
    """Dates in ISO form, for readers that do not know the column types."""
    days = {name: value.isoformat() for name, value in values.items() if isinstance(value, date)}
    return {name: day for name, day in days.items() if not str(metadata[name]).startswith(day)}


class _Words:
    """The next Snapshot's lexicon: the base's counts, minus replaced passages, plus new ones."""

    def __init__(self, base: Base | None, before: list[DocumentRow], shared: dict[str, dict[str, Any]]) -> None:
        self._counting = LexiconBuilder(StoredLexicon.open(base.path) if base else None)
        self._was = {row.document: not row.groups for row in before}
        self._is = {document: fields["public"] for document, fields in shared.items()}
        self.write = self._counting.write

    def removed(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            self._counting.add(row[WORDS], public=self._was[row["document"]], times=-1)

    def added(self, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            self._counting.add(row[WORDS], public=self._is[row["document"]])


async def _copy(
    reader: Reader, writer: TableWriter, without: set[str], shared: dict[str, dict[str, Any]], words: _Words
) -> None:
    async for passages in reader.passages():
        gone, kept = _split(passages, without)
        words.removed(gone)
        await writer.add_passages(kept, shared)
    documents: list[DocumentRow] = []
    async for row in reader.documents():
        if row.document not in without:
            documents.append(row)
        if len(documents) >= BATCH:
            await writer.add_documents(documents)
            documents = []
    await writer.add_documents(documents)


def _split(passages: PassageRows, without: set[str]) -> tuple[list[dict[str, Any]], PassageRows]:
    """The rows of the documents in `without`, and the others with their vectors."""
    stay = [number for number, row in enumerate(passages.rows) if row["document"] not in without]
    if len(stay) == len(passages.rows):
        return [], passages
    gone = [row for row in passages.rows if row["document"] in without]
    return gone, passages.only(stay)


async def _add_journaled(
    journal: Journal, writer: TableWriter, rows: list[DocumentRow], shared: dict[str, dict[str, Any]], words: _Words
) -> None:
    await writer.add_documents(rows)
    waiting: list[PassageRows] = []
    for row in rows:
        if not row.duplicate_of:
            waiting.append(journal.passages(row.document))
            words.added(waiting[-1].rows)
        if sum(len(part.rows) for part in waiting) >= BATCH:
            await writer.add_passages(PassageRows.joined(waiting), shared)
            waiting = []
    if waiting:
        await writer.add_passages(PassageRows.joined(waiting), shared)
