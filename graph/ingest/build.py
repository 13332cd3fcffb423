"""Builds the next Snapshot from the last one and the journal, and publishes it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from graph.filters import PREFIX, ColumnType
from graph.ingest.document import canonical, digest_of
from graph.ingest.journal import Journal
from graph.ingest.metadata import GROUPS, infer_columns, typed
from graph.release import Release
from graph.snapshot.manifest import Counts, Manifest, files_of, write_manifest
from graph.snapshot.store import Store
from graph.snapshot.tables import BATCH, DocumentRow, PassageRows, Reader, Writer


@dataclass(frozen=True)
class Base:
    """The Snapshot that the next one is made from; documents in `without` are left behind."""

    path: Path
    without: set[str]


async def build_snapshot(store: Store, journal: Journal, release: Release, recipe: str, base: Base | None) -> Path:
    """Write everything into a fresh directory, then publish it; gives the published Snapshot's path."""
    reader = await Reader.open(base.path, approximate=False) if base else None
    rows = list(journal.documents())
    replaced = {row.document for row in rows} | (base.without if base else set())
    stubs = [_stub(row) for row in rows]
    if reader:
        stubs += [row async for row in reader.documents(text=False) if row.document not in replaced]
    about = {row.document: json.loads(row.metadata) for row in stubs}
    columns = infer_columns(about.values())
    shared = {row.document: _shared(row, about[row.document], columns) for row in stubs if not row.duplicate_of}
    build = store.new_build()
    dimensions = journal.dimensions
    writer = await Writer.create(build, columns, dimensions)
    await _copy(reader, writer, replaced, shared)
    await _add_journaled(journal, writer, rows, shared)
    approximate = await writer.finish()
    digest = digest_of(recipe.encode(), *(f"{row.document}\0{row.digest}".encode() for row in _ordered(stubs)))
    copies = sum(1 for row in stubs if row.duplicate_of)
    manifest = Manifest(
        id=digest[:16],
        digest=digest,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        recipe=recipe,
        embedding=release.embedding,
        dimensions=dimensions,
        chunking=release.chunking,
        counts=Counts(documents=len(stubs) - copies, duplicates=copies, passages=writer.count),
        columns=columns,
        vector_index="ivf_rq" if approximate else "exact",
        files=files_of(build),
    )
    write_manifest(build, manifest)
    return store.publish(build, manifest.id)


def _ordered(stubs: Iterable[DocumentRow]) -> list[DocumentRow]:
    return sorted(stubs, key=lambda row: row.document)


def _stub(row: DocumentRow) -> DocumentRow:
    """The row without its text, of which only one at a time need be in memory."""
    return DocumentRow(**{**vars(row), "text": ""})


def _shared(row: DocumentRow, metadata: dict[str, Any], columns: dict[str, ColumnType]) -> dict[str, Any]:
    """What all passages of a document have in common."""
    groups = metadata.get(GROUPS, [])
    values = {PREFIX + name: typed(metadata.get(name), kind) for name, kind in columns.items()}
    own = {"file": row.file, "title": row.title, "metadata": canonical(metadata).decode()}
    return {**values, **own, "allowed_groups": groups, "public": not groups}


async def _copy(reader: Reader | None, writer: Writer, without: set[str], shared: dict[str, dict[str, Any]]) -> None:
    if reader is None:
        return
    async for passages in reader.passages(without):
        await writer.add_passages(passages, shared)
    documents: list[DocumentRow] = []
    async for row in reader.documents():
        if row.document not in without:
            documents.append(row)
        if len(documents) >= BATCH:
            await writer.add_documents(documents)
            documents = []
    await writer.add_documents(documents)


async def _add_journaled(
    journal: Journal, writer: Writer, rows: list[DocumentRow], shared: dict[str, dict[str, Any]]
) -> None:
    await writer.add_documents(rows)
    waiting: list[PassageRows] = []
    for row in rows:
        if not row.duplicate_of:
            waiting.append(journal.passages(row.document))
        if sum(len(part.rows) for part in waiting) >= BATCH:
            await writer.add_passages(PassageRows.joined(waiting), shared)
            waiting = []
    if waiting:
        await writer.add_passages(PassageRows.joined(waiting), shared)
