"""What governance costs: a server with keys, limits, quotas, audit log and usage, beside one without keys or limits.

Set: samples/handbook of this repository, indexed first with static vectors; the data folder is not used. Both servers
answer from their cache, so that little else is in the figures, and are asked in turns: what else the machine does falls
on both. CPU is the server's own time, user and system, for a request. The governed server has 100 keys of which one
asks, two limits and two quotas, and records every question in the audit log before it is answered. The other one counts
usage too, which cannot be turned off.
"""

import http.client
import json
import statistics
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks.record import ROOT, Target, begin, print_table, record
from benchmarks.serving import QUESTIONS, Place, server
from benchmarks.stores import run_index
from graph.callers import Caller
from graph.keys import new_key
from graph.release import Release

ROUNDS, REQUESTS, KEYS = 15, 200, 100
BODY = json.dumps({"input": {"question": QUESTIONS[0]}}).encode()
LIMITS = [
    {"of": "caller", "requests": 10_000_000, "per": "minute"},
    {"of": "endpoint", "requests": 10_000_000, "per": "hour"},
    {"of": "team", "tokens": 1e15, "per": "month"},
    {"of": "team", "cost": 1e9, "per": "month"},
]
MOST_MS = 2.0


def main() -> None:
    begin(__doc__)
    with tempfile.TemporaryDirectory() as place, ExitStack() as stack:
        folder = Path(place)
        (folder / "release.yaml").write_text("name: static\nembedding: wordllama-256\n", "utf-8")
        (folder / "limits.yaml").write_text(json.dumps(LIMITS), "utf-8")
        key = _write_keys(folder / "keys.yaml")
        run_index([ROOT / "samples" / "handbook"], folder / "store", Release(embedding="wordllama-256"))
        world = {"WARRANT_INDEX": str(folder / "store"), "WARRANT_RELEASE": str(folder / "release.yaml")}
        governed = {
            "WARRANT_KEYS": str(folder / "keys.yaml"),
            "WARRANT_LIMITS": str(folder / "limits.yaml"),
            "WARRANT_AUDIT_QUESTIONS": "true",
            "WARRANT_AUDIT": str(folder / "audit.jsonl"),
        }
        command = [str(ROOT / "warrant.py"), "serve", "--port"]
        ways = {"off": ({}, {}), "on": (governed, {"authorization": f"Bearer {key}"})}
        places = {
            name: stack.enter_context(server(command, {**world, **own, "WARRANT_STATE": str(folder / name)}))
            for name, (own, _) in ways.items()
        }
        for name, (_, headers) in ways.items():
            ask(places[name], headers)
        spent: dict[str, list[float]] = {name: [] for name in ways}
        for _ in track(range(ROUNDS), "Asking in turns"):
            for name, (_, headers) in ways.items():
                spent[name].append(ask(places[name], headers))
    results: dict[str, Any] = {name: round(statistics.median(each), 3) for name, each in spent.items()}
    more = [on - off for on, off in zip(spent["on"], spent["off"], strict=True)]
    results["more"] = round(statistics.median(more), 3)
    print_table("CPU of one request, median of rounds", ("governance", "ms"), list(results.items()))
    record("governance", {"cpu_ms": results}, [Target("CPU ms of governance", results["more"], at_most=MOST_MS)])


def _write_keys(path: Path) -> str:
    """A file of many callers; the key of the last one."""
    callers = [Caller(name=f"caller{number}", team=f"team{number % 10}", groups=["staff"]) for number in range(KEYS)]
    made = [new_key(caller, None) for caller in callers]
    path.write_text(json.dumps([entry.model_dump(mode="json", exclude_defaults=True) for _, entry in made]), "utf-8")
    path.chmod(0o600)
    return made[-1][0]


def ask(place: Place, headers: dict[str, str]) -> float:
    """The CPU milliseconds of a request, as the mean of so many that the 10 ms in which CPU is counted do not show."""
    before = place.cpu()
    with closing(http.client.HTTPConnection("127.0.0.1", place.port, timeout=300)) as connection:
        for _ in range(REQUESTS):
            connection.request("POST", "/rag/invoke", BODY, {"content-type": "application/json", **headers})
            reply = connection.getresponse()
            text = reply.read()
            if reply.status != 200:
                raise SystemExit(f"The server gave {reply.status}: {text[:300]!r}")
    return 1000 * (place.cpu() - before) / REQUESTS


if __name__ == "__main__":
    main()
