"""How long each step of an answer takes, with the extractive writer and with a scripted model, and beside raw pieces.

Set: samples/handbook and samples/questions.jsonl of this repository, written for it; the data folder is not used. The
questions are asked three times, one at a time, after one that does not count. The scripted model gives the same cited
sentence at once, so that what is left is our own time; its release takes any citation as supported. Raw is what
retrieving cannot do without: one embedding of the question and one vector query to the LanceDB table, by the
libraries themselves.
"""

import asyncio
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import lancedb

from benchmarks.record import ROOT, begin, cores, print_table, read_records, record, spread
from benchmarks.stores import run_index
from graph.agent import open_agent
from graph.index.store import locate
from graph.models.packaged_embeddings import load_embedder
from graph.release import Checking, Models, Release
from graph.settings import Settings
from graph.state import Question

ROUNDS = 3
SAMPLES = ROOT / "samples"
REPLY = "The handbook says so [1]."

Figures = dict[str, Any]


def main() -> None:
    begin(__doc__)
    questions = read_questions()
    with tempfile.TemporaryDirectory() as place:
        store = Path(place) / "store"
        run_index([SAMPLES / "handbook"], store, Release())
        releases = {"extractive": Release(), "scripted": scripted_release(Path(place))}
        results: Figures = {name: asyncio.run(ask_all(store, release, questions)) for name, release in releases.items()}
        results["raw"] = asyncio.run(raw_pieces(store, [each["question"] for each in questions]))
    results["retrieve_over_raw"] = round(ratio(results), 2)
    print_steps(results)
    record("steps", results)


def read_questions() -> list[Question]:
    asked = read_records(SAMPLES / "questions.jsonl")
    return [Question(question=each["question"], filters=each["filters"], groups=each["groups"]) for each in asked]


def scripted_release(place: Path) -> Release:
    """A release whose models all give the same reply at once."""
    script = place / "script.yaml"
    script.write_text(f'- reply: "{REPLY}"\n', "utf-8")
    name = f"scripted:{script}"
    return Release(name="scripted", models=Models(simple=name, complex=name), checking=Checking(support_from=0.0))


async def ask_all(store: Path, release: Release, questions: list[Question]) -> Figures:
    """The milliseconds of every step over all questions, and how many answers came from each rung."""
    agent = (await open_agent(Settings(cache_seconds=0, index=store), release)).graph
    await agent.ainvoke(questions[0])
    steps: dict[str, list[float]] = defaultdict(list)
    totals, rungs = [], Counter[str]()
    for question in questions * ROUNDS:
        began = time.perf_counter()
        answer = (await agent.ainvoke(question))["answer"]
        totals.append((time.perf_counter() - began) * 1000)
        rungs[answer["rung"]] += 1
        for step, spent in answer["timings"].items():
            steps[step].append(spent)
    by_step = {step: {**spread(spent), "count": len(spent)} for step, spent in steps.items()}
    return {"steps": by_step, "total": {**spread(totals), "count": len(totals)}, "rungs": dict(rungs)}


async def raw_pieces(store: Path, questions: list[str]) -> Figures:
    """The milliseconds of embedding a question and of the vector query, each by its library alone."""
    embedder = load_embedder(Release().embedding, cores())
    passages = await (await lancedb.connect_async(locate(store))).open_table("passages")
    pool = Release().retrieval.pool
    embeds, queries = [], []
    for question in [questions[0], *questions * ROUNDS]:
        began = time.perf_counter()
        vector = embedder.embed([question])[0]
        embedded = time.perf_counter()
        await (
            passages.query()
            .nearest_to(vector)
            .distance_type("cosine")
            .select(["id", "text", "_distance"])
            .limit(pool)
            .to_arrow()
        )
        queries.append((time.perf_counter() - embedded) * 1000)
        embeds.append((embedded - began) * 1000)
    return {"embed": spread(embeds[1:]), "vector_query": spread(queries[1:])}


def ratio(results: Figures) -> float:
    raw = results["raw"]["embed"]["median"] + results["raw"]["vector_query"]["median"]
    return float(results["extractive"]["steps"]["retrieve"]["median"] / raw)


def print_steps(results: Figures) -> None:
    rows = []
    for name in ("extractive", "scripted"):
        figures = {**results[name]["steps"], "total": results[name]["total"]}
        rows += [(name, step, each["median"], each["p95"], each["count"]) for step, each in figures.items()]
    count = len(read_questions()) * ROUNDS
    rows += [("raw", piece, each["median"], each["p95"], count) for piece, each in results["raw"].items()]
    print_table("Milliseconds of each step", ("writer", "step", "median", "p95", "count"), rows)
    print_table("", ("retrieve / raw pieces",), [(results["retrieve_over_raw"],)])


if __name__ == "__main__":
    main()
