"""The tables of a Snapshot: the only file that knows LanceDB."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..filters import PREFIX, PUBLIC, ColumnType
from ..models.embedding import normalise_vector, products
from .rows import (
    ARROW_TYPES,
    CLOSED_WORDS,
    DOCUMENT_SCHEMA,
    OWN_FIELDS,
    SHARED_FIELDS,
    UNITS,
    WORDS,
    DocumentRow,
    PassageRows,
)

ANN_MIN_PASSAGES = 50_000
"""The number of passages at which the vector index becomes approximate."""
EXACT_MAX_ROWS = 5_000
"""Up to this many rows under a filter are scanned exactly instead of using the approximate index."""
PROBES = 20
REFINED, MIN_REFINE_FACTOR = 1000, 5
"""Rows whose one-bit distances are recomputed exactly, and the least multiple of the limit.

With 40 of them for ten results recall@10 was 0.65 on clustered vectors, with 100 it was 0.98, with 300 it was 1.
"""
BATCH = 2048
MAX_IN_MEMORY = 20_000
"""The most passages whose vectors are kept in memory, 30 MB at 384 dimensions. A query of LanceDB takes 3 ms of CPU
however few they are, a matrix product a tenth of that."""
MAX_CACHED_CONDITIONS = 1000
"""The most conditions whose matching rows are cached."""


class TableWriter:
    """Writes the tables of a new Snapshot."""

    def __init__(self, passages: Any, documents: Any, columns: Mapping[str, ColumnType], schema: pa.Schema) -> None:
        self._passages, self._documents = passages, documents
        self._columns, self._schema = columns, schema
        self.count = 0

    @classmethod
    async def create(cls, directory: Path, columns: Mapping[str, ColumnType], dimensions: int) -> "TableWriter":
        vector = pa.field("vector", pa.list_(pa.float32(), dimensions))
        own = [pa.field(PREFIX + name, ARROW_TYPES[kind]) for name, kind in columns.items()]
        closed, units = pa.field(CLOSED_WORDS, pa.string()), pa.field(UNITS, pa.binary())
        schema = pa.schema([*OWN_FIELDS, closed, *SHARED_FIELDS, *own, units, vector])
        import lancedb

        database = await lancedb.connect_async(str(directory))
        passages = await database.create_table("passages", schema=schema)
        documents = await database.create_table("documents", schema=DOCUMENT_SCHEMA)
        return cls(passages, documents, columns, schema)

    async def add_documents(self, rows: Sequence[DocumentRow]) -> None:
        if rows:
            await self._documents.add(pa.Table.from_pylist([asdict(row) for row in rows], schema=DOCUMENT_SCHEMA))

    async def add_passages(self, found: PassageRows, shared: Mapping[str, dict[str, Any]]) -> None:
        """Add passages; `shared` has the fields that all passages of a document share, by document."""
        if not found.rows:
            return
        rows = [_with_restricted_words({**row, **shared[row["document"]]}) for row in found.rows]
        columns = [pa.array([row.get(f.name) for row in rows], f.type) for f in list(self._schema)[:-2]]
        columns.append(pa.array([own.tobytes() for own in found.units], pa.binary()))
        flat = pa.array(np.ascontiguousarray(found.vectors, np.float32).reshape(-1))
        columns.append(pa.FixedSizeListArray.from_arrays(flat, found.vectors.shape[1]))
        await self._passages.add(pa.Table.from_arrays(columns, schema=self._schema))
        self.count += len(rows)

    async def finish(self) -> bool:
        """Compact and index the tables; returns whether the vector index is approximate."""
        from lancedb.index import FTS, Bitmap, BTree, IvfRq

        approximate = self.count >= ANN_MIN_PASSAGES
        if self.count:
            for column in (WORDS, CLOSED_WORDS):
                await self._passages.create_index(column, config=FTS(with_position=False, remove_stop_words=False))
        if approximate:
            await self._passages.create_index("vector", config=IvfRq(distance_type="cosine"))
            await self._passages.create_index("public", config=Bitmap())
            await self._passages.create_index("id", config=BTree())
        for table in (self._passages, self._documents):
            await table.optimize(cleanup_older_than=timedelta(milliseconds=1), delete_unverified=True)
        return approximate


def _with_restricted_words(row: dict[str, Any]) -> dict[str, Any]:
    """Move the search text of a restricted passage to its own column."""
    return row if row["public"] else {**row, WORDS: None, CLOSED_WORDS: row[WORDS]}


class Hit(NamedTuple):
    """The row id of a passage and its score."""

    row: int
    score: float


class Reader:
    """Reads the tables of a published Snapshot; never writes, so it works on a read-only mount.

    Queries return row ids; `fetch` then reads the rows that are needed.
    """

    def __init__(self, passages: Any, documents: Any, fields: pa.Schema, *, approximate: bool) -> None:
        self._passages, self._documents, self._approximate = passages, documents, approximate
        self._dimensions = fields.field("vector").type.list_size
        self._counts: dict[str, int] = {}
        self._vectors: _Vectors | None = None
        self._fits_in_memory: bool | None = None

    @classmethod
    async def open(cls, directory: Path, *, approximate: bool) -> "Reader":
        import lancedb

        database = await lancedb.connect_async(str(directory))
        passages = await database.open_table("passages")
        documents = await database.open_table("documents")
        return cls(passages, documents, await passages.schema(), approximate=approximate)

    async def nearest(self, vector: NDArray[np.float32], where: str, limit: int) -> list[Hit]:
        """The passages with the highest cosine similarity, -1 to 1."""
        if vectors := await self._load_vectors():
            return vectors.nearest(vector, await self._rows_in_memory(vectors, where), limit)
        query = self._passages.query().nearest_to(vector).distance_type("cosine").where(where)
        if self._approximate:
            if await self._count_allowed(where) <= EXACT_MAX_ROWS:
                query = query.bypass_vector_index()
            else:
                refined = max(MIN_REFINE_FACTOR, ceil(REFINED / limit))
                query = query.minimum_nprobes(PROBES).maximum_nprobes(0).refine_factor(refined)
        found = await _run_query(query, "_distance", limit)
        return [hit._replace(score=1.0 - hit.score) for hit in _hits(found, "_distance")]

    async def _load_vectors(self) -> "_Vectors | None":
        """The vectors of all passages, loaded once; None if there are too many."""
        if self._fits_in_memory is None:
            self._fits_in_memory = not self._approximate and await self.count() <= MAX_IN_MEMORY
        if self._fits_in_memory and self._vectors is None:
            found = await self._passages.query().with_row_id().select(["vector"]).to_arrow()
            self._vectors = _Vectors.of(found["_rowid"].to_numpy(), _matrix(found["vector"]))
        return self._vectors

    async def _rows_in_memory(self, vectors: "_Vectors", where: str) -> NDArray[np.int64]:
        """The rows in memory that meet a condition; cached, since a Snapshot does not change."""
        rows = vectors.rows_by_condition.get(where)
        if rows is None:
            found = await self._passages.query().where(where).with_row_id().select([]).to_arrow()
            rows = np.flatnonzero(np.isin(vectors.row_ids, found["_rowid"].to_numpy()))
            if len(vectors.rows_by_condition) >= MAX_CACHED_CONDITIONS:
                vectors.rows_by_condition.clear()
            vectors.rows_by_condition[where] = rows
        return rows

    async def _count_allowed(self, where: str) -> int:
        """The number of passages that meet a condition; cached, since a Snapshot does not change."""
        if where not in self._counts:
            if len(self._counts) >= MAX_CACHED_CONDITIONS:
                self._counts.clear()
            self._counts[where] = int(await self._passages.count_rows(where))
        return self._counts[where]

    async def matching(self, words: str, where: str, limit: int) -> list[Hit]:
        """The public passages that share words with the text, with their BM25 score."""
        if not words:
            return []
        found = self._passages.query().nearest_to_text(words, columns=[WORDS])
        # Restricted passages have their words in the other column; to look for them again takes a third of a query.
        query = found if where == PUBLIC else found.where(where)
        return _hits(await _run_query(query, "_score", limit), "_score")

    async def matching_restricted(self, words: str, where: str, limit: int) -> list[tuple[Hit, str]]:
        """The restricted passages that share words with the text, each with its search text.

        Their score is 0: the index's score would reveal words of passages that the caller may not see.
        """
        if not words:
            return []
        query = self._passages.query().nearest_to_text(words, columns=[CLOSED_WORDS]).where(where)
        found = await _run_query(query, "_score", limit, [CLOSED_WORDS])
        hits = (hit._replace(score=0.0) for hit in _hits(found, "_score"))
        return [(hit, str(text)) for hit, text in zip(hits, found[CLOSED_WORDS].to_pylist(), strict=True)]

    async def fetch(self, row_ids: Sequence[int], where: str) -> dict[int, dict[str, Any]]:
        """The rows with some ids that meet `where`, with `vector`, UNITS and metadata."""
        wanted = [f.name for f in (*OWN_FIELDS, *SHARED_FIELDS) if f.name != WORDS]
        found = await self._at(row_ids, where, [*wanted, UNITS, "vector"])
        vectors = _matrix(found["vector"])
        rows = found.drop_columns(["vector"]).to_pylist()
        for row, vector in zip(rows, vectors, strict=True):
            row["vector"], row[UNITS] = vector.copy(), _unit_matrix(row[UNITS], self._dimensions)
            row["metadata"] = json.loads(row["metadata"] or "{}")
        return {row.pop("_rowid"): row for row in rows}

    async def documents_at(self, row_ids: Sequence[int], where: str) -> dict[int, str]:
        """The documents of the passages with some row ids that meet `where`."""
        found = await self._at(row_ids, where, ["document"])
        rows: list[dict[str, Any]] = found.to_pylist()
        return {row["_rowid"]: row["document"] for row in rows}

    async def _at(self, row_ids: Sequence[int], where: str, columns: Sequence[str]) -> pa.Table:
        query = self._passages.query().where(f"_rowid IN ({', '.join(map(str, row_ids))}) AND ({where})")
        found: pa.Table = await query.with_row_id().select(list(columns)).limit(len(row_ids)).to_arrow()
        return found

    async def documents(self, *, text: bool = True) -> AsyncIterator[DocumentRow]:
        """Every document in stored order; without `text` their texts are not read."""
        names = [name for name in DOCUMENT_SCHEMA.names if text or name != "text"]
        async for batch in await self._documents.query().select(names).to_batches(max_batch_length=BATCH):
            for row in batch.to_pylist():
                yield DocumentRow(**{"text": "", **row})

    async def document(self, name: str) -> DocumentRow | None:
        """One document by its id."""
        condition = "document = '" + name.replace("'", "''") + "'"
        rows = await self._documents.query().where(condition).limit(1).to_list()
        return DocumentRow(**{key: rows[0][key] for key in DOCUMENT_SCHEMA.names}) if rows else None

    async def document_where(self, name: str, where: str) -> DocumentRow | None:
        """One document by its id, if one of its passages meets a condition."""
        condition = "document = '" + name.replace("'", "''") + f"' AND ({where})"
        rows = await self._passages.query().where(condition).select(["document"]).limit(1).to_list()
        return await self.document(name) if rows else None

    async def passages(self) -> AsyncIterator[PassageRows]:
        """Every passage with its vectors."""
        names = [*(field.name for field in OWN_FIELDS), CLOSED_WORDS]
        query = self._passages.query().select([*names, UNITS, "vector"])
        async for batch in await query.to_batches(max_batch_length=BATCH):
            table = pa.Table.from_batches([batch])
            vectors = _matrix(table["vector"])
            rows = table.drop_columns(["vector"]).to_pylist()
            for row in rows:
                row[WORDS] = row.pop(CLOSED_WORDS) or row[WORDS]
            units = [_unit_matrix(row.pop(UNITS), vectors.shape[1]) for row in rows]
            yield PassageRows(rows, vectors, units)

    async def whole_passages(self) -> AsyncIterator[list[dict[str, Any]]]:
        """Every passage with all that is stored of it, metadata columns included."""
        async for batch in await self._passages.query().to_batches(max_batch_length=BATCH):
            table = pa.Table.from_batches([batch])
            rows = table.drop_columns(["vector"]).to_pylist()
            for row, vector in zip(rows, _matrix(table["vector"]), strict=True):
                row["vector"], row[WORDS] = vector, row.pop(CLOSED_WORDS) or row[WORDS]
            yield rows

    async def count(self) -> int:
        return int(await self._passages.count_rows())

    async def ping(self) -> None:
        """Read a row of each table; raises OSError, RuntimeError or ValueError where one cannot be read."""
        for table, column in ((self._passages, "id"), (self._documents, "document")):
            await table.query().select([column]).limit(1).to_arrow()

    def close(self) -> None:
        """Close the tables; later calls fail."""
        self._passages.close()
        self._documents.close()


@dataclass(frozen=True)
class _Vectors:
    """The vectors of all passages at unit length, with their places in the table; `left` by condition."""

    row_ids: NDArray[np.int64]
    matrix: NDArray[np.float32]
    rows_by_condition: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    @classmethod
    def of(cls, row_ids: NDArray[np.int64], matrix: NDArray[np.float32]) -> "_Vectors":
        return cls(row_ids, matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12))

    def nearest(self, vector: NDArray[np.float32], rows: NDArray[np.int64], limit: int) -> list[Hit]:
        """The rows with the highest cosine, best first."""
        among = self.matrix if len(rows) == len(self.row_ids) else self.matrix[rows]
        cosines = products(among, normalise_vector(vector))
        best = np.argsort(-cosines, kind="stable")[:limit]
        return list(map(Hit, self.row_ids[rows[best]].tolist(), cosines[best].tolist()))


async def _run_query(query: Any, score: str, limit: int, more: Sequence[str] = ()) -> pa.Table:
    """The row ids and scores of a query, and further columns."""
    found: pa.Table = await query.with_row_id().select([score, *more]).limit(limit).to_arrow()
    return found


def _hits(found: pa.Table, score: str) -> list[Hit]:
    row_ids: list[Any] = found["_rowid"].to_pylist()
    scores: list[Any] = found[score].to_pylist()
    return list(map(Hit, row_ids, scores))


def _unit_matrix(kept: bytes, dimensions: int) -> NDArray[np.int8]:
    """Vectors at 8 bits, of shape (n, dimensions)."""
    return np.frombuffer(kept, np.int8).reshape(-1, dimensions)


def _matrix(column: Any) -> NDArray[np.float32]:
    """A column of vectors as float32 of shape (rows, dimensions)."""
    flat = np.asarray(pc.list_flatten(column).to_numpy(), np.float32)
    return flat.reshape(len(column), column.type.list_size)
