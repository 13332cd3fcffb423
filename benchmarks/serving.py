"""What serving costs: the graph behind LangServe and OpenAI's API beside a plain FastAPI route over the same graph.

Set: samples/handbook of this repository, indexed first with static vectors, so that no embedding is in the figures; the
data folder is not used. All servers run at once, each a process of its own under uvloop, and are asked in turns, so
that what else the machine does falls on all of them. CPU is the server's own time (user and system) for a request,
which other work disturbs least; `per core` is its inverse. Latency is that of one client that asks one question after
another. The servers called noop run a graph of eight steps that do nothing: behind a plain route, LangServe and ours.
The server called scripted asks a model that says at once what a script tells it, so that a prompt is made and read.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from rich.progress import track

from benchmarks.record import ROOT, Target, begin, print_table, record, spread
from benchmarks.stores import run_index
from graph.release import Release

ROUNDS, REQUESTS, CLIENTS = 7, 40, 8
QUESTIONS = [
    "After how many years are laptops replaced?",
    "What is the hotel limit in the EU?",
    "How much will the company pay towards a field technician's safety shoes?",
    "My laptop got stolen on the train at night. Who do I have to call?",
    "What is the minimum number of characters for my password?",
]
REPLIES = (
    ("replaced", "Laptops are replaced every 4 years, telephones every 3 years. [1]"),
    ("hotel", "The limit for a hotel in the EU, with breakfast, is EUR 145 per night. [1]"),
    ("shoes", "Work shoes are paid up to EUR 130 a year. [1]"),
    ("stolen", "Report a lost or stolen device to the security desk at once, extension 4400. [1]"),
    ("password", "The password has at least 14 characters and does not expire. [1]"),
)
UVICORN = "-m uvicorn --factory --loop uvloop --http httptools --no-access-log --log-level error".split()
OFF = {"WARRANT_CACHE_SECONDS": "0"}


@dataclass(frozen=True)
class Way:
    """One way to ask: a server and a path of it."""

    server: str
    path: str
    body: str = "rag"
    cached: bool = False

    def request(self, number: int) -> bytes:
        question = QUESTIONS[0 if self.cached else number % len(QUESTIONS)]
        chat = {"model": "warrant", "messages": [{"role": "user", "content": question}]}
        bodies = {"plain": {"question": question}, "rag": {"input": {"question": question}}, "chat": chat}
        return json.dumps(bodies[self.body]).encode()


WAYS = {
    "bare route, constant": Way("bare", "/ask", "plain"),
    "noop, plain route": Way("plain_noop", "/ask", "plain"),
    "noop, LangServe": Way("langserve_noop", "/rag/invoke"),
    "noop, ours, invoke": Way("ours_noop", "/rag/invoke"),
    "noop, ours, stream": Way("ours_noop", "/rag/stream"),
    "graph, plain route": Way("plain", "/ask", "plain"),
    "graph, ours, invoke": Way("ours", "/rag/invoke"),
    "graph, ours, scripted model": Way("scripted", "/rag/invoke"),
    "graph, ours, stream": Way("ours", "/rag/stream"),
    "graph, ours, /v1": Way("ours", "/v1/chat/completions", "chat"),
    "graph, ours, traced 10 %": Way("traced_some", "/rag/invoke"),
    "graph, ours, traced 100 %": Way("traced_all", "/rag/invoke"),
    "graph, ours, cached": Way("cached", "/rag/invoke", cached=True),
    "graph, ours, 2 workers": Way("two_workers", "/rag/invoke"),
}
RATIOS = {
    "invoke over a plain route, doing nothing": ("noop, ours, invoke", "noop, plain route"),
    "stream over a plain route, doing nothing": ("noop, ours, stream", "noop, plain route"),
    "invoke over LangServe, doing nothing": ("noop, ours, invoke", "noop, LangServe"),
    "invoke over a plain route": ("graph, ours, invoke", "graph, plain route"),
    "quoting over a plain route, doing nothing": ("graph, ours, invoke", "noop, plain route"),
    "a scripted model over a plain route, doing nothing": ("graph, ours, scripted model", "noop, plain route"),
    "stream over a plain route": ("graph, ours, stream", "graph, plain route"),
    "/v1 over a plain route": ("graph, ours, /v1", "graph, plain route"),
    "traced 10 % over untraced": ("graph, ours, traced 10 %", "graph, ours, invoke"),
    "traced 100 % over untraced": ("graph, ours, traced 100 %", "graph, ours, invoke"),
    "cached over LangServe, doing nothing": ("graph, ours, cached", "noop, LangServe"),
}
FASTEST = 7.37
"""What a question may cost over a plain route that does nothing: 80 questions a second and core where that route does
590, which the machine of 29 November 2026 did when the goal was set. Machines differ by three times from day to day.
"""
GOALS = {
    "invoke over a plain route, doing nothing": 2.5,
    "invoke over a plain route": 2.5,
    "stream over a plain route": 2.5,
    "/v1 over a plain route": 2.5,
    "traced 10 % over untraced": 1.1,
    "cached over LangServe, doing nothing": 1.5,
    "quoting over a plain route, doing nothing": FASTEST,
    "a scripted model over a plain route, doing nothing": FASTEST,
}


@dataclass
class Seen:
    """What one way cost: seconds of each request one after another, and what several at once came to."""

    seconds: list[float] = field(default_factory=list)
    cpu: float = 0.0
    requests: int = 0
    busy_seconds: float = 0.0
    busy_requests: int = 0

    def figures(self) -> dict[str, Any]:
        """Milliseconds, and requests a second of CPU and of wall time."""
        latency = {name: round(1000 * value, 2) for name, value in spread(self.seconds).items() if name != "best"}
        return {
            "ms": latency,
            "cpu_ms": round(1000 * self.cpu / self.requests, 3),
            "per_core": round(self.requests / self.cpu, 1),
            "per_second": round(self.busy_requests / self.busy_seconds, 1),
        }


def main() -> None:
    begin(__doc__)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        release = folder / "release.yaml"
        release.write_text("name: static\nembedding: wordllama-256\n", "utf-8")
        _write_scripted(folder)
        run_index([ROOT / "samples" / "handbook"], folder / "store", Release(embedding="wordllama-256"))
        world = {"WARRANT_INDEX": str(folder / "store"), "WARRANT_RELEASE": str(release), "WARRANT_LOG_LEVEL": "error"}
        with servers(folder, world) as places:
            seen = measure(places)
    results = {name: each.figures() for name, each in seen.items()}
    ratios = {name: _ratio(results[one]["cpu_ms"], results[other]["cpu_ms"]) for name, (one, other) in RATIOS.items()}
    medians = {
        name: _ratio(results[one]["ms"]["median"], results[other]["ms"]["median"])
        for name, (one, other) in RATIOS.items()
    }
    rows = [
        (name, one["ms"]["median"], one["ms"]["p95"], one["cpu_ms"], one["per_core"], one["per_second"])
        for name, one in results.items()
    ]
    columns = ("way", "p50 ms", "p95 ms", "CPU ms", "requests/s per core", f"per second, {CLIENTS} clients")
    print_table("One request", columns, rows)
    print_table("Ratios", ("of", "CPU", "p50"), [(name, ratios[name], medians[name]) for name in ratios])
    targets = [Target(name, ratios[name], at_most=most) for name, most in GOALS.items()]
    record("serving", {"ways": results, "cpu_ratios": ratios, "median_ratios": medians}, targets)


def _write_scripted(folder: Path) -> None:
    """A release whose model says what is written beside it."""
    rules = [{"when": when, "reply": reply} for when, reply in REPLIES]
    (folder / "script.yaml").write_text(json.dumps(rules), "utf-8")
    model = f"scripted:{folder / 'script.yaml'}"
    told = {"name": "scripted", "embedding": "wordllama-256", "models": {"simple": model, "complex": model}}
    (folder / "scripted.yaml").write_text(json.dumps(told), "utf-8")


def _ratio(one: float, other: float) -> float:
    return round(one / other, 3)


def measure(places: Mapping[str, "Place"]) -> dict[str, Seen]:
    """Ask every way in turns."""
    seen = {name: Seen() for name in WAYS}
    for way in WAYS.values():
        places[way.server].ask(way, len(QUESTIONS))
    for _ in track(range(ROUNDS), "Asking in turns"):
        for name, way in WAYS.items():
            places[way.server].turn(way, seen[name])
    return seen


@dataclass(frozen=True)
class Place:
    """A running server."""

    port: int
    process: psutil.Process

    def ask(self, way: Way, requests: int) -> list[float]:
        """The seconds of some requests, one after another over one connection."""
        spent = []
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as connection:
            for number in range(requests):
                began = time.perf_counter()
                connection.request("POST", way.path, way.request(number), {"content-type": "application/json"})
                reply = connection.getresponse()
                text = reply.read()
                if reply.status != 200:
                    raise SystemExit(f"{way.path} gave {reply.status}: {text[:300]!r}")
                spent.append(time.perf_counter() - began)
        return spent

    def turn(self, way: Way, seen: Seen) -> None:
        """One turn of a way: one request after another, and then as many from several clients at once."""
        before = self.cpu()
        seen.seconds += self.ask(way, REQUESTS)
        began = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as pool:
            done = list(pool.map(lambda _: self.ask(way, REQUESTS // CLIENTS), range(CLIENTS)))
        seen.busy_seconds += time.perf_counter() - began
        seen.busy_requests += sum(len(each) for each in done)
        seen.requests += REQUESTS + sum(len(each) for each in done)
        seen.cpu += self.cpu() - before

    def cpu(self) -> float:
        """Seconds of CPU that the server and its workers have used."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(sum(each.cpu_times()[:2]) for each in family)


@contextmanager
def servers(folder: Path, world: Mapping[str, str]) -> Iterator[dict[str, Place]]:
    """All servers, each a process of its own."""
    serve = [str(ROOT / "warrant.py"), "serve", "--port"]
    traces = {"WARRANT_TRACES": f"sqlite:///{folder}/mlflow.db"}
    settings: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {
        **{name: ([*UVICORN, f"benchmarks.serving_apps:{name}", "--port"], OFF) for name in APPS},
        "ours": (serve, OFF),
        "scripted": (serve, {**OFF, "WARRANT_RELEASE": str(folder / "scripted.yaml")}),
        "cached": (serve, {}),
        "traced_some": (serve, {**OFF, **traces, "WARRANT_TRACES_SHARE": "0.1"}),
        "traced_all": (serve, {**OFF, **traces, "WARRANT_TRACES_SHARE": "1"}),
        "two_workers": ([serve[0], "serve", "--workers", "2", "--port"], OFF),
    }
    with ExitStack() as stack:
        found = {}
        for name, (command, own) in settings.items():
            state = {"WARRANT_STATE": str(folder / name)}
            found[name] = stack.enter_context(server(command, {**world, **own, **state}))
        yield found


APPS = ("bare", "plain", "plain_noop", "langserve_noop", "ours_noop")


@contextmanager
def server(command: Sequence[str], world: Mapping[str, str]) -> Iterator[Place]:
    """One server, once it listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    told = {**os.environ, **world, "PYTHONPATH": str(ROOT)}  # noqa: TID251
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, *command, str(port)], cwd=ROOT, env=told, **quiet) as process:  # type: ignore[call-overload]
        try:
            _wait_for(port, process)
            yield Place(port, psutil.Process(process.pid))
        finally:
            process.terminate()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return time.sleep(1)
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"A server ended before it listened: {process.args!r}")


if __name__ == "__main__":
    main()
