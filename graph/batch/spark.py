"""Answers a table on Spark: each task opens the release once and asks its rows, many at once.

The release travels as an archive: the package that `warrant release log` logs, with code, Snapshot and release.yaml.
A row may be asked again where a worker dies; its answer is there once, since Spark commits one attempt of each task.
"""

import asyncio
import math
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pyarrow as pa
from pyspark import SparkContext, SparkFiles
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from ..registry.package import open_package, package_digest
from .asking import Ask, ask_rows
from .columns import ANSWERS, ASKED, AnswerRows, Row, check_columns, not_its_own
from .progress import BatchProgress, Report, commit_all
from .spark_tables import open_table

TASK_ROWS = 64
"""Rows of a task: what a worker that dies had not yet handed in is asked again."""


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
