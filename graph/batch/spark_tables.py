"""Tables as Spark reads and appends to them: a Delta table by its path, or one of a catalog by its name.

Spark itself may know nothing of Delta. Of a table by its path it reads the Parquet files that the log lists, and writes
files that delta-rs then commits: both happen on all machines, so the path has to be the same directory on each.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from ..filters import sql_literal
from .delta import BATCH, CHANGE_FEED, Table, parquet_files

NAME = re.compile(r"\w+(\.\w+){1,2}")
"""The name of a table in a catalog; anything else is a path."""


class SparkTable(Protocol):
    """A table on Spark."""

    def frame(self) -> DataFrame:
        """The table as it is now."""
        ...

    def append(self, frame: DataFrame) -> None:
        """Append rows in one commit: all of them or none."""
        ...

    def delete(self, column: str, values: Sequence[str]) -> None:
        """Remove the rows that have one of the values."""
        ...


def open_table(spark: SparkSession, name: str, schema: pa.Schema | None = None) -> SparkTable:
    """A table by its path or name; with a schema it is made where there is none, in a catalog as its default kind."""
    if not NAME.fullmatch(name) or Path(name).exists():
        return _PathTable(spark, Path(name).resolve(), schema)
    if schema is not None and not spark.catalog.tableExists(name):
        spark.createDataFrame([], from_arrow_schema(schema)).write.options(**CHANGE_FEED).saveAsTable(name)
    return _CatalogTable(spark, name)


class _PathTable:
    def __init__(self, spark: SparkSession, path: Path, schema: pa.Schema | None) -> None:
        self._spark, self._path = spark, path
        self._table = None if schema is None else Table(str(path), schema)

    def frame(self) -> DataFrame:
        files, schema = parquet_files(str(self._path))
        columns = from_arrow_schema(schema)
        return self._spark.read.schema(columns).parquet(*files) if files else self._spark.createDataFrame([], columns)

    def append(self, frame: DataFrame) -> None:
        assert self._table is not None, "the table was opened without a schema, so it is only read"
        folder = self._table.new_folder()
        frame.write.parquet(str(folder))
        self._table.adopt(folder)

    def delete(self, column: str, values: Sequence[str]) -> None:
        assert self._table is not None, "the table was opened without a schema, so it is only read"
        self._table.delete(column, values)


class _CatalogTable:
    def __init__(self, spark: SparkSession, name: str) -> None:
        self._spark, self._name = spark, name

    def frame(self) -> DataFrame:
        return self._spark.table(self._name)

    def append(self, frame: DataFrame) -> None:
        frame.select(*self.frame().columns).write.insertInto(self._name)

    def delete(self, column: str, values: Sequence[str]) -> None:
        for start in range(0, len(values), BATCH):
            condition = f"{column} IN ({', '.join(map(sql_literal, values[start : start + BATCH]))})"
            if not self.frame().where(condition).isEmpty():
                self._spark.sql(f"DELETE FROM {self._name} WHERE {condition}")
