"""Reads from a Snapshot what the next one is made from."""

from pathlib import Path

from ..backends.embedding import Marks
from ..snapshot.rows import WORDS, DocumentRow
from ..snapshot.tables import Reader
from .vectors import Known


async def published(path: Path) -> dict[str, DocumentRow]:
    reader = await Reader.open(path, approximate=False)
    return {row.document: row async for row in reader.documents(text=False)}


async def rows_with_text(path: Path, wanted: set[str]) -> list[DocumentRow]:
    reader = await Reader.open(path, approximate=False)
    return [row async for row in reader.documents() if row.document in wanted]


async def vectors_of(path: Path, documents: set[str]) -> Known:
    """The vectors that the given documents have in a Snapshot."""
    reader = await Reader.open(path, approximate=False)
    found = {}
    async for part in reader.passages():
        for row, *vectors in zip(part.rows, part.vectors, part.units, strict=True):
            if row["document"] in documents:
                found[row[WORDS]] = Marks(*vectors)
    return found
