"""Batches and indexing on a real cluster: what one machine does, on many, whatever dies on the way."""

import asyncio
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from spark_under_test import DeadlyLimit
from support import HANDBOOK, QUICK, run_index

from graph.batch.columns import ANSWERS, AnswerRows
from graph.batch.delta import Table
from graph.errors import SourceInvalid
from graph.index.manifest import read_manifest
from graph.index.store import locate
from graph.index.tables import Reader
from graph.ingest.options import Options, Outcome
from graph.registry.package import pack
from graph.safety.sensitive import Policy

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from spark_under_test import Cluster

    from graph.batch.spark_index import TableIndexed

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]
QUESTIONS = ("How many characters does the password have?", "Who approves administrator rights?", "")


def asked(folder: Path, count: int) -> str:
    """A Delta table of questions."""
    questions = [QUESTIONS[n % len(QUESTIONS)] for n in range(count)]
    write_deltalake(folder / "questions", pa.table({"id": [*range(count)], "question": questions}))
    return str(folder / "questions")


@pytest.fixture(scope="session")
def small_index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of four documents."""
    store = tmp_path_factory.mktemp("small") / "store"
    run_index(HANDBOOK / "policies", store)
    return store


@contextmanager
def when_half_is_done(spark: "SparkSession", then: Callable[[], None]) -> Iterator[None]:
    """Do something within the block once a stage has done some of its tasks, and not all."""
    tracker, ended = spark.sparkContext.statusTracker(), threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
            if any(stage and 1 <= stage.numCompletedTasks < stage.numTasks - 2 for stage in stages):
                return then()

    thread = threading.Thread(target=watch)
    thread.start()
    yield
    ended.set()
    thread.join()


def stored(store: Path) -> list[dict[str, Any]]:
    """What a store's Snapshot has of its passages, vectors among it."""

    async def read() -> list[dict[str, Any]]:
        reader = await Reader.open(locate(store), approximate=False)
        return [row async for part in reader.whole_passages() for row in part]

    rows = sorted(asyncio.run(read()), key=lambda row: str(row["id"]))
    return [{**row, "vector": row["vector"].tolist()} for row in rows]


def test_an_index_made_on_spark_is_the_one_made_here(spark: "SparkSession", tmp_path: Path) -> None:
    """PDF and Word files, a table, a copy, groups; and then a change, a removal and a refusal."""
    from graph.batch.chunks import CHUNKS
    from graph.batch.spark_index import TableIndex

    def both() -> "tuple[TableIndexed, Outcome]":
        table = TableIndex(spark, str(tmp_path / "chunks"), QUICK, Options(threads=1, prune=True))
        done = table.update([docs])
        table.snapshot(tmp_path / "spark")
        here = run_index(docs, tmp_path / "here", prune=True)
        assert read_manifest(locate(tmp_path / "spark")).digest == here.manifest.digest
        assert stored(tmp_path / "spark") == stored(tmp_path / "here")
        rows = [*Table(str(tmp_path / "chunks"), CHUNKS).rows(["id", "document", "title"])]
        chunks = [row["id"] for row in rows if row["document"]]
        assert sorted(chunks) == [row["id"] for row in stored(tmp_path / "here")]
        assert {row["title"] for row in rows if not row["document"]} == {here.manifest.id}
        assert (done.indexed, done.duplicates, done.removed) == (here.indexed, here.duplicates, here.removed)
        return done, here

    docs = documents(tmp_path / "docs")
    assert len(both()[0].duplicates) == 1
    (docs / "a.md").write_text("# Leave\n\nEverybody gets 31 days of annual leave.\n")
    (docs / "closed.md").unlink()
    (docs / "broken.pdf").write_bytes(b"%PDF-1.7 nothing")
    done, here = both()
    assert (
        [refusal.file for refusal in done.refused] == [refusal.file for refusal in here.refused] == ["docs/broken.pdf"]
    )
    assert done.unchanged == here.unchanged > 3


def documents(folder: Path) -> Path:
    """Documents of several kinds, among them a copy and one for a group."""
    shutil.copytree(HANDBOOK / "warranty", folder)
    (folder / "parts.csv").write_text("part,price\n" + "".join(f"P-{n},{n} EUR\n" for n in range(40)))
    for name in ("a.md", "b.md"):
        (folder / name).write_text("# Leave\n\nEverybody gets 30 days of annual leave.\n")
    (folder / "closed.md").write_text("---\nallowed_groups: [hr]\n---\n# Pay\n\nBand 4 begins at 50,000 EUR.\n")
    return folder


def test_tables_of_a_catalog_are_named(spark: "SparkSession", small_index: Path, tmp_path: Path) -> None:
    """In the session's own catalog, whose tables are Parquet: rows are appended there, and none can be removed."""
    from graph.batch.spark import SparkPlan
    from graph.batch.spark_index import TableIndex

    spark.sql(f"CREATE DATABASE support LOCATION '{tmp_path / 'support'}'")
    rows = [(number, QUESTIONS[number % len(QUESTIONS)]) for number in range(12)]
    spark.createDataFrame(rows, "id long, question string").write.saveAsTable("support.questions")
    (tmp_path / "package").mkdir()
    package = pack(tmp_path / "package", QUICK, small_index, external=False).root
    plan = SparkPlan.of(spark, "spark_catalog.support.questions", "id", "support.answers")
    plan.run(package, 4, 6, AnswerRows({}, Policy()), lambda _: None)
    found = [row.asDict() for row in spark.table("support.answers").collect()]
    assert {row["id"]: row["error"] for row in found} == {
        str(number): "QuestionInvalid" if number % 3 == 2 else None for number in range(12)
    }
    assert len(found) == 12
    assert SparkPlan.of(spark, "support.questions", "id", "support.answers").count == 0
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(3):
        (docs / f"{number}.md").write_text(f"# Rule {number}\n\nThe quota is {number} GB.\n")
    index = TableIndex(spark, "support.chunks", QUICK, Options(threads=1))
    assert len(index.update([docs]).indexed) == 3
    assert index.update([docs]).unchanged == 3
    index.snapshot(tmp_path / "spark")
    here = run_index(docs, tmp_path / "here")
    assert read_manifest(locate(tmp_path / "spark")).digest == here.manifest.digest


def test_a_file_that_kills_its_reader_is_refused_alone(spark: "SparkSession", tmp_path: Path) -> None:
    from graph.batch.spark_index import TableIndex

    docs = tmp_path / "docs"
    docs.mkdir()
    shutil.copy(next((HANDBOOK / "warranty").glob("*.pdf")), docs / "deadly.pdf")
    for number in range(6):
        (docs / f"{number}.md").write_text(f"# Rule {number}\n\nThe quota is {number} GB.\n")
    # Small plain texts are read without a reader of their own.
    table = TableIndex(spark, str(tmp_path / "chunks"), QUICK, Options(threads=1, most_megabytes=DeadlyLimit(200)))
    done = table.update([docs])
    assert [refusal.file for refusal in done.refused] == ["docs/deadly.pdf"]
    assert "its reader died" in done.refused[0].reason
    assert done.indexed == [f"docs/{number}.md" for number in range(6)]


def test_rows_without_an_id_of_their_own_are_refused_on_spark(spark: "SparkSession", tmp_path: Path) -> None:
    from graph.batch.spark import SparkPlan

    write_deltalake(tmp_path / "questions", pa.table({"id": ["a", "a"], "question": ["x", "y"]}))
    with pytest.raises(SourceInvalid, match="id of its own"):
        SparkPlan.of(spark, str(tmp_path / "questions"), "id", str(tmp_path / "answers"))


def test_all_rows_are_there_once_though_a_worker_dies(
    spark: "SparkSession", cluster: "Cluster", small_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from graph.batch.spark import SparkPlan

    source, target = asked(tmp_path, 300), str(tmp_path / "answers")
    (tmp_path / "package").mkdir()
    package = pack(tmp_path / "package", QUICK, small_index, external=False).root
    monkeypatch.setattr("graph.batch.spark.TASK_ROWS", 16)
    plan = SparkPlan.of(spark, source, "id", target)
    with when_half_is_done(spark, lambda: cluster.kill(1)):
        done = plan.run(package, 4, 1000, AnswerRows({}, Policy()), lambda _: None)
    assert cluster.processes[1].poll() is not None
    rows = list(Table(target, ANSWERS).rows())
    assert Counter(row["id"] for row in rows) == Counter(str(n) for n in range(300))
    assert Counter(row["error"] for row in rows) == {None: 200, "QuestionInvalid": 100}
    assert (done.answered, done.failed) == (300, 100)
    assert any(cited["quote"] in row["answer"] for row in rows for cited in row["citations"] or ())
    assert SparkPlan.of(spark, source, "id", target).count == 0
