"""How long the keyless tier takes to score a run of 500 samples, the first time and unchanged again.

Set: squad_v2_dev (GitHub chrischute/squad, SQuAD 2.0, CC BY-SA 4.0), 500 questions chosen by a hash of their ids, asked
of the default release over the set's own paragraphs; asking is not measured, and is kept under .warrant for another
time. Beside the first scoring stands what it cannot go below: embedding the same texts by the raw embedder, in the same
process; the difference is told in seconds of CPU, which what else runs on the machine changes least, and which is more
than the wall time of two free cores. The second is `warrant eval score` in a new process, as people give it.
"""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.record import ROOT, Target, begin, cores, print_table, record, timed
from evals.metrics.vectors import EMBEDDING, Vectors
from evals.runs import EvalRun
from evals.scores import Score, keep, keyless_values, score_all
from graph.models.packaged_embeddings import load_embedder
from graph.settings import load_settings

SAMPLES, SET = 500, "squad_v2_dev"
PLACE = ROOT / ".warrant" / "benchmarks" / "scoring"
WARRANT = str(Path(sys.executable).with_name("warrant"))


def main() -> None:
    data = begin(__doc__, [f"{SET}/corpus.jsonl.gz", f"{SET}/queries.jsonl.gz"])
    run = EvalRun(answered(data / SET))
    embedder = load_embedder(EMBEDDING, cores())
    embedder.embed(["The first text takes longer."])
    vectors = Vectors(embedder.embed)
    cpu = [time.process_time()]
    first = timed(asyncio.run, scored(run, vectors))
    cpu.append(time.process_time())
    alone = timed(load_embedder(EMBEDDING, cores()).embed, list(vectors.known))
    cpu.append(time.process_time())
    scoring, embedding = cpu[1] - cpu[0], cpu[2] - cpu[1]
    keep(run, load_settings().prices, tuple(first.value))
    command = [WARRANT, "eval", "score", str(run.path)]
    before = os.times()
    again = timed(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    results = {
        "samples": len(run.dataset.samples),
        "scores": len(first.value),
        "texts": len(vectors.known),
        "first": round(first.seconds, 2),
        "embedding alone": round(alone.seconds, 2),
        "first, CPU": round(scoring, 2),
        "embedding alone, CPU": round(embedding, 2),
        "ratio": round(scoring / embedding, 3),
        "again": round(again.seconds, 2),
        "again, CPU": round(spent, 2),
        "load": round(os.getloadavg()[0], 1),
    }
    print_table(f"Scoring {SAMPLES} samples", ("what", "figure"), list(results.items()))
    record(
        "scoring",
        results,
        [
            Target("500 samples, CPU seconds beyond the embedder's own", round(scoring - embedding, 2), at_most=60),
            Target("CPU against embedding the same texts alone", results["ratio"], at_most=2),
            Target("unchanged again, seconds of a new process", results["again"], at_most=3),
        ],
    )


async def scored(run: EvalRun, vectors: Vectors) -> list[Score]:
    samples, outcomes = run.dataset.samples, run.outcomes
    values = keyless_values(samples, list(outcomes.values()), load_settings().prices, vectors)
    return await score_all(samples, outcomes, values)


def answered(folder: Path) -> Path:
    """The run with every answer; what was asked before is not asked again."""
    PLACE.mkdir(parents=True, exist_ok=True)
    dataset, index = PLACE / "squad.jsonl", PLACE / "index"
    corpus = folder / "corpus.jsonl.gz"
    call("eval", "adapt", str(folder), "--most", str(SAMPLES), "--out", str(dataset))
    call("index", str(corpus), "--out", str(index))
    return Path(call("eval", "run", "-d", str(dataset), "--index", str(index), "--out", str(PLACE / "runs")))


def call(*arguments: str) -> str:
    """What a command prints."""
    return subprocess.run([WARRANT, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    main()
