"""What an AI Search index holds: a row for each passage of a Snapshot, and rows that describe the Snapshot; pure.

The description is the manifest, the lexicon and the groups behind each `access`. It is stored in rows that no search
may find, so that an index needs nothing beside it.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from ..errors import SnapshotBroken
from ..filters import PREFIX, ColumnType
from ..models.embedding import Int8Vectors, Vectors
from .ai_search_filters import EVERYBODY, access_of, column_name, has_name
from .lexicon import StoredLexicon
from .manifest import Manifest
from .rows import UNITS, WORDS

KEY, VECTOR, VECTORS, DIGEST = "id", "vector", "vectors", "digest"
NOBODY = "nobody"
"""The `access` of rows that are no passages."""
DESCRIPTION = "warrant:description:"
PART = 24_000
"""Characters of the description in one row."""
OWN_COLUMNS = {
    KEY: "string",
    "document": "string",
    "file": "string",
    "title": "string",
    "section": "string",
    "header": "string",
    "page": "integer",
    "page_breaks": "string",
    "start": "long",
    "end": "long",
    "heading": "string",
    "text": "string",
    "metadata": "string",
    "access": "string",
    VECTORS: "string",
    DIGEST: "string",
    VECTOR: "array<float>",
}
"""The columns of every index; `heading` and `text` are what is searched, `vectors` those of the passage's units."""
READ = [name for name in OWN_COLUMNS if name not in (VECTOR, DIGEST)]
"""The columns that a search reads."""
TYPES: Mapping[ColumnType, str] = {
    "string": "string",
    "mixed": "string",
    "integer": "long",
    "number": "double",
    "boolean": "boolean",
    "date": "date",
    "strings": "array<string>",
}
Row = dict[str, Any]


class _Stored(BaseModel):
    """The description as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    manifest: Manifest
    classes: dict[str, list[str]]
    lexicon: str


@dataclass(frozen=True)
class Description:
    """The Snapshot in an index: its manifest, its lexicon, and the groups by their `access`."""

    manifest: Manifest
    classes: Mapping[str, Sequence[str]]
    lexicon: StoredLexicon


def schema(columns: Mapping[str, ColumnType]) -> dict[str, str]:
    """The columns of an index with their types."""
    own = {column_name(name): TYPES[kind] for name, kind in columns.items()}
    return {**OWN_COLUMNS, **own, **{has_name(name): "boolean" for name in columns}}


def passage_row(stored: Mapping[str, Any], columns: Mapping[str, ColumnType]) -> Row:
    """The row of a Snapshot's passage, with its digest."""
    text, vector = stored["text"], np.asarray(stored["vector"], np.float32)
    row = {
        **{name: stored[name] for name in OWN_COLUMNS if name in stored},
        "page_breaks": json.dumps(stored["page_breaks"]),
        "heading": stored[WORDS].removesuffix(text),
        "access": _access(stored),
        VECTOR: vector.tolist(),
        VECTORS: base64.b64encode(vector.tobytes() + stored[UNITS]).decode(),
    }
    for name in columns:
        value = stored[PREFIX + name]
        row[has_name(name)] = value is not None
        row[column_name(name)] = value.isoformat() if isinstance(value, date) else value
    return {**row, DIGEST: hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()}


def _access(stored: Mapping[str, Any]) -> str:
    if stored["public"]:
        return EVERYBODY
    return access_of(stored["allowed_groups"]) if stored["allowed_groups"] else NOBODY


def vectors_of(row: Mapping[str, Any], dimensions: int) -> tuple[Vectors, Int8Vectors]:
    """The vector of a passage and those of its units."""
    stored = base64.b64decode(row[VECTORS])
    whole = np.frombuffer(stored, np.float32, dimensions)
    return whole, np.frombuffer(stored, np.int8, offset=4 * dimensions).reshape(-1, dimensions)


def part_id(number: int) -> str:
    """The key of a part of the description."""
    return f"{DESCRIPTION}{number}"


def probe(dimensions: int) -> list[float]:
    """A vector for searches that only filter, and of rows that are no passages."""
    return [1.0, *[0.0] * (dimensions - 1)]


def description_rows(manifest: Manifest, classes: Mapping[str, Sequence[str]], lexicon: bytes) -> list[Row]:
    """The rows of the description; `title` is the Snapshot's id and `end` the number of rows."""
    groups = {word: list(members) for word, members in classes.items()}
    stored = _Stored(manifest=manifest, classes=groups, lexicon=base64.b64encode(lexicon).decode())
    text = base64.b64encode(zlib.compress(stored.model_dump_json().encode())).decode()
    parts = [text[start : start + PART] for start in range(0, len(text), PART)]
    shared = {"title": manifest.id, "access": NOBODY, "end": len(parts), VECTOR: probe(manifest.dimensions)}
    return [{**shared, KEY: part_id(number), "metadata": part} for number, part in enumerate(parts)]


def read_description(rows: Sequence[Mapping[str, Any]], where: str) -> Description:
    """The description from its rows in order; raises SnapshotBroken."""
    try:
        stored = _Stored.model_validate_json(
            zlib.decompress(base64.b64decode("".join(row["metadata"] for row in rows)))
        )
        lexicon = StoredLexicon.read(pa.py_buffer(base64.b64decode(stored.lexicon)))
    except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError, zlib.error) as error:
        raise SnapshotBroken(
            f"{where} does not describe its Snapshot, or is being synced; `warrant sync` it."
        ) from error
    return Description(stored.manifest, stored.classes, lexicon)
