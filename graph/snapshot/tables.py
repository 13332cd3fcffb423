"""The tables of a Snapshot: the only file that knows LanceDB."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..filters import PREFIX, ColumnType

ANN_FROM = 50_000
"""Passages from which on the vector leg uses an approximate index; below it the search is exact."""
EXACT_UNDER = 5_000
"""Rows left by a filter under which they are scanned exactly instead of probing the approximate index."""
PROBES = 20
REFINED, LEAST_REFINED = 1000, 5
"""Rows whose one-bit distances are made exact again: so many, and at least so many times what is asked for.

With 40 of them for ten results recall@10 was 0.65 on clustered vectors, with 100 it was 0.98, with 300 it was 1.
"""
BATCH = 2048
WORDS = "search_text"
UNITS = "unit_vectors"

ARROW_TYPES: Mapping[str, pa.DataType] = {
    "string": pa.string(),
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
        """Several as one."""
        rows = [row for part in parts for row in part.rows]
        units = [each for part in parts for each in part.units]
        return cls(rows, np.concatenate([part.vectors for part in parts]), units)


class Writer:
    """Fills the tables of a Snapshot that is being built."""

    def __init__(self, passages: Any, documents: Any, columns: Mapping[str, ColumnType], schema: pa.Schema) -> None:
        self._passages, self._documents = passages, documents
        self._columns, self._schema = columns, schema
        self.count = 0

    @classmethod
    async def create(cls, directory: Path, columns: Mapping[str, ColumnType], dimensions: int) -> "Writer":
        vector = pa.field("vector", pa.list_(pa.float32(), dimensions))
        own = [pa.field(PREFIX + name, ARROW_TYPES[kind]) for name, kind in columns.items()]
        schema = pa.schema([*OWN_FIELDS, *SHARED_FIELDS, *own, pa.field(UNITS, pa.binary()), vector])
        import lancedb

        database = await lancedb.connect_async(str(directory))
        passages = await database.create_table("passages", schema=schema)
        documents = await database.create_table("documents", schema=DOCUMENT_SCHEMA)
        return cls(passages, documents, columns, schema)

    async def add_documents(self, rows: Sequence[DocumentRow]) -> None:
        if rows:
            await self._documents.add(pa.Table.from_pylist([asdict(row) for row in rows], schema=DOCUMENT_SCHEMA))

    async def add_passages(self, found: PassageRows, shared: Mapping[str, dict[str, Any]]) -> None:
        """Add passages; `shared` gives what each document's passages have in common, by document."""
        if not found.rows:
            return
        rows = [{**row, **shared[row["document"]]} for row in found.rows]
        columns = [pa.array([row.get(f.name) for row in rows], f.type) for f in list(self._schema)[:-2]]
        columns.append(pa.array([units.tobytes() for units in found.units], pa.binary()))
        flat = pa.array(np.ascontiguousarray(found.vectors, np.float32).reshape(-1))
        columns.append(pa.FixedSizeListArray.from_arrays(flat, found.vectors.shape[1]))
        await self._passages.add(pa.Table.from_arrays(columns, schema=self._schema))
        self.count += len(rows)

    async def finish(self) -> bool:
        """Compact the tables and index them; True when the vector index is approximate."""
        from lancedb.index import FTS, Bitmap, IvfRq

        approximate = self.count >= ANN_FROM
        if self.count:
            await self._passages.create_index(WORDS, config=FTS(with_position=False, remove_stop_words=False))
        if approximate:
            await self._passages.create_index("vector", config=IvfRq(distance_type="cosine"))
            await self._passages.create_index("public", config=Bitmap())
        for table in (self._passages, self._documents):
            await table.optimize(cleanup_older_than=timedelta(milliseconds=1), delete_unverified=True)
        return approximate


class Reader:
    """Reads the tables of a published Snapshot; writes nothing, so a read-only mount will do."""

    def __init__(self, passages: Any, documents: Any, *, approximate: bool) -> None:
        self._passages, self._documents, self._approximate = passages, documents, approximate

    @classmethod
    async def open(cls, directory: Path, *, approximate: bool) -> "Reader":
        import lancedb

        database = await lancedb.connect_async(str(directory))
        passages = await database.open_table("passages")
        return cls(passages, await database.open_table("documents"), approximate=approximate)

    async def nearest(self, vector: NDArray[np.float32], where: str, most: int) -> list[dict[str, Any]]:
        """The passages with the highest cosine similarity, as rows with `similarity` from -1 to 1."""
        query = self._passages.query().nearest_to(vector).distance_type("cosine").where(where)
        if self._approximate:
            if await self._passages.count_rows(where) <= EXACT_UNDER:
                query = query.bypass_vector_index()
            else:
                refined = max(LEAST_REFINED, ceil(REFINED / most))
                query = query.minimum_nprobes(PROBES).maximum_nprobes(0).refine_factor(refined)
        rows = await self._rows(query, "_distance", most)
        for row in rows:
            row["similarity"] = 1.0 - row.pop("_distance")
        return rows

    async def matching(self, words: str, where: str, most: int) -> list[dict[str, Any]]:
        """The passages that share words with the text, as rows with their BM25 score as `match`."""
        if not words:
            return []
        query = self._passages.query().nearest_to_text(words, columns=[WORDS]).where(where)
        rows = await self._rows(query, "_score", most)
        for row in rows:
            row["match"] = row.pop("_score")
        return rows

    async def _rows(self, query: Any, score: str, most: int) -> list[dict[str, Any]]:
        wanted = [f.name for f in (*OWN_FIELDS, *SHARED_FIELDS) if f.name != WORDS]
        found = await query.select([*wanted, UNITS, "vector", score]).limit(most).to_arrow()
        vectors = _matrix(found["vector"])
        found = found.drop_columns(["vector"])
        rows: list[dict[str, Any]] = found.to_pylist()
        for row, vector in zip(rows, vectors, strict=True):
            row["vector"] = vector
            row[UNITS] = np.frombuffer(row[UNITS], np.int8).reshape(-1, len(vector))
        return rows

    async def documents(self, *, text: bool = True) -> AsyncIterator[DocumentRow]:
        """Every document in stored order; without `text` their texts stay on disk."""
        names = [name for name in DOCUMENT_SCHEMA.names if text or name != "text"]
        async for batch in await self._documents.query().select(names).to_batches(max_batch_length=BATCH):
            for row in batch.to_pylist():
                yield DocumentRow(**{"text": "", **row})

    async def document(self, name: str) -> DocumentRow | None:
        """One document by its id."""
        condition = "document = '" + name.replace("'", "''") + "'"
        rows = await self._documents.query().where(condition).limit(1).to_list()
        return DocumentRow(**{key: rows[0][key] for key in DOCUMENT_SCHEMA.names}) if rows else None

    async def passages(self, without: Iterable[str] = ()) -> AsyncIterator[PassageRows]:
        """Every passage with its vector, but those of the documents named."""
        left_out = pa.array(sorted(without), pa.string())
        names = [field.name for field in OWN_FIELDS]
        async for batch in (
            await self._passages.query().select([*names, UNITS, "vector"]).to_batches(max_batch_length=BATCH)
        ):
            table = pa.Table.from_batches([batch])
            table = table.filter(pc.invert(pc.is_in(table["document"], left_out)))
            if table.num_rows:
                vectors = _matrix(table["vector"])
                kept: list[Any] = table[UNITS].to_pylist()
                small = [np.frombuffer(own, np.int8).reshape(-1, vectors.shape[1]) for own in kept]
                yield PassageRows(table.select(names).to_pylist(), vectors, small)

    async def count(self) -> int:
        return int(await self._passages.count_rows())


def _matrix(column: Any) -> NDArray[np.float32]:
    """A column of vectors as float32 of shape (rows, dimensions)."""
    flat = np.asarray(pc.list_flatten(column).to_numpy(), np.float32)
    # No row tells no number of dimensions.
    return flat.reshape(len(column), -1) if len(column) else flat.reshape(0, 0)


def read_metadata(row: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata that a row carries as JSON."""
    fields: dict[str, Any] = json.loads(row["metadata"] or "{}")
    return fields
