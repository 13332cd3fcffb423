"""The records of a corpus, a file with one JSON object {id, title, text, metadata} a line, as sources."""

import gzip
import json
import zlib
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from itertools import count
from pathlib import Path
from typing import Any

from ..errors import SourceInvalid
from .access import GROUPS, document_metadata, merge_fields, normalise_restriction
from .document import Metadata, Refusal, Source, part_digest
from .front_matter import doubt_in_text
from .metadata import normalise

CORPUS = (".jsonl", ".jsonl.gz")
FIELDS = ("id", "text", "title", "metadata")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MEGABYTE = 1 << 20
LONGEST, SKIPPED = 32 * MEGABYTE, 512 * MEGABYTE
"""The most bytes of a record, and the most bytes that are skipped to find the end of a longer one."""
UNREADABLE = (OSError, EOFError, zlib.error, ValueError, RecursionError)


def is_corpus(path: Path) -> bool:
    """Whether a file is a corpus: by its name, or by its ending and its first line."""
    if not path.name.endswith(CORPUS):
        return False
    if path.name in ("corpus.jsonl", "corpus.jsonl.gz"):
        return True
    try:
        first = json.loads(next(_lines(path), (1, b"null"))[1] or b"null")
    except UNREADABLE:
        return False
    return isinstance(first, dict) and "id" in first and "text" in first


def records(path: Path, name: str, fields: Metadata) -> Iterator[Source | Refusal]:
    """The records of a corpus in order; an invalid line becomes a Refusal."""
    try:
        for number, line in _lines(path):
            if line is None:
                yield Refusal(f"{name}:{number}", f"too large: a record may have {LONGEST // MEGABYTE} MB")
            elif line.strip():
                yield _record(path, f"{name}:{number}", line, fields)
    except UNREADABLE as error:
        yield Refusal(name, f"corrupt: {error}")


def record_texts(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a corpus's records with their line numbers, up to the first unreadable byte."""
    with suppress(*UNREADABLE):
        for number, line in _lines(path):
            with suppress(ValueError, RecursionError):
                record = json.loads(line or b"null")
                if isinstance(record, dict) and isinstance(record.get("text"), str):
                    yield number, record["text"]


def _lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """The lines of a file, counted from 1; None for one that is too long, after which the file may end early."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        for number in count(1):
            line = file.readline(LONGEST + 1)
            if not line:
                return
            if len(line) > LONGEST:
                yield number, None
                if not _skip_line(file):
                    raise ValueError(f"line {number} does not end within {SKIPPED // MEGABYTE} MB")
            else:
                yield number, line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line


def _skip_line(file: gzip.GzipFile | BufferedReader) -> bool:
    """Go to the next line; False when this one does not end within SKIPPED bytes."""
    for _ in range(SKIPPED // MEGABYTE):
        block = file.readline(MEGABYTE)
        if not block or block.endswith(b"\n"):
            return True
    return False


def _record(path: Path, where: str, line: bytes, fields: Metadata) -> Source | Refusal:
    """Parse a line of a corpus; the file's metadata applies to each record, which can only narrow its groups."""
    try:
        record = json.loads(line, object_pairs_hook=_each_key_once)
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return Refusal(where, "corrupt: the line holds half a surrogate pair")
    except SourceInvalid as error:
        return Refusal(where, f"bad metadata: {error}")
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return Refusal(where, "corrupt: the line is not a JSON object in UTF-8")
    key, text, title, metadata = (record.get(field) for field in ("id", "text", "title", "metadata"))
    if not isinstance(key, str | int) or isinstance(key, bool) or key == "":
        return Refusal(where, "corrupt: the field id is missing or is not text")
    if not isinstance(text, str) or not isinstance(title or "", str) or not isinstance(metadata or {}, dict):
        return Refusal(where, "corrupt: a record is {id, title, text, metadata}: text, text, text and an object")
    try:
        about = document_metadata(fields, _own(record, metadata or {}), doubt_in_text(text), ())
    except SourceInvalid as error:
        return Refusal(where, f"bad metadata: {error}")
    number = int(where.rpartition(":")[2])
    digest = part_digest(text, title or "", about)
    return Source(str(key), where.rpartition(":")[0], path, digest, about, title or "", place=number)


def _own(record: dict[str, Any], metadata: dict[str, Any]) -> Metadata:
    """A record's own metadata, including a restriction next to it; raises SourceInvalid."""
    beside = normalise_restriction({name: value for name, value in record.items() if name not in FIELDS})
    groups = {GROUPS: beside[GROUPS]} if GROUPS in beside else {}
    return merge_fields([("the record", groups), ("its metadata", normalise(metadata))])


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise SourceInvalid("a key is given twice in one object; keep one of them.")
    return fields
