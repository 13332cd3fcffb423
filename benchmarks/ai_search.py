"""What a retrieval on AI Search costs beside the bare client, and which rung answers when calls fail.

Set: samples/handbook of this repository under static vectors, synced to the emulated workspace of tests/, which runs in
a process of its own; the data folder is not used. `ratio` is our search over the same query by the client of
Databricks, in turns. When the model endpoints fail, a question is on the right rung when as many calls failed before as
that rung has above it. When the index fails, the right outcome is the first rung, or `retrieval unavailable` after all
three calls; never an answer without passages. 50 questions for each share of failing calls.
"""

import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.record import ROOT, Target, begin, print_table, record
from benchmarks.stores import run_index
from graph.agent import open_agent
from graph.backend import Scope
from graph.errors import RetrievalUnavailable
from graph.release import Breaker, Generation, Models, Release
from graph.settings import Settings
from graph.state import Question

sys.path.insert(0, str(ROOT / "tests"))
INDEX = "main.docs.handbook"
QUICK = Release(name="quick", embedding="wordllama-256")
ROUNDS, ASKED = 60, 50
QUESTION = "How long may updates be postponed?"
CHAT, BACKUP = "databricks:databricks-claude-sonnet-4", "databricks:databricks-meta-llama-3-3-70b-instruct"
FAILING = {"model": "*/chat/completions", "index": f"*/indexes/{INDEX}/query"}
UNAVAILABLE = "retrieval unavailable"
RIGHT = {1: ("primary",), 2: ("retry",), 3: ("backup", "extractive")}
"""The rungs that may answer after so many calls."""


def main() -> None:
    begin(__doc__)
    ours, theirs = multiprocessing.Pipe()
    workspace = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    workspace.start()
    environment = ours.recv()
    os.environ.update(environment)  # noqa: TID251 - the clients sign in by it
    with tempfile.TemporaryDirectory() as place:
        store = Path(place)
        run_index([ROOT / "samples" / "handbook"], store, QUICK)
        results: dict[str, Any] = {"retrieval": asyncio.run(retrieval(store)), "rungs": {}}
        for failing in FAILING:
            for share in (0.3, 1.0):
                results["rungs"][f"{failing} {share:.0%}"] = asyncio.run(rungs(store, failing, share, ours))
    workspace.terminate()
    row = results["retrieval"]
    print_table("Milliseconds of a search", ("bare", "ours", "ratio"), [(row["bare"], row["ours"], row["ratio"])])
    shares = [(name, each["right"], each["answered"], each["rungs"]) for name, each in results["rungs"].items()]
    print_table("Failing calls", ("share", "right rung", "answered", "rungs"), shares)
    targets = [
        Target("a search beside the same query by the bare client", row["ratio"], at_most=1.5),
        *(
            Target(f"right rung, {name} failing", each["right"], at_least=1.0)
            for name, each in results["rungs"].items()
        ),
    ]
    record("ai_search", results, targets)


def serve(pipe: Connection) -> None:
    """Serve the emulated workspace until the parent ends; takes paths, and shares of their calls that are to fail."""
    from databricks_emulator import emulating

    with emulating(polls=0) as emulator:
        pipe.send(emulator.environment)
        while True:
            path, share = pipe.recv()
            emulator.faults.clear()
            emulator.fault(path, status=503, share=share, retry_after=0)
            pipe.send("done")


def order(workspace: Connection, path: str, share: float) -> None:
    """Let a share of the calls to a path fail from now on, and no others."""
    workspace.send((path, share))
    workspace.recv()


async def retrieval(store: Path) -> dict[str, float]:
    """The median milliseconds of a search and of the bare client's query, one after the other."""
    from databricks.ai_search.client import AISearchClient

    from graph.index.ai_search_rows import READ
    from graph.index.ai_search_sync import sync
    from graph.models.databricks import workspace

    await sync(workspace(), store, INDEX, "warrant", 10, lambda _: None)
    agent = await open_agent(settings(store, "databricks"), QUICK)
    config = workspace().client.config
    client = AISearchClient(config.host, config.token, disable_notice=True)
    index = await asyncio.to_thread(client.get_async_index, "warrant", INDEX)
    vector = (agent.backend.retriever._embedder.embed_question(QUESTION)).whole.tolist()  # type: ignore[attr-defined]
    query: dict[str, Any] = {
        "columns": READ,
        "query_text": QUESTION,
        "query_vector": vector,
        "query_type": "HYBRID",
        "query_columns": ["heading", "text"],
        "filters": {"access": ["everybody"]},
        "num_results": QUICK.retrieval.pool,
        "disable_notice": True,
    }
    bare, ours = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await index.similarity_search(**query)
        middle = time.perf_counter()
        await agent.backend.retriever.search(QUESTION, Scope({}, [], QUICK.retrieval.pool, QUICK.retrieval.keep))
        bare.append(middle - began)
        ours.append(time.perf_counter() - middle)
    return {
        "bare": round(1000 * median(bare), 2),
        "ours": round(1000 * median(ours), 2),
        "ratio": round(median(ours) / median(bare), 3),
    }


def settings(store: Path, backend: str) -> Settings:
    """Settings under which nothing is cached."""
    own = {"backend": backend, "databricks_index": INDEX, "index": store, "cache_seconds": 0}
    return Settings(**own)  # type: ignore[arg-type]


async def rungs(store: Path, failing: str, share: float, workspace: Connection) -> dict[str, Any]:
    """Which rungs answer one question, asked again and again, and the share of right outcomes."""
    release = Release(
        embedding=QUICK.embedding,
        models=Models(simple=CHAT, complex=CHAT, backup=BACKUP),
        generation=Generation(deadline=10, timeout=3, backoff=0.05),
        breaker=Breaker(failures=1.0, minimum=10_000, window=10_000),
    )
    order(workspace, "", 0.0)
    agent = await open_agent(settings(store, "databricks" if failing == "index" else "local"), release)
    order(workspace, FAILING[failing], share)
    found: Counter[str] = Counter()
    right = 0
    for _ in range(ASKED):
        try:
            answer = (await agent.graph.ainvoke(Question(question=QUESTION)))["answer"]
        except RetrievalUnavailable:
            found[UNAVAILABLE] += 1
            right += failing == "index"
            continue
        found[answer["rung"]] += 1
        right += answer["status"] == "answered" and answer["rung"] in RIGHT.get(answer["usage"]["calls"], ())
    answered = sum(found.values()) - found["decline"] - found[UNAVAILABLE]
    return {"right": right / ASKED, "answered": answered / ASKED, "rungs": dict(found)}


if __name__ == "__main__":
    main()
