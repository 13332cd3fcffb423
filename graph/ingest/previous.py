"""What a run takes over from the last Snapshot, and what it withdraws."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from ..index.rows import WORDS, DocumentRow
from ..index.tables import Reader
from ..models.embedding import TextVectors
from .document import Refusal, Source
from .roots import below
from .vectors import Known

Rows = Mapping[str, DocumentRow]


def withdrawn(before: Rows, there: set[str], refused: Iterable[Refusal]) -> set[str]:
    """Earlier versions of refused files; for a corpus all missing records, as the refused line may be any of them.

    A file that is only listed and not there is like any that was deleted, unless groups are named for it.
    """
    refusals = [refusal for refusal in refused if refusal.kind != "missing"]
    files = {refusal.within or refusal.file for refusal in refusals}
    links = [refusal.file for refusal in refusals if refusal.kind == "link"]
    return {name for name, row in before.items() if name not in there and (row.file in files or below(row.file, links))}


def unchanged(rows: Rows, sources: Iterable[Source], out: set[str]) -> set[str]:
    """Documents that have their current digest; a duplicate only if its original has."""
    digests = {source.id: source.digest for source in sources}
    same = {name: row for name, row in rows.items() if name not in out and digests.get(name, row.digest) == row.digest}
    firsts = {name for name, row in same.items() if row.duplicate_of is None}
    return firsts | {name for name, row in same.items() if row.duplicate_of in firsts}


async def published(path: Path) -> dict[str, DocumentRow]:
    reader = await Reader.open(path, approximate=False)
    return {row.document: row async for row in reader.documents(text=False)}


async def rows_with_text(path: Path, wanted: set[str]) -> list[DocumentRow]:
    reader = await Reader.open(path, approximate=False)
    return [row async for row in reader.documents() if row.document in wanted]


async def vectors_of(path: Path, documents: set[str]) -> Known:
    """The vectors of some documents in a Snapshot."""
    reader = await Reader.open(path, approximate=False)
    found = {}
    async for part in reader.passages():
        for row, *vectors in zip(part.rows, part.vectors, part.units, strict=True):
            if row["document"] in documents:
                found[row[WORDS]] = TextVectors(*vectors)
    return found
