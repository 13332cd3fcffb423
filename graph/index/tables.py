"""The tables of a Snapshot: the only file that knows LanceDB."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from ..filters import PREFIX, ColumnType
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
IN_MEMORY = 20_000
"""Passages up to which their vectors are held in memory, 30 MB at 384 dimensions: a query of the library takes 3 ms of
CPU however few they are, a product of matrices a tenth of one."""
COUNTED = 1000
"""Conditions of which it is remembered how many passages they leave, or which."""


class TableWriter:
    """Fills the tables of a Snapshot that is being built."""

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
        """Add passages; `shared` gives what each document's passages have in common, by document."""
        if not found.rows:
            return
        rows = [_closed({**row, **shared[row["document"]]}) for row in found.rows]
        columns = [pa.array([row.get(f.name) for row in rows], f.type) for f in list(self._schema)[:-2]]
        columns.append(pa.array([own.tobytes() for own in found.units], pa.binary()))
        flat = pa.array(np.ascontiguousarray(found.vectors, np.float32).reshape(-1))
        columns.append(pa.FixedSizeListArray.from_arrays(flat, found.vectors.shape[1]))
        await self._passages.add(pa.Table.from_arrays(columns, schema=self._schema))
        self.count += len(rows)

    async def finish(self) -> bool:
        """Compact the tables and index them; True when the vector index is approximate."""
        from lancedb.index import FTS, Bitmap, BTree, IvfRq

        approximate = self.count >= ANN_FROM
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


def _closed(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose words stand in the column that it is found by."""
    return row if row["public"] else {**row, WORDS: None, CLOSED_WORDS: row[WORDS]}


class Hit(NamedTuple):
    """A passage that a query found: its place in the table, and the query's score."""

    row: int
    score: float


class Reader:
    """Reads the tables of a published Snapshot; writes nothing, so a read-only mount will do.

    Queries tell which passages they found; `fetch` then reads those that are wanted.
    """

    def __init__(self, passages: Any, documents: Any, fields: pa.Schema, *, approximate: bool) -> None:
        self._passages, self._documents, self._approximate = passages, documents, approximate
        self._dimensions = fields.field("vector").type.list_size
        self._closed = [CLOSED_WORDS] if CLOSED_WORDS in fields.names else []
        self._counted: dict[str, int] = {}
        self._vectors: _Vectors | None = None
        self._small: bool | None = None

    @classmethod
    async def open(cls, directory: Path, *, approximate: bool) -> "Reader":
        import lancedb

        database = await lancedb.connect_async(str(directory))
        passages = await database.open_table("passages")
        documents = await database.open_table("documents")
        return cls(passages, documents, await passages.schema(), approximate=approximate)

    async def nearest(self, vector: NDArray[np.float32], where: str, most: int) -> list[Hit]:
        """The passages with the highest cosine similarity, -1 to 1."""
        if held := await self._in_memory():
            return held.nearest(vector, await self._places_left(held, where), most)
        query = self._passages.query().nearest_to(vector).distance_type("cosine").where(where)
        if self._approximate:
            if await self._allowed(where) <= EXACT_UNDER:
                query = query.bypass_vector_index()
            else:
                refined = max(LEAST_REFINED, ceil(REFINED / most))
                query = query.minimum_nprobes(PROBES).maximum_nprobes(0).refine_factor(refined)
        found = await _found(query, "_distance", most)
        return [hit._replace(score=1.0 - hit.score) for hit in _hits(found, "_distance")]

    async def _in_memory(self) -> "_Vectors | None":
        """The vectors of all passages, read once; None where they are too many."""
        if self._small is None:
            self._small = not self._approximate and await self.count() <= IN_MEMORY
        if self._small and self._vectors is None:
            found = await self._passages.query().with_row_id().select(["vector"]).to_arrow()
            self._vectors = _Vectors.of(found["_rowid"].to_numpy(), _matrix(found["vector"]))
        return self._vectors

    async def _places_left(self, held: "_Vectors", where: str) -> NDArray[np.int64]:
        """The rows in memory that a condition leaves; asked of the library once, since a Snapshot does not change."""
        left = held.left.get(where)
        if left is None:
            found = await self._passages.query().where(where).with_row_id().select([]).to_arrow()
            left = np.flatnonzero(np.isin(held.places, found["_rowid"].to_numpy()))
            if len(held.left) >= COUNTED:
                held.left.clear()
            held.left[where] = left
        return left

    async def _allowed(self, where: str) -> int:
        """How many passages a condition leaves; counted once, since a Snapshot does not change."""
        if where not in self._counted:
            if len(self._counted) >= COUNTED:
                self._counted.clear()
            self._counted[where] = int(await self._passages.count_rows(where))
        return self._counted[where]

    async def matching(self, words: str, where: str, most: int) -> list[Hit]:
        """The public passages that share words with the text, with their BM25 score."""
        if not words:
            return []
        query = self._passages.query().nearest_to_text(words, columns=[WORDS]).where(where)
        return _hits(await _found(query, "_score", most), "_score")

    async def matching_closed(self, words: str, where: str, most: int) -> list[tuple[Hit, str]]:
        """The passages of groups that share words with the text, each with the text that it is found by.

        Their score is 0: the index's own would tell of the words of passages that other groups alone may see.
        """
        if not words or not self._closed:
            return []
        query = self._passages.query().nearest_to_text(words, columns=self._closed).where(where)
        found = await _found(query, "_score", most, self._closed)
        hits = (hit._replace(score=0.0) for hit in _hits(found, "_score"))
        return [(hit, str(text)) for hit, text in zip(hits, found[CLOSED_WORDS].to_pylist(), strict=True)]

    async def fetch(self, places: Sequence[int], where: str) -> dict[int, dict[str, Any]]:
        """The rows at some places, with `vector`, UNITS and metadata, without those that `where` refuses."""
        wanted = [f.name for f in (*OWN_FIELDS, *SHARED_FIELDS) if f.name != WORDS]
        found = await self._at(places, where, [*wanted, UNITS, "vector"])
        vectors = _matrix(found["vector"])
        rows = found.drop_columns(["vector"]).to_pylist()
        for row, vector in zip(rows, vectors, strict=True):
            row["vector"], row[UNITS] = vector.copy(), _small(row[UNITS], self._dimensions)
            row["metadata"] = json.loads(row["metadata"] or "{}")
        return {row.pop("_rowid"): row for row in rows}

    async def documents_at(self, places: Sequence[int], where: str) -> dict[int, str]:
        """The documents of the passages at some places, without those that `where` refuses."""
        found = await self._at(places, where, ["document"])
        rows: list[dict[str, Any]] = found.to_pylist()
        return {row["_rowid"]: row["document"] for row in rows}

    async def _at(self, places: Sequence[int], where: str, columns: Sequence[str]) -> pa.Table:
        query = self._passages.query().where(f"_rowid IN ({', '.join(map(str, places))}) AND ({where})")
        found: pa.Table = await query.with_row_id().select(list(columns)).limit(len(places)).to_arrow()
        return found

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

    async def document_of(self, file: str, where: str) -> DocumentRow | None:
        """The document of a file, if one of its passages meets a condition."""
        condition = "file = '" + file.replace("'", "''") + f"' AND ({where})"
        rows = await self._passages.query().where(condition).select(["document"]).limit(1).to_list()
        return await self.document(rows[0]["document"]) if rows else None

    async def passages(self, without: Iterable[str] = ()) -> AsyncIterator[PassageRows]:
        """Every passage with its vector, but those of the documents named."""
        left_out = pa.array(sorted(without), pa.string())
        names = [*(field.name for field in OWN_FIELDS), *self._closed]
        query = self._passages.query().select([*names, UNITS, "vector"])
        async for batch in await query.to_batches(max_batch_length=BATCH):
            table = pa.Table.from_batches([batch])
            table = table.filter(pc.invert(pc.is_in(table["document"], left_out)))
            if table.num_rows:
                vectors = _matrix(table["vector"])
                rows = table.select([name for name in table.column_names if name != "vector"]).to_pylist()
                for row in rows:
                    row[WORDS] = row.pop(CLOSED_WORDS, None) or row[WORDS]
                units = [_small(row.pop(UNITS), vectors.shape[1]) for row in rows]
                yield PassageRows(rows, vectors, units)

    async def count(self) -> int:
        return int(await self._passages.count_rows())

    async def ping(self) -> None:
        """Read a row of each table; raises OSError, RuntimeError or ValueError where one cannot be read."""
        for table, column in ((self._passages, "id"), (self._documents, "document")):
            await table.query().select([column]).limit(1).to_arrow()

    def close(self) -> None:
        """Let go of the tables; what is asked of them from now on fails."""
        self._passages.close()
        self._documents.close()


@dataclass(frozen=True)
class _Vectors:
    """The vectors of all passages at unit length, with their places in the table; `left` by condition."""

    places: NDArray[np.int64]
    matrix: NDArray[np.float32]
    left: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    @classmethod
    def of(cls, places: NDArray[np.int64], matrix: NDArray[np.float32]) -> "_Vectors":
        return cls(places, matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12))

    def nearest(self, vector: NDArray[np.float32], rows: NDArray[np.int64], most: int) -> list[Hit]:
        """Of some rows the most alike by cosine, best first."""
        among = self.matrix if len(rows) == len(self.places) else self.matrix[rows]
        cosines = among @ (vector / max(float(np.linalg.norm(vector)), 1e-12))
        best = np.argsort(-cosines, kind="stable")[:most]
        return list(map(Hit, self.places[rows[best]].tolist(), cosines[best].tolist()))


async def _found(query: Any, score: str, most: int, more: Sequence[str] = ()) -> pa.Table:
    """What a query found, by places and scores: each column more is read for every row."""
    found: pa.Table = await query.with_row_id().select([score, *more]).limit(most).to_arrow()
    return found


def _hits(found: pa.Table, score: str) -> list[Hit]:
    places: list[Any] = found["_rowid"].to_pylist()
    scores: list[Any] = found[score].to_pylist()
    return list(map(Hit, places, scores))


def _small(kept: bytes, dimensions: int) -> NDArray[np.int8]:
    """Vectors at 8 bits, of shape (n, dimensions)."""
    return np.frombuffer(kept, np.int8).reshape(-1, dimensions)


def _matrix(column: Any) -> NDArray[np.float32]:
    """A column of vectors as float32 of shape (rows, dimensions)."""
    flat = np.asarray(pc.list_flatten(column).to_numpy(), np.float32)
    # No row tells no number of dimensions.
    return flat.reshape(len(column), -1) if len(column) else flat.reshape(0, 0)
