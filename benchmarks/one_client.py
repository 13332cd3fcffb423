"""One client must not stop the others: how long `/healthz` waits while a client, or a model, sends what is too much.

Set: samples/handbook of this repository, indexed first with static vectors; the data folder is not used. Two servers
run, each a process of its own: one is sent each attack of benchmarks/attacks.py, one after the other; the other is
idle. Both are asked for their health, a hundred times a second over one connection from a process of its own, while
the attack lasts and for a second after it. What the idle one waits is what else the machine does. The model's endpoint
is this process, on loopback. A request may take 2 seconds to arrive here, so that what is left half-way is seen to end.
"""

import http.client
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks.attacks import ATTACKS, Attack
from benchmarks.record import ROOT, Target, begin, print_table, record
from benchmarks.serving import Place, server
from benchmarks.stores import run_index
from graph.backends.faults import Endpoint, serving
from graph.release import Release

MOST_SECONDS = 0.25
QUIET_SECONDS = 1.0
RELEASE = """
name: attacked
embedding: wordllama-256
models: {simple: "openai:odd", complex: "openai:odd"}
generation: {timeout: 10, deadline: 20, retries: 0}
routing: {answer_from: 0.0}
breaker: {window: 10000, minimum: 10000}
"""
WORLD = {"WARRANT_CACHE_SECONDS": "0", "WARRANT_LOG_LEVEL": "error", "WARRANT_RECEIVE": "2", "WARRANT_IDLE": "2"}
Told = dict[str, Any]


def main() -> None:
    begin(__doc__)
    only = os.environ.get("ONLY", "")  # noqa: TID251
    chosen = {name: attack for name, attack in ATTACKS.items() if any(each in name for each in only.split("|"))}
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        run_index([ROOT / "samples" / "handbook"], folder / "store", Release(embedding="wordllama-256"))
        (folder / "release.yaml").write_text(RELEASE, "utf-8")
        model = stack.enter_context(serving(Endpoint(lambda body: "", lambda body: "raw")))
        attacked, idle = (stack.enter_context(one_server(folder, name, model)) for name in ("attacked", "idle"))
        probes = [stack.enter_context(probe(each.port)) for each in (attacked, idle)]
        # The first questions of a process load what the others find loaded.
        for each in ("one `in` of 999 values", "one word of 4,000 letters", "MCP search"):
            [attack.send(attacked.port) for name, attack in ATTACKS.items() if each in name]
        results = {
            name: run(name, attack, model, attacked, probes) for name, attack in track(chosen.items(), "Attacking")
        }
    rows = [
        (name, *(told[key] for key in ("wait", "idle", "seconds", "memory_mb", "gave")))
        for name, told in results.items()
    ]
    print_table("The longest wait for /healthz", ("sent", "s", "idle s", "took s", "MB more", "came back"), rows)
    if only:
        return
    targets = [Target(name, told["wait"], at_most=MOST_SECONDS) for name, told in results.items()]
    record("one_client", {"attacks": results}, targets)


def run(name: str, attack: Attack, model: Endpoint, attacked: Place, probes: list[Connection]) -> Told:
    """Send an attack; the longest waits of the attacked and of the idle server meanwhile, and what came back."""
    model.raw = attack.reply
    before = attacked.process.memory_info().rss
    for each in probes:
        each.send("begin")
    began = time.perf_counter()
    gave = attack.send(attacked.port)
    seconds = time.perf_counter() - began
    time.sleep(QUIET_SECONDS)
    for each in probes:
        each.send("end")
    wait, idle = (each.recv() for each in probes)
    if os.environ.get("SHOW"):  # noqa: TID251
        print(name, wait, idle, round(seconds, 2), gave, flush=True)
    more = (attacked.process.memory_info().rss - before) / 1e6
    return {"wait": wait, "idle": idle, "seconds": round(seconds, 2), "memory_mb": round(more), "gave": gave}


@contextmanager
def one_server(folder: Path, name: str, model: Endpoint) -> Iterator[Place]:
    world = {
        **WORLD,
        "WARRANT_INDEX": str(folder / "store"),
        "WARRANT_RELEASE": str(folder / "release.yaml"),
        "WARRANT_STATE": str(folder / name),
        "WARRANT_MODEL_URL": model.url,
    }
    with server([str(ROOT / "warrant.py"), "serve", "--port"], world) as place:
        yield place


@contextmanager
def probe(port: int) -> Iterator[Connection]:
    """A process that asks for health between `begin` and `end`, and sends the longest wait."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=watch, args=(port, there), daemon=True)
    process.start()
    try:
        yield here
    finally:
        process.kill()


def watch(port: int, told: Connection) -> None:
    while told.recv() == "begin":
        longest = 0.0
        while not told.poll(0.01):
            longest = max(longest, wait_for_health(port))
        told.recv()
        told.send(round(longest, 4))


def wait_for_health(port: int) -> float:
    began = time.perf_counter()
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=120)) as connection:
        connection.request("GET", "/healthz")
        connection.getresponse().read()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
