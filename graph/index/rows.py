"""The columns and row types of a Snapshot's tables."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

WORDS, CLOSED_WORDS = "search_text", "closed_search_text"
"""The search texts of public and of restricted passages.

Each column has its own full-text index, so that restricted passages do not affect the statistics of public ones.
"""
UNITS = "unit_vectors"

ARROW_TYPES: Mapping[str, pa.DataType] = {
    "string": pa.string(),
    "mixed": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "strings": pa.list_(pa.string()),
}
OWN_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("id", pa.string()),
    pa.field("document", pa.string()),
    pa.field("section", pa.string()),
    pa.field("header", pa.string()),
    pa.field("page", pa.int32()),
    pa.field("page_breaks", pa.list_(pa.int64())),
    pa.field("start", pa.int64()),
    pa.field("end", pa.int64()),
    pa.field("text", pa.string()),
    pa.field(WORDS, pa.string()),
]
SHARED_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("file", pa.string()),
    pa.field("title", pa.string()),
    pa.field("public", pa.bool_()),
    pa.field("allowed_groups", pa.list_(pa.string())),
    pa.field("metadata", pa.string()),
]
DOCUMENT_SCHEMA = pa.schema(
    [
        pa.field("document", pa.string()),
        pa.field("file", pa.string()),
        pa.field("title", pa.string()),
        pa.field("digest", pa.string()),
        pa.field("text", pa.string()),
        pa.field("page_starts", pa.list_(pa.int64())),
        pa.field("metadata", pa.string()),
        pa.field("named", pa.string()),
        pa.field("body", pa.int64()),
        pa.field("duplicate_of", pa.string()),
    ]
)


@dataclass(frozen=True)
class DocumentRow:
    """A document as stored: `metadata` is JSON, `named` the title that its source gives it if any, `body` where its
    text begins after front matter; a copy names its first in `duplicate_of` and has no passages.
    """

    document: str
    file: str
    title: str
    digest: str
    text: str
    page_starts: list[int]
    metadata: str
    named: str
    body: int
    duplicate_of: str | None = None

    @property
    def groups(self) -> list[str]:
        """The groups that may read it; none: everybody may."""
        return list(json.loads(self.metadata or "{}").get("allowed_groups") or ())


@dataclass(frozen=True)
class PassageRows:
    """Rows of OWN_FIELDS, their vectors, float32 of shape (n, dimensions), and for each the vectors of its units at
    8 bits, int8 of shape (units, dimensions).
    """

    rows: list[dict[str, Any]]
    vectors: NDArray[np.float32]
    units: list[NDArray[np.int8]]

    @classmethod
    def joined(cls, parts: Sequence["PassageRows"]) -> "PassageRows":
        """Concatenate several."""
        rows = [row for part in parts for row in part.rows]
        return cls(rows, np.concatenate([part.vectors for part in parts]), [u for part in parts for u in part.units])

    def only(self, numbers: Sequence[int]) -> "PassageRows":
        """Select rows by their numbers."""
        return PassageRows([self.rows[n] for n in numbers], self.vectors[numbers], [self.units[n] for n in numbers])
