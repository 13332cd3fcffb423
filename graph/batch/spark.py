"""Answers a table on Spark: each task opens the release once and asks its rows, many at once.

The release travels as an archive: the package that `warrant release log` logs, with code, Snapshot and release.yaml.
A row may be asked again where a worker dies; its answer is there once, since Spark commits one attempt of each task.

A table is a Delta table by its path, or one of a catalog by its name. Spark itself may know nothing of Delta: of a
table by its path it reads the Parquet files that the log lists, and writes files that delta-rs then commits. Both
happen on all machines, so the path has to be the same directory on each.
"""

import asyncio
import math
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Protocol

import pyarrow as pa
from pyspark import SparkContext, SparkFiles
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from ..filters import sql_literal
from ..registry.package import open_package, package_digest
from .asking import Ask, ask_rows
from .columns import ANSWERS, ASKED, AnswerRows, Row, check_columns, not_its_own
from .delta import BATCH, CHANGE_FEED, Table, parquet_files
from .progress import BatchProgress, Report, commit_all

TASK_ROWS = 64
"""Rows of a task: what a worker that dies had not yet handed in is asked again."""
NAME = re.compile(r"\w+(\.\w+){1,2}")
"""The name of a table in a catalog; anything else is a path."""


def session(master: str | None) -> SparkSession:
    """The session of the cluster that this runs on, or one with a master."""
    builder = SparkSession.builder.appName("warrant")
    return (builder.master(master) if master else builder).getOrCreate()


@dataclass(frozen=True)
class SparkPlan:
    """The rows that are to be asked, and the table of their answers."""

    spark: SparkSession
    target: str
    new: DataFrame
    count: int

    @classmethod
    def of(cls, spark: SparkSession, source: str, key: str, target: str) -> "SparkPlan":
        """Compare the tables; raises SourceInvalid for an id that is empty or there twice."""
        questions = open_table(spark, source).frame()
        check_columns(source, questions.columns, key)
        rows = questions.select(
            F.col(key).cast("string").alias("id"), *[name for name in ASKED if name in questions.columns]
        )
        wrong = rows.groupBy("id").count().where("id IS NULL OR count > 1").limit(1).collect()
        if wrong:
            raise not_its_own(source, key, wrong[0]["id"])
        done = open_table(spark, target, ANSWERS).frame().select("id")
        new = rows.join(done, "id", "left_anti")
        return cls(spark, target, new, new.count())

    def run(self, package: Path, at_once: int, commit_rows: int, made: AnswerRows, report: Report) -> BatchProgress:
        """Ask them in commits of about `commit_rows` rows; `at_once` questions in each task."""
        output = open_table(self.spark, self.target, ANSWERS)
        tasks = math.ceil(min(commit_rows, self.count) / TASK_ROWS)
        archive = _sent(self.spark.sparkContext, package)
        ask = partial(answer_batches, archive=archive, at_once=at_once, made=made)

        def commit(number: int, commits: int) -> None:
            rows = self.new.where(F.pmod(F.xxhash64("id"), F.lit(commits)) == number).repartition(tasks, "id")
            output.append(rows.mapInArrow(ask, from_arrow_schema(ANSWERS)))

        return commit_all(self.count, commit_rows, commit, self._failed, report)

    def _failed(self) -> int:
        return open_table(self.spark, self.target).frame().where("error IS NOT NULL").count()


def _sent(context: SparkContext, package: Path) -> str:
    """Send a package to the workers, once for each session, and give its name there, which is its digest."""
    name = package_digest(package)
    if any(f"/{name}.zip" in archive for archive in context.listArchives):
        return name
    folder = tempfile.mkdtemp()
    weakref.finalize(context, shutil.rmtree, folder, ignore_errors=True)
    context.addArchive(f"{shutil.make_archive(f'{folder}/{name}', 'zip', package)}#{name}")
    return name


def answer_batches(
    batches: Iterable[pa.RecordBatch], archive: str, at_once: int, made: AnswerRows
) -> Iterator[pa.RecordBatch]:
    """The answers of a task's rows; runs on a worker."""
    runner, ask = _opened(SparkFiles.get(archive), archive)
    for batch in batches:
        rows = runner.run(_asked(batch.to_pylist(), ask, at_once, made))
        yield pa.RecordBatch.from_pylist(rows, schema=ANSWERS)


@cache
def _opened(package: str, digest: str) -> tuple[asyncio.Runner, Ask]:
    """The graph of a package, opened once in each worker process, with the event loop that it lives in."""
    runner = asyncio.Runner()
    return runner, runner.run(open_package(Path(package), digest)).graph.ainvoke


async def _asked(rows: list[Row], ask: Ask, at_once: int, made: AnswerRows) -> list[Row]:
    answered: list[Row] = []

    async def out(row: Row) -> None:
        answered.append(row)

    await ask_rows(iter(rows), ask, at_once, made, out)
    return answered


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
