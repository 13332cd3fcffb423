"""The documents of a Snapshot as proposals are made from them: their units, tables and lists, each with its place."""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from graph.snapshot.rows import DocumentRow
from graph.snapshot.store import lease
from graph.snapshot.tables import Reader
from graph.text.sentences import cells, units

CODE = re.compile(r"```.*?(?:```|\Z)|^(?: {4}|\t).*$", re.DOTALL | re.MULTILINE)
ITEM = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,2}[.)])[ \t]+(.+)$", re.MULTILINE)
FENCE = "```"


@dataclass(frozen=True)
class Document:
    """A document; `groups` is the first access group that opens it, none for a public one."""

    name: str
    title: str
    text: str
    metadata: dict[str, Any]

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(self.metadata.get("allowed_groups") or ())[:1]


@dataclass(frozen=True)
class Said:
    """A sentence or list item of a document: `quote` as it stands there, `reading` as running text."""

    document: Document
    section: str
    quote: str
    reading: str


@dataclass(frozen=True)
class Row:
    """A row of a table under the names of its columns."""

    document: Document
    section: str
    quote: str
    names: tuple[str, ...]
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Listed:
    """A list with the line that leads to it."""

    document: Document
    section: str
    lead: str
    items: tuple[str, ...]


@dataclass(frozen=True)
class Texts:
    """Everything that a Snapshot says, in order."""

    documents: tuple[Document, ...]
    said: tuple[Said, ...]
    rows: tuple[Row, ...]
    lists: tuple[Listed, ...]


async def read_texts(index: Path) -> Texts:
    """Read a Snapshot; raises SnapshotError. Copies of documents have no passages and are left out."""
    with lease(index) as held:
        reader = await Reader.open(held.directory, approximate=False)
        documents = {row.document: _document(row) async for row in reader.documents() if not row.duplicate_of}
        passages = [row async for batch in reader.passages() for row in batch.rows]
    return texts_of(documents, sorted(passages, key=lambda row: (row["document"], row["start"])))


def texts_of(documents: dict[str, Document], passages: Sequence[dict[str, Any]]) -> Texts:
    """Sort what passages say by what it is; what is not verbatim in its document is left out."""
    said: list[Said] = []
    rows: list[Row] = []
    lists: list[Listed] = []
    names: dict[str, list[str]] = defaultdict(list)
    for passage in passages:
        document, section = documents[passage["document"]], str(passage["section"] or "")
        text = _without_code(passage["text"])
        lists += _lists(document, section, text)
        for unit in units(text, passage["header"] or ""):
            quote = passage["text"][unit.start : unit.end]
            if quote.lstrip().startswith("|"):
                names[document.name] = _names(unit.reading) or names[document.name]
                row = tuple(cells(quote))
                if len(row) == len(names[document.name]) > 1:
                    rows.append(Row(document, section, quote, tuple(names[document.name]), row))
            elif quote in document.text:
                said.append(Said(document, section, quote, unit.reading))
    return Texts(tuple(documents.values()), tuple(said), tuple(rows), tuple(lists))


def _document(row: DocumentRow) -> Document:
    return Document(row.document, row.title, row.text, json.loads(row.metadata or "{}"))


def _names(reading: str) -> list[str]:
    """The columns of a row from how it is read: `Part: filter; Interval: 6 months`."""
    parts = [part.partition(": ")[0] for part in reading.split("; ")]
    return parts if all(": " in part for part in reading.split("; ")) else []


def _without_code(text: str) -> str:
    """The text with blanks in place of code, so that offsets stay."""
    return CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), text) if FENCE in text else text


def _lists(document: Document, section: str, text: str) -> list[Listed]:
    """Lists of three to eight short items whose lead-in ends with a colon."""
    found = []
    for match in re.finditer(
        r"^([A-Z][^\n]{8,200}):[ \t]*\n\n?((?:[ \t]*(?:[-*+•]|\d{1,2}[.)])[ \t]+[^\n]+\n?\n?)+)", text, re.M
    ):
        items = tuple(item.strip() for item in ITEM.findall(match.group(2)))
        if 3 <= len(items) <= 8 and all(item in document.text and len(item) < 160 for item in items):
            found.append(Listed(document, section, match.group(1), items))
    return found
