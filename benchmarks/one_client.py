"""One client must not stop the others: how long `/healthz` waits while a client, or a model, sends what is too much.

Set: samples/handbook of this repository, indexed first with static vectors; the data folder is not used. Two servers
run, each a process of its own: one is sent each attack of benchmarks/attacks.py, one after the other; the other is
idle. Both are asked for their health, a hundred times a second and each by a process of its own, while an attack lasts
and for a second after it. What the idle one waits is what else the machine does; as that can only add to a wait, an
attack over the bound is sent twice more, and the least of the longest waits counts. The model's endpoint is this
process. A request may take 2 seconds to arrive, and a connection be idle for 2, so that both are seen to end.
"""

import http.client
import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks.attacks import GROUPS, Attack
from benchmarks.record import ROOT, Target, begin, print_table, record
from benchmarks.serving import Place, server
from benchmarks.stores import run_index
from graph.release import Release
from samples.endpoint import Endpoint, serving

MOST_SECONDS = 0.25
QUIET_SECONDS = 1.0
ROUNDS = 3
RELEASE = """
name: attacked
embedding: wordllama-256
models: {simple: "openai:odd", complex: "openai:odd"}
generation: {timeout: 10, deadline: 20, retries: 0}
routing: {read_from: 0.0}
breaker: {window: 10000, minimum: 10000}
"""
WORLD = {"WARRANT_CACHE_SECONDS": "0", "WARRANT_LOG_LEVEL": "error", "WARRANT_RECEIVE": "2", "WARRANT_IDLE": "2"}
Told = dict[str, Any]
COLUMNS = ("wait", "idle", "seconds", "memory_mb", "gave")


def main() -> None:
    begin(__doc__)
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        bench = stack.enter_context(opened(Path(place)))
        # The first questions of a process load what the others find loaded.
        for name in ("a long URL", "a long URL, /v1/chat", "a long URL, MCP search", "500 words"):
            GROUPS["questions"][name].send(bench.attacked.port)
        every = [(group, name) for group, attacks in GROUPS.items() for name in attacks]
        found = {name: bench.least(GROUPS[group][name]) for group, name in track(every, "Attacking")}
    results = {group: {name: found[name] for name in attacks} for group, attacks in GROUPS.items()}
    rows = [(name, *(told[column] for column in COLUMNS)) for name, told in found.items()]
    print_table("The longest wait for /healthz", ("sent", "s", "idle s", "took s", "MB more", "came back"), rows)
    record("one_client", results, [target(group, list(each.values())) for group, each in results.items()])


def target(group: str, told: Sequence[Told]) -> Target:
    return Target(f"{group} ({len(told)})", max(each["wait"] for each in told), at_most=MOST_SECONDS)


@dataclass(frozen=True)
class Bench:
    """The server that is attacked, the model that it asks, and who watches it and an idle one."""

    attacked: Place
    model: Endpoint
    watchers: Sequence[Connection]

    def least(self, attack: Attack) -> Told:
        """An attack at the least of its waits."""
        told = self.run(attack)
        for _ in range(ROUNDS - 1):
            if told["wait"] > MOST_SECONDS:
                told = min(told, self.run(attack), key=lambda each: float(each["wait"]))
        return told

    def run(self, attack: Attack) -> Told:
        """Send an attack; the longest waits of both servers meanwhile, and what came back."""
        self.model.raw = attack.reply
        memory = self.attacked.process.memory_info().rss
        self.tell("begin")
        began = time.perf_counter()
        gave = attack.send(self.attacked.port)
        seconds = round(time.perf_counter() - began, 2)
        time.sleep(QUIET_SECONDS)
        self.tell("end")
        wait, idle = (each.recv() for each in self.watchers)
        more = round((self.attacked.process.memory_info().rss - memory) / 1e6)
        return {"wait": wait, "idle": idle, "seconds": seconds, "memory_mb": more, "gave": gave}

    def tell(self, word: str) -> None:
        for each in self.watchers:
            each.send(word)


@contextmanager
def opened(folder: Path) -> Iterator[Bench]:
    """The bench over a fresh index."""
    run_index([ROOT / "samples" / "handbook"], folder / "store", Release(embedding="wordllama-256"))
    (folder / "release.yaml").write_text(RELEASE, "utf-8")
    with ExitStack() as stack:
        model = stack.enter_context(serving(Endpoint(lambda body: "", lambda body: "raw")))
        attacked, idle = (stack.enter_context(one_server(folder, name, model)) for name in ("attacked", "idle"))
        yield Bench(attacked, model, [stack.enter_context(watcher(each.port)) for each in (attacked, idle)])


@contextmanager
def one_server(folder: Path, name: str, model: Endpoint) -> Iterator[Place]:
    own = {"WARRANT_INDEX": "store", "WARRANT_RELEASE": "release.yaml", "WARRANT_STATE": name}
    world = {**WORLD, **{key: str(folder / each) for key, each in own.items()}, "WARRANT_CHAT_URL": model.url}
    with server([str(ROOT / "warrant.py"), "serve", "--port"], world) as place:
        yield place


@contextmanager
def watcher(port: int) -> Iterator[Connection]:
    """A process that asks for health between `begin` and `end`, and then sends the longest wait."""
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
