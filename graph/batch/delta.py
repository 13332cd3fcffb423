"""Delta tables by delta-rs, on one machine and beside Spark; every error of it becomes one of ours."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..errors import ExtraMissing, IndexBusy, SourceInvalid
from ..filters import sql_literal
from .columns import ASKED, Row, check_columns, not_its_own

try:
    from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
    from deltalake.exceptions import CommitFailedError, DeltaError
    from deltalake.transaction import AddAction, RemoveAction
except ImportError as missing:
    raise ExtraMissing("Delta tables need deltalake; pip install 'warrant-rag[databricks]'.") from missing

APPLICATION = "warrant"
"""Commits under this name exclude each other: of two runs over one table the second to commit is refused."""
CHANGE_FEED = {"delta.enableChangeDataFeed": "true"}
BATCH = 1000


@contextmanager
def table_errors(uri: str) -> Iterator[None]:
    """Around what delta-rs does; raises SourceInvalid, or IndexBusy when another run has written to the table."""
    try:
        yield
    except CommitFailedError as error:
        raise IndexBusy(f"Another run has written to {uri} in the meantime; start this one again.") from error
    except (DeltaError, OSError, pa.ArrowException) as error:
        raise SourceInvalid(f"The Delta table {uri} cannot be used: {' '.join(str(error).split())[:300]}.") from error


def parquet_files(uri: str) -> tuple[list[str], pa.Schema]:
    """The files that a table is made of now, and their schema; raises SourceInvalid where they alone do not tell."""
    with table_errors(uri):
        table = DeltaTable(uri)
        exported: Any = table.schema().to_arrow()
        files, schema = table.file_uris(), pa.schema(exported)
    if unlisted := {*(table.protocol().reader_features or ())} & {"deletionVectors", "columnMapping"}:
        raise SourceInvalid(f"{uri} uses {' and '.join(sorted(unlisted))}: copy it, or name it in Spark's catalog.")
    return files, schema


class Table:
    """A Delta table that this process appends to; it is made with the schema where there is none."""

    def __init__(self, uri: str, schema: pa.Schema) -> None:
        self.uri, self.schema = uri, schema
        with table_errors(uri):
            self._table = DeltaTable.create(uri, schema, mode="ignore", configuration=CHANGE_FEED)
            found = {field.name for field in self._table.schema().fields}
        if absent := [name for name in schema.names if name not in found]:
            raise SourceInvalid(f"{uri} is another kind of table: it has no column {', '.join(absent)}.")

    def rows(self, columns: Sequence[str] | None = None, where: str | None = None) -> Iterator[Row]:
        """The rows, by batches from disk."""
        return _scan(self.uri, self._table, columns, where)

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append rows in one commit; raises IndexBusy when another run has committed since this one opened it."""
        if rows:
            made = pa.Table.from_pylist([*rows], schema=self.schema)
            with table_errors(self.uri):
                write_deltalake(self._table, made, mode="append", commit_properties=self._commit())

    def adopt(self, folder: Path) -> int:
        """Append the Parquet files in a folder of the table's own in one commit; gives the number of rows."""
        files = sorted(folder.glob("*.parquet"))
        counts = [pq.read_metadata(file).num_rows for file in files]
        actions: list[AddAction | RemoveAction] = [
            AddAction(
                path=file.relative_to(self.uri).as_posix(),
                size=file.stat().st_size,
                partition_values={},
                modification_time=int(time.time() * 1000),
                data_change=True,
                stats=json.dumps({"numRecords": count}),
            )
            for file, count in zip(files, counts, strict=True)
            if count
        ]
        if actions:
            with table_errors(self.uri):
                self._table.create_write_transaction(actions, "append", self.schema, commit_properties=self._commit())
                self._table.update_incremental()
        return sum(counts)

    def new_folder(self) -> Path:
        """A folder for files that are adopted later; until then no reader sees them."""
        return Path(self.uri) / f"part-{uuid.uuid4().hex}"

    def delete(self, column: str, values: Sequence[str]) -> None:
        """Remove the rows that have one of the values."""
        for start in range(0, len(values), BATCH):
            listed = ", ".join(map(sql_literal, values[start : start + BATCH]))
            with table_errors(self.uri):
                self._table.delete(f"{column} IN ({listed})", commit_properties=self._commit())

    def _commit(self) -> CommitProperties:
        number = (self._table.transaction_version(APPLICATION) or 0) + 1
        return CommitProperties(app_transactions=[Transaction(APPLICATION, number)])


class Questions:
    """A Delta table of questions, as it is now: `key` names the column that becomes the `id` of the answers."""

    def __init__(self, uri: str, key: str) -> None:
        self.uri, self.key = uri, key
        with table_errors(uri):
            self.table = DeltaTable(uri)
            names = [field.name for field in self.table.schema().fields]
        check_columns(uri, names, key)
        self._asked = [name for name in ASKED if name in names]

    def count_new(self, done: set[str]) -> int:
        """The number of rows that are not done; raises SourceInvalid for an id that is empty or there twice."""
        seen: set[str] = set()
        for row in _scan(self.uri, self.table, [self.key]):
            value = row[self.key]
            if value is None or str(value) in seen:
                raise not_its_own(self.uri, self.key, value)
            seen.add(str(value))
        return len(seen - done)

    def new(self, done: set[str]) -> Iterator[Row]:
        """The rows that are not done."""
        for row in _scan(self.uri, self.table, list(dict.fromkeys([self.key, *self._asked]))):
            if str(row[self.key]) not in done:
                yield {**row, "id": str(row[self.key])}


def _scan(uri: str, table: DeltaTable, columns: Sequence[str] | None, where: str | None = None) -> Iterator[Row]:
    """Rows by batches from disk."""
    with table_errors(uri):
        for batch in table.scan(list(columns) if columns else None, where):
            yield from pa.record_batch(batch).to_pylist()
