"""Batches and indexing on a real cluster: what one machine does, on many, whatever dies on the way."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from support import HANDBOOK, QUICK, run_index

from graph.batch.columns import ANSWERS
from graph.batch.delta import Table
from graph.errors import SourceInvalid
from graph.registry.package import pack

if TYPE_CHECKING:
    from conftest import Cluster
    from pyspark.sql import SparkSession

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
        done = plan.run(package, 4, 1000, {}, lambda _: None)
    assert cluster.processes[1].poll() is not None
    rows = list(Table(target, ANSWERS).rows())
    assert Counter(row["id"] for row in rows) == Counter(str(n) for n in range(300))
    assert Counter(row["error"] for row in rows) == {None: 200, "QuestionInvalid": 100}
    assert (done.answered, done.failed) == (300, 100)
    assert any(cited["quote"] in row["answer"] for row in rows for cited in row["citations"] or ())
    assert SparkPlan.of(spark, source, "id", target).count == 0


def test_rows_without_an_id_of_their_own_are_refused_on_spark(spark: "SparkSession", tmp_path: Path) -> None:
    from graph.batch.spark import SparkPlan

    write_deltalake(tmp_path / "questions", pa.table({"id": ["a", "a"], "question": ["x", "y"]}))
    with pytest.raises(SourceInvalid, match="id of its own"):
        SparkPlan.of(spark, str(tmp_path / "questions"), "id", str(tmp_path / "answers"))
