"""The data types of ingestion: sources, documents and chunks."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path, PurePath
from typing import Any, Literal

Metadata = dict[str, Any]
Wording = Literal["text", "markdown", "page", "data", "table", "binary"]
"""How a file's text is written, which says where in it a restriction may stand."""


@dataclass(frozen=True)
class Delimited:
    """How a CSV file is read: its encoding, and how its quotation marks are taken where one of them is misplaced."""

    encoding: str
    quoting: Literal[0, 3] | None = None


@dataclass(frozen=True)
class Source:
    """A document before it is read: a file, or a part of one when `place` is set.

    `place` is the line of a corpus's record or the number of a CSV file's part, both from 1; its text is read again
    when its turn comes, a part of a CSV file as `delimited` says.
    """

    id: str
    file: str
    path: Path
    digest: str
    metadata: Metadata = field(default_factory=dict)
    title: str = ""
    place: int | None = None
    delimited: Delimited | None = None


class Refused(Exception):
    """This file cannot be indexed; the message is the reason that the user reads."""


@dataclass(frozen=True)
class Refusal:
    """A file or record that was not indexed, and why; the reason begins with its kind."""

    file: str
    reason: str
    within: str = field(default="", compare=False)
    """The file that this is about, where `file` names a line of it or its sidecar."""

    @property
    def kind(self) -> str:
        return self.reason.partition(":")[0]

    @property
    def withheld(self) -> bool:
        """Whether it was refused because its groups were in doubt."""
        return self.kind in ("access", "bad metadata", "bad front matter")


@dataclass(frozen=True)
class FileWarning:
    """A file that was indexed, and what its owner should know about it."""

    file: str
    message: str


@dataclass(frozen=True)
class Document:
    """A document's text as Warrant reads it; pages begin at `page_starts` (empty when it has no pages)."""

    text: str
    title: str = ""
    page_starts: tuple[int, ...] = ()
    structured: bool = True
    metadata: Metadata = field(default_factory=dict)
    body: int = 0
    """Where the text proper begins, after any front matter."""
    warnings: tuple[str, ...] = ()
    """What was left out or could not be read, in sentences for the file's owner."""
    doubt: str = ""
    """A possible restriction at a place where it is not read; empty if there is none."""


@dataclass(frozen=True)
class File:
    """A file to read: scans by OCR in a language, of archives so many megabytes; `depth` is 1 for an attachment.

    `read_attached` reads what is attached to it.
    """

    name: str
    content: bytes
    read_attached: Callable[["File"], Document]
    media_type: str = ""
    ocr: str = ""
    megabytes: float = inf
    depth: int = 0

    @property
    def suffix(self) -> str:
        return PurePath(self.name).suffix.lower()


@dataclass(frozen=True)
class Chunk:
    """A future passage: `document.text[start:end]` with its section and the header row of its table."""

    start: int
    end: int
    section: str
    header: str
    page: int | None
    page_breaks: tuple[int, ...]


def digest_of(*parts: bytes) -> str:
    """SHA-256 over the parts and their lengths."""
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()


def canonical(value: Mapping[str, Any]) -> bytes:
    """The canonical JSON bytes of a mapping."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False).encode()


def part_digest(text: str, title: str, metadata: Metadata) -> str:
    """The digest of a part of a file."""
    return digest_of(text.encode(), title.encode(), canonical(metadata))


def printable(text: str) -> str:
    """Text that can be written as UTF-8: bytes of a file's name that are not UTF-8 are shown as escapes."""
    return text.encode("utf-8", "backslashreplace").decode()
