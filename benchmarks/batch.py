"""How near a batch comes to concurrency / latency, and what thirty kills lose or double.

A scripted model takes three seconds for each reply; the latency is that of questions asked one by one. The kills hit a
run over 4,000 rows after none to six commits; what it had committed stays, and the last run completes it.
"""

import asyncio
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from statistics import mean
from typing import Any

import pyarrow as pa
import yaml
from deltalake import write_deltalake

from benchmarks.record import ROOT, Target, begin, print_table, read_records, record, timed
from benchmarks.stores import run_index
from graph.agent import open_agent
from graph.batch.columns import ANSWERS, AnswerRows
from graph.batch.delta import Table
from graph.batch.local import BatchPlan, run
from graph.release import Models, Release
from graph.safety.sensitive import Policy
from graph.settings import Settings

EMBEDDING = "wordllama-256"
AT_ONCE, ROWS, ALONE, SECONDS = 8, 160, 6, 3.0
KILLS, KILLED_ROWS = 30, 4000
KILLED = """
import asyncio, sys
from graph.batch.columns import AnswerRows
from graph.batch.local import BatchPlan, run
from graph.safety.sensitive import Policy
from graph.state import no_usage
async def ask(question):
    await asyncio.sleep(0.02)
    return {"answer": {"text": "Yes.", "citations": [], "usage": no_usage(), "reason": None, "rung": "primary"}}
plan = BatchPlan.of(sys.argv[1], "id", sys.argv[2])
print("begun", flush=True)
asyncio.run(run(plan, ask, 8, 20, AnswerRows({}, Policy()), lambda progress: print(progress.answered, flush=True)))
"""


def main() -> None:
    begin(__doc__)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        run_index([ROOT / "samples" / "handbook"], folder / "store", Release(embedding=EMBEDDING))
        found, killed = asyncio.run(throughput(folder)), kills(folder)
    print_table("A batch", ["figure", "value"], [*found.items(), *killed.items()])
    targets = [
        Target("throughput over concurrency / latency", found["share"], at_least=0.95),
        Target("rows lost or doubled in 30 kills", killed["lost"] + killed["doubled"], at_most=0),
    ]
    record("batch", {"throughput": found, "kills": killed}, targets)


async def throughput(folder: Path) -> dict[str, float]:
    """Answers a second of a batch, beside those of the same questions asked one by one, times the concurrency."""
    (folder / "script.yaml").write_text(yaml.safe_dump([{"reply": "NO_ANSWER", "seconds": SECONDS}]))
    model = f"scripted:{folder / 'script.yaml'}"
    release = Release(embedding=EMBEDDING, models=Models(simple=model, complex=model))
    settings = Settings(index=folder / "store", cache_seconds=0, threads=1)
    agent = await open_agent(settings, release)
    samples = [one["question"] for one in read_records(ROOT / "evals" / "data" / "handbook.jsonl")]
    questions, alone = [], []
    for question in samples:
        began = time.perf_counter()
        answer: dict[str, Any] = (await agent.graph.ainvoke({"question": question}))["answer"]
        if answer["usage"]["calls"] == 1:
            questions.append(question)
            alone.append(time.perf_counter() - began)
        if len(questions) == ALONE:
            break
    rows = [questions[number % len(questions)] for number in range(ROWS)]
    write_deltalake(folder / "asked", pa.table({"id": [*range(ROWS)], "question": rows}))
    plan = BatchPlan.of(str(folder / "asked"), "id", str(folder / "answered"))
    began = time.perf_counter()
    done = await run(plan, agent.graph.ainvoke, AT_ONCE, 40, AnswerRows({}, Policy()), lambda _: None)
    rate, ideal = done.answered / (time.perf_counter() - began), AT_ONCE / mean(alone)
    return {"latency": round(mean(alone), 3), "rate": round(rate, 3), "share": round(rate / ideal, 3)}


def answered(folder: Path) -> list[str]:
    """The ids of the rows that are answered."""
    return [row["id"] for row in Table(str(folder / "answers"), ANSWERS).rows(["id"])]


def kills(folder: Path) -> dict[str, int]:
    """Kill a run again and again, complete it, and count."""
    chance = random.Random(7)
    questions = [f"question {number}" for number in range(KILLED_ROWS)]
    write_deltalake(folder / "questions", pa.table({"id": [*range(KILLED_ROWS)], "question": questions}))
    command = [sys.executable, "-c", KILLED, str(folder / "questions"), str(folder / "answers")]
    for _ in range(KILLS):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            for _ in range(chance.randint(1, 7)):
                process.stdout.readline()
            time.sleep(chance.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
    there = len(answered(folder))
    last = timed(subprocess.run, command, cwd=ROOT, check=True, capture_output=True)
    counts = Counter(answered(folder))
    lost = KILLED_ROWS - len(counts)
    doubled = sum(1 for times in counts.values() if times > 1)
    return {
        "rows": KILLED_ROWS,
        "committed by killed runs": there,
        "seconds of the last": round(last.seconds),
        "lost": lost,
        "doubled": doubled,
    }


if __name__ == "__main__":
    main()
