"""What a swap costs those who are asking: `warrant serve` follows an alias that moves once a second under load.

Set: samples/handbook of this repository, indexed and logged to MLflow first; the data folder is not used. One worker,
four clients that ask new questions without a pause, and one that asks `/healthz` fifty times a second: how late that
comes is how long the event loop was held. Three kinds of turn follow each other, so that what else the machine does
falls on all of them: no swaps; swaps between two releases of the same code; swaps between releases whose code differs.
At the end pinned versions are asked in rotation, six of them where two are kept, and the worker's memory is read.
"""

import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mlflow import MlflowClient
from rich.progress import track

from benchmarks.record import ROOT, Target, begin, print_line, print_table, record, spread
from benchmarks.serving import Place, server
from benchmarks.stores import run_index
from graph.registry.client import Registry
from graph.registry.log_release import LogOptions, log_release
from graph.registry.promotion import Override, PromotionEvidence, promote
from graph.registry.transitions import Actor, Reason
from graph.release import Prompts, Release
from graph.settings import bound_mlflow

MODEL = "warrant"
ROUNDS, SECONDS, CLIENTS = 6, 10.0, 4
SAME, OTHER = ("1", "2"), ("1", "7")
TURNS: dict[str, Sequence[str]] = {"no swaps": (), "swaps, same code": SAME, "swaps, other code": OTHER}
PINS, PIN_ROUNDS = range(1, 7), 5
COUNTS = ("questions", "swaps", "wrong")
WORDS = "laptop hotel password pump seal warranty invoice record approval travel pension region service".split()


@dataclass
class Seen:
    """What one kind of turn showed."""

    asked: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    swaps: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def figures(self) -> dict[str, Any]:
        """Milliseconds of questions, of /healthz and of swaps; questions a second; what went wrong."""
        health = {"p99": float(np.percentile(self.health, 99)), "worst": max(self.health)}
        found: dict[str, Any] = {
            "question_ms": _ms(spread(self.asked)),
            "health_ms": _ms(health),
            "questions": len(self.asked),
            "per_second": round(len(self.asked) / self.seconds, 1),
            "wrong": len(self.wrong),
            "swaps": len(self.swaps),
        }
        return found | ({"swap_ms": _ms(spread(self.swaps))} if self.swaps else {})


def main() -> None:
    begin(__doc__)
    bound_mlflow()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        uri = f"sqlite:///{folder}/mlflow.db"
        labels = make_versions(folder, uri)
        world = {"WARRANT_REGISTRY": uri, "WARRANT_STATE": str(folder / "state"), "WARRANT_POLL": "3600"}
        quiet = {"WARRANT_LOG_LEVEL": "error", "WARRANT_CACHE_SECONDS": "0"}
        with server([str(ROOT / "warrant.py"), "serve", "--port"], {**world, **quiet}) as running:
            bench = Bench(running, MlflowClient(uri, uri), labels)
            bench.turn((), Seen(), SECONDS)
            memory = {"before_mb": bench.memory()}
            seen = bench.turns()
            bench.turn((), Seen(), SECONDS)
            memory["after_mb"] = bench.memory()
            pinned = bench.pinned()
    report({name: each.figures() for name, each in seen.items()}, memory, pinned)


def make_versions(folder: Path, uri: str) -> dict[str, str]:
    """Six releases of this code and one of another; the labels of all, the first in production."""
    run_index([ROOT / "samples" / "handbook"], folder / "store", Release())
    for number in track(PINS, "Logging releases"):
        release = Release(name=f"release-{number}", prompts=Prompts(declined=f"Release {number} does not know."))
        log_release(release, folder / "store", uri, MODEL, LogOptions(), lambda _: None)
    _log_other_code(folder, uri)
    registry = Registry(uri, MODEL)
    evidence = PromotionEvidence(override=Override("a benchmark", "nobody", "none"))
    actor = Actor("bench", "benchmark", os.getpid())
    for version in registry.versions():
        promote(registry, actor, str(version.number), "production", Reason("none"), evidence)
    return {str(version.number): version.label for version in registry.versions()}


def _log_other_code(folder: Path, uri: str) -> None:
    """Log from a copy of this code that says one thing otherwise."""
    copy = folder / "other"
    for name in ("graph", "server"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "warrant.py", copy)
    with (copy / "graph" / "answers.py").open("a", encoding="utf-8") as code:
        code.write("\nOTHER = True\n")
    line = ["release", "log", "--index", str(folder / "store"), "--registry", uri]
    done = subprocess.run([sys.executable, str(copy / "warrant.py"), *line], capture_output=True, text=True, cwd=copy)
    if done.returncode:
        raise SystemExit(f"The release with other code could not be logged: {done.stderr}")


@dataclass(frozen=True)
class Bench:
    """A running server, its registry, and what each version calls itself."""

    place: Place
    client: MlflowClient
    labels: dict[str, str]

    def turns(self) -> dict[str, Seen]:
        """Every kind of turn, one after the other, several times."""
        seen = {name: Seen() for name in TURNS}
        for _ in track(range(ROUNDS), "Asking in turns"):
            for name, between in TURNS.items():
                self.turn(between, seen[name], SECONDS)
        return seen

    def turn(self, between: Sequence[str], seen: Seen, seconds: float) -> None:
        """Some seconds of load, in which production moves between two versions."""
        with self.load(seen):
            began = time.perf_counter()
            for number in range(int(seconds)):
                if between:
                    self.swap(between[number % 2], seen)
                time.sleep(max(0.0, began + number + 1 - time.perf_counter()))
            seen.seconds += time.perf_counter() - began

    def swap(self, version: str, seen: Seen) -> None:
        """Move the alias and wait until the server has followed."""
        self.client.set_registered_model_alias(MODEL, "production", version)
        began = time.perf_counter()
        told = self.post("/admin/reload", {})
        seen.swaps.append(time.perf_counter() - began)
        if told["served"]["production"]["version"] != version:
            seen.wrong.append(f"v{version} was not swapped in: {told}")

    @contextmanager
    def load(self, seen: Seen) -> Iterator[None]:
        """Clients that ask without a pause, and one that asks for health."""
        stop = threading.Event()
        threads = [threading.Thread(target=self.ask, args=(seen, stop)) for _ in range(CLIENTS)]
        threads.append(threading.Thread(target=self.health, args=(seen, stop)))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def ask(self, seen: Seen, stop: threading.Event) -> None:
        """One client; an answer that was dropped, or made by one version and signed by another, is wrong."""
        while not stop.is_set():
            question = f"What holds for {' '.join(random.sample(WORDS, 3))} {random.randrange(10_000)}?"
            began = time.perf_counter()
            try:
                answer = self.post("/rag/invoke", {"input": {"question": question}})["output"]
            except (OSError, http.client.HTTPException, KeyError) as error:
                seen.wrong.append(f"dropped: {error!r}")
                continue
            seen.asked.append(time.perf_counter() - began)
            if answer["release"] != self.labels[answer["version"]]:
                seen.wrong.append(f"mixed: {answer['release']} by v{answer['version']}")

    def health(self, seen: Seen, stop: threading.Event) -> None:
        """Fifty looks a second over one connection."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.place.port, timeout=60)) as connection:
            while not stop.wait(0.02):
                began = time.perf_counter()
                connection.request("GET", "/healthz")
                connection.getresponse().read()
                seen.health.append(time.perf_counter() - began)

    def memory(self) -> int:
        """The worker's resident memory in MB."""
        return round(self.place.process.memory_info().rss / 1e6)

    def pinned(self) -> list[int]:
        """The worker's memory in MB, after each pinned version that was asked."""
        found = []
        for number in track([*PINS] * PIN_ROUNDS, "Asking pinned versions"):
            self.post(f"/versions/{number}/rag/invoke", {"input": {"question": "What is the hotel limit in the EU?"}})
            found.append(self.memory())
        return found

    def post(self, path: str, body: object) -> Any:
        """What a path answers; raises HTTPException when that is no success."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.place.port, timeout=60)) as connection:
            connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
            reply = connection.getresponse()
            text = reply.read()
            if reply.status != 200:
                raise http.client.HTTPException(f"{path} gave {reply.status}: {text[:200]!r}")
            return json.loads(text)


def report(results: dict[str, Any], memory: dict[str, int], pinned: list[int]) -> None:
    """The table, the ratios against turns without swaps, and the goals."""
    quiet = results["no swaps"]
    ratios = {
        name: {
            "median": round(told["question_ms"]["median"] / quiet["question_ms"]["median"], 3),
            "p95": round(told["question_ms"]["p95"] / quiet["question_ms"]["p95"], 3),
            "health p99": round(told["health_ms"]["p99"] / quiet["health_ms"]["p99"], 3),
        }
        for name, told in results.items()
        if told["swaps"]
    }
    rows = [
        (
            name,
            told["questions"],
            told["swaps"],
            told["wrong"],
            *told["question_ms"].values(),
            *told["health_ms"].values(),
        )
        for name, told in results.items()
    ]
    columns = ("turns", "questions", "swaps", "wrong", "best ms", "p50 ms", "p95 ms", "health p99 ms", "worst ms")
    print_table("A swap a second under load", columns, rows)
    print_table("Over no swaps", ("turns", "p50", "p95", "health p99"), [(n, *r.values()) for n, r in ratios.items()])
    kept, last = (
        statistics.median(pinned[part]) for part in (slice(len(PINS), 2 * len(PINS)), slice(-len(PINS), None))
    )
    swaps = sum(told["swaps"] for told in results.values())
    print_line(
        f"Memory: {memory['before_mb']} MB before {swaps} swaps, {memory['after_mb']} MB after; {last:.0f} MB pinned"
    )
    targets = [
        Target("answers dropped or mixed", sum(told["wrong"] for told in results.values()), at_most=0),
        *(
            Target(f"p95 of a question, {name}, over no swaps", told["p95"], at_most=1.5)
            for name, told in ratios.items()
        ),
        Target(
            f"memory after {swaps} swaps over before", round(memory["after_mb"] / memory["before_mb"], 3), at_most=1.1
        ),
        Target("memory after 30 pinned versions over after 12", round(last / kept, 3), at_most=1.05),
    ]
    found = {"turns": results, "over_no_swaps": ratios, "memory": memory, "pinned_mb": pinned}
    record("swapping", found, targets)


def _ms(seconds: dict[str, float]) -> dict[str, float]:
    return {name: round(1000 * value, 1) for name, value in seconds.items()}


if __name__ == "__main__":
    main()
