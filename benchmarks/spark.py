"""How much faster a batch is with two workers of Spark than with one; run by the environment of `make test-spark`.

A standalone cluster on loopback with one core for each worker; a scripted model takes a second for each reply, so that
the figure does not depend on the cores of this machine. Opening the release on the workers comes before the clock.
"""

import os
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import yaml
from deltalake import write_deltalake

from benchmarks.record import ROOT, Target, begin, print_table, read_records, record, timed
from benchmarks.stores import run_index
from graph.batch import spark
from graph.batch.columns import AnswerRows
from graph.registry.package import pack
from graph.release import Models, Release
from graph.safety.sensitive import Policy

sys.path.insert(0, str(ROOT / "tests"))
AT_ONCE, ROWS, SECONDS, TASK = 4, 96, 1.0, 8


def main() -> None:
    begin(__doc__)
    from spark_under_test import ENVIRONMENT, cluster

    os.environ.update(ENVIRONMENT)  # noqa: TID251 - Spark reads it
    spark.TASK_ROWS = TASK
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "script.yaml").write_text(yaml.safe_dump([{"reply": "NO_ANSWER", "seconds": SECONDS}]))
        model = f"scripted:{folder / 'script.yaml'}"
        release = Release(embedding="wordllama-256", models=Models(simple=model, complex=model))
        run_index([ROOT / "samples" / "handbook"], folder / "store", release)
        (folder / "package").mkdir()
        package = pack(folder / "package", release, folder / "store", external=False).root
        seconds = {}
        for workers in (1, 2):
            (folder / f"cluster{workers}").mkdir()
            with cluster(folder / f"cluster{workers}", workers) as made:
                seconds[workers] = measure(made.master, package, folder / f"run{workers}")
    speedup = round(seconds[1] / seconds[2], 3)
    print_table("A batch on Spark", ("workers", "seconds"), [*seconds.items()])
    results = {"rows": ROWS, "seconds": {str(name): round(each, 2) for name, each in seconds.items()}}
    record("spark", {**results, "speedup": speedup}, [Target("speed-up with two workers", speedup, at_least=1.6)])


def measure(master: str, package: Path, folder: Path) -> float:
    """Seconds of a run, after a short one that opens the release on every worker."""
    lines = read_records(ROOT / "evals" / "data" / "handbook.jsonl")
    questions = [next(lines)["question"] for _ in range(8)]
    session = spark.session(master)
    for name, rows in (("first", 4 * TASK), ("second", ROWS)):
        texts = [questions[number % len(questions)] for number in range(rows)]
        write_deltalake(folder / f"{name}-questions", pa.table({"id": [*range(rows)], "question": texts}))
    took = 0.0
    for name in ("first", "second"):
        plan = spark.SparkPlan.of(session, str(folder / f"{name}-questions"), "id", str(folder / f"{name}-answers"))
        took = timed(plan.run, package, AT_ONCE, ROWS, AnswerRows({}, Policy()), lambda _: None).seconds
    session.stop()
    return took


if __name__ == "__main__":
    main()
