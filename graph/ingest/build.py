"""Builds the next Snapshot from the last one and the journal, and publishes it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from ..filters import PREFIX
from ..index.lexicon import COUNTING, Counting, Lexicon
from ..index.manifest import Counts, Manifest, files_of, write_manifest
from ..index.rows import WORDS, DocumentRow, PassageRows
from ..index.store import Store
from ..index.tables import BATCH, Reader, Writer
from ..release import Release
from .access import GROUPS
from .columns import Column, column_warnings, infer_columns
from .document import FileWarning, canonical, digest_of
from .journal import Journal


@dataclass(frozen=True)
class Base:
    """The Snapshot that the next one is made from; documents in `without` are left behind."""

    path: Path
    without: set[str]


@dataclass(frozen=True)
class Built:
    """The published Snapshot, and what of its documents' metadata cannot be filtered on as one would expect."""

    path: Path
    warnings: list[FileWarning]


async def build_snapshot(store: Store, journal: Journal, release: Release, recipe: str, base: Base | None) -> Built:
    """Write everything into a fresh directory, then publish it."""
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
    writer = await Writer.create(build, types, journal.dimensions)
    words = _Words(base, before, shared)
    if reader:
        await _copy(reader, writer, replaced, shared, words)
    await _add_journaled(journal, writer, rows, shared, words)
    words.write(build)
    approximate = await writer.finish()
    made = f"{recipe} {COUNTING}".encode()
    digest = digest_of(made, *(f"{row.document}\0{row.digest}".encode() for row in _ordered(stubs)))
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


def _ordered(stubs: Iterable[DocumentRow]) -> list[DocumentRow]:
    return sorted(stubs, key=lambda row: row.document)


def _stub(row: DocumentRow) -> DocumentRow:
    """The row without its text, of which only one at a time need be in memory."""
    return DocumentRow(**{**vars(row), "text": ""})


def _shared(row: DocumentRow, metadata: dict[str, Any], columns: dict[str, Column]) -> dict[str, Any]:
    """What all passages of a document have in common."""
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
    """The dates that are written otherwise in ISO form: whoever compares versions of a passage knows no columns."""
    days = {name: value.isoformat() for name, value in values.items() if isinstance(value, date)}
    return {name: day for name, day in days.items() if not str(metadata[name]).startswith(day)}


class _Words:
    """The next Snapshot's lexicon: what the base counted, without what is replaced, with what is new."""

    def __init__(self, base: Base | None, before: list[DocumentRow], shared: dict[str, dict[str, Any]]) -> None:
        old = Lexicon.open(base.path) if base else None
        self._carried = old is not None and old.is_current
        self._counting = Counting(old if self._carried else None)
        self._was = {row.document: not json.loads(row.metadata).get(GROUPS) for row in before}
        self._is = {document: fields["public"] for document, fields in shared.items()}
        self.write = self._counting.write

    def copied(self, gone: list[dict[str, Any]], kept: PassageRows) -> None:
        """Passages of the base: what it counted is carried over, unless it counted by other rules."""
        if not self._carried:
            self.added(kept)
        else:
            self._count(gone, self._was, -1)

    def added(self, passages: PassageRows) -> None:
        self._count(passages.rows, self._is, 1)

    def _count(self, rows: list[dict[str, Any]], public: dict[str, bool], times: int) -> None:
        for row in rows:
            self._counting.add(row[WORDS], public=public[row["document"]], times=times)


async def _copy(
    reader: Reader, writer: Writer, without: set[str], shared: dict[str, dict[str, Any]], words: _Words
) -> None:
    async for passages in reader.passages():
        gone, kept = _split(passages, without)
        words.copied(gone, kept)
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
    """The rows of the documents named, and the others with their vectors."""
    stay = [number for number, row in enumerate(passages.rows) if row["document"] not in without]
    if len(stay) == len(passages.rows):
        return [], passages
    gone = [row for row in passages.rows if row["document"] in without]
    return gone, passages.only(stay)


async def _add_journaled(
    journal: Journal, writer: Writer, rows: list[DocumentRow], shared: dict[str, dict[str, Any]], words: _Words
) -> None:
    await writer.add_documents(rows)
    waiting: list[PassageRows] = []
    for row in rows:
        if not row.duplicate_of:
            waiting.append(journal.passages(row.document))
            words.added(waiting[-1])
        if sum(len(part.rows) for part in waiting) >= BATCH:
            await writer.add_passages(PassageRows.joined(waiting), shared)
            waiting = []
    if waiting:
        await writer.add_passages(PassageRows.joined(waiting), shared)
