"""What the caches save: the milliseconds of an answer, of one whose search is kept, and of one that is kept itself.

Set: samples/handbook of this repository, indexed first; the data folder is not used. Each of its questions is asked of
the default release in one process, and again: that second time is measured. Every way has a graph and caches of its
own. `together` is the same question asked by ten at one moment, as a ratio of asking it once; `worked_out` is how many
of the ten were not answered by the first.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.record import ROOT, Target, begin, print_table, record, spread
from benchmarks.stores import run_index
from graph.agent import open_agent
from graph.release import Release
from graph.settings import Settings
from graph.state import Answer, Question
from graph.sync import Graph

AT_ONCE, SHARED = 10, 24
WAYS: dict[str, dict[str, Any]] = {
    "not kept": {"cache_seconds": 0},
    "search kept": {"cache_answers": 0},
    "answer kept": {},
}
"""The settings under which each question is asked a second time."""
EXPECTED = {"not kept": [], "search kept": ["retrieval"], "answer kept": ["answer"]}


def main() -> None:
    begin(__doc__)
    with tempfile.TemporaryDirectory() as place:
        run_index([ROOT / "samples" / "handbook"], Path(place), Release())
        results = asyncio.run(measure(Path(place)))
    rows = [(way, row["median"], row["p95"], row["retrieve"], row["ratio"]) for way, row in results["ways"].items()]
    print_table("Milliseconds of the second time", ("kept", "median", "p95", "retrieve", "ratio"), rows)
    print_table("Ten at one moment", ("ratio of one", "worked out"), [(results["together"], results["worked_out"])])
    kept = results["ways"]
    targets = [
        Target("a kept answer as a share of a made one", kept["answer kept"]["ratio"], at_most=0.05),
        Target("equal questions at one moment that are worked out", results["worked_out"], at_most=1),
        Target("a kept search as a share of a made one", kept["search kept"]["retrieve_ratio"], at_most=0.1),
    ]
    record("caching", results, targets)


async def measure(store: Path) -> dict[str, Any]:
    """The second time that each question is asked, and ten at one moment."""
    ways = {way: await second_time(store, way) for way in WAYS}
    base = ways["not kept"]
    for row in ways.values():
        row["ratio"] = round(row["median"] / base["median"], 4)
        row["retrieve_ratio"] = round(row["retrieve"] / base["retrieve"], 4)
    return {"ways": ways, **await together(store)}


async def second_time(store: Path, way: str) -> dict[str, Any]:
    """Milliseconds of questions that were asked before; answers that no cache may keep are left out of all ways."""
    graph = (await open_agent(Settings(index=store, **WAYS[way]), Release())).graph
    spent, searched = [], []
    for question in questions():
        first, _ = await asked(graph, question)
        answer, milliseconds = await asked(graph, question)
        if first["rung"] == "primary":
            assert answer["cached"] == EXPECTED[way], (way, answer["cached"])
            spent.append(milliseconds)
            searched.append(answer["timings"].get("retrieve", 0.0))
    return {"questions": len(spent), **spread(spent), "retrieve": round(median(searched), 3)}


async def together(store: Path) -> dict[str, Any]:
    """Ten equal questions at one moment as a ratio of one, and how many of them were worked out at the most."""
    plain = (await open_agent(Settings(index=store, cache_seconds=0), Release())).graph
    shared = (await open_agent(Settings(index=store), Release())).graph
    ratios: list[float] = []
    made: list[int] = []
    for question in questions()[:SHARED]:
        alone, milliseconds = await asked(plain, question)
        began = time.perf_counter()
        answers = [answer for answer, _ in await asyncio.gather(*(asked(shared, question) for _ in range(AT_ONCE)))]
        if alone["rung"] == "primary":
            ratios.append((time.perf_counter() - began) * 1000 / milliseconds)
            made.append(sum("answer" not in answer["cached"] for answer in answers))
    return {"together": round(median(ratios), 3), "worked_out": max(made)}


async def asked(graph: Graph, question: Question) -> tuple[Answer, float]:
    began = time.perf_counter()
    answer: Answer = (await graph.ainvoke(question))["answer"]
    return answer, (time.perf_counter() - began) * 1000


def questions() -> Sequence[Question]:
    lines = (ROOT / "samples" / "questions.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return [Question(question=r["question"], filters=r["filters"], groups=r["groups"]) for r in rows]


if __name__ == "__main__":
    main()
