"""kill -9 at any moment: the last Snapshot stays whole, and the next run brings the store to where it belongs."""

import asyncio
import multiprocessing
import random
import time
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import pytest
from support import QUICK, run_index

from graph.index.manifest import read_manifest
from graph.index.store import locate
from graph.index.tables import Reader

KILLS, TRIES, LET_LIVE = 50, 200, 10
DOCUMENTS = 12


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Children that have everything imported already, so that a kill lands in the run and not in an import."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["graph.ingest.pipeline", "lancedb"])
    return context


def write(docs: Path, version: int) -> None:
    docs.mkdir(exist_ok=True)
    for number in range(DOCUMENTS):
        # A third of the documents changes in each round.
        edition = version if number % 3 == version % 3 else 0
        paragraphs = (f"Rule {part} of guide {number}, edition {edition}: keep {part * 7} GB." for part in range(40))
        (docs / f"guide{number}.md").write_text(f"# Guide {number}\n\n" + "\n\n".join(paragraphs), "utf-8")


def child(processes: ForkServerContext, docs: Path, store: Path) -> ForkServerProcess:
    """A run in a process of its own, begun."""
    process = processes.Process(target=run_index, args=(docs, store, QUICK), kwargs={"patience": 60})
    process.start()
    return process


def seconds_of_a_run(processes: ForkServerContext, docs: Path, store: Path) -> float:
    began = time.monotonic()
    process = child(processes, docs, store)
    process.join()
    assert process.exitcode == 0
    return time.monotonic() - began


def check_whole(store: Path) -> str:
    """Open the Snapshot in force and read all of it; gives its digest."""
    directory = locate(store)
    manifest = read_manifest(directory)

    async def read() -> tuple[dict[str, str], list[dict[str, Any]], int]:
        reader = await Reader.open(directory, approximate=False)
        texts = {row.document: row.text async for row in reader.documents()}
        rows = [row for part in [part async for part in reader.passages()] for row in part.rows]
        return texts, rows, len(await reader.matching("edition", "public", 1000))

    texts, rows, found = asyncio.run(read())
    assert len(texts) == manifest.counts.documents == DOCUMENTS
    assert len(rows) == manifest.counts.passages == found
    assert [row["id"] for row in rows if texts[row["document"]][row["start"] : row["end"]] != row["text"]] == []
    return manifest.digest


@pytest.mark.slow
def test_fifty_kills_leave_a_whole_snapshot_every_time(tmp_path: Path, processes: ForkServerContext) -> None:
    docs, store = tmp_path / "docs", tmp_path / "store"
    chance = random.Random(20251122)
    write(docs, 0)
    run_index(docs, store)
    write(docs, 1)
    longest = seconds_of_a_run(processes, docs, store)
    digests, killed = {check_whole(store)}, 0
    for version in range(2, TRIES):
        write(docs, version)
        began, process = time.monotonic(), child(processes, docs, store)
        # Now and then one ends by itself, however busy the machine is.
        process.join(None if version % LET_LIVE == 0 else chance.uniform(0, longest))
        if process.exitcode is None:
            process.kill()
            process.join()
            killed += 1
        else:
            # A machine that was busy while the first run was timed is quicker now.
            assert process.exitcode == 0
            longest = min(longest, time.monotonic() - began)
        digests.add(check_whole(store))
        if killed == KILLS:
            break
    run_index(docs, store)
    assert killed == KILLS
    assert len(digests) > 1
    assert check_whole(store) == run_index(docs, tmp_path / "fresh").manifest.digest


@pytest.mark.slow
def test_two_writers_at_once_neither_corrupt_nor_duplicate(tmp_path: Path, processes: ForkServerContext) -> None:
    docs, store = tmp_path / "docs", tmp_path / "store"
    write(docs, 0)
    children = [child(processes, docs, store) for _ in range(3)]
    for process in children:
        process.join()
    assert [process.exitcode for process in children] == [0, 0, 0]
    assert check_whole(store) == run_index(docs, tmp_path / "fresh").manifest.digest
