"""How long a user waits for a new process: `warrant --help` and `warrant ask`, beside what they cannot go below.

Set: samples/handbook of this repository, indexed first; the data folder is not used. Every command runs in a process
of its own, seven times, in turns. `--help` is a ratio of an empty Python, `ask` one of importing the three
libraries that it stands on; ours may be below 1, since the command skips parts of them. `cpu`, the seconds that a
process computes, says the same on a machine that is busy with something else. `serve` lasts until the server
says where it is, and is a ratio of importing the libraries of its APIs too.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT, Target, begin, print_table, record, spread, timed

RUNS = 7
SERVER_IMPORTS = "import lancedb, langgraph.graph, onnxruntime, langserve, uvicorn, mcp.server"
WARRANT = str(Path(sys.executable).with_name("warrant"))
QUESTION = "What is the minimum number of characters for my password?"
BESIDE = {"help": "python", "ask": "imports", "serve": "server imports"}
"""What each command is a ratio of."""
SECONDS = {"help": 0.3, "ask": 3.0, "serve": 8.0}


def main() -> None:
    begin(__doc__)
    with tempfile.TemporaryDirectory() as place:
        store = str(Path(place) / "store")
        run([WARRANT, "index", str(ROOT / "samples" / "handbook"), "--out", store])
        results = measure(
            {
                "python": [sys.executable, "-c", "pass"],
                "imports": [sys.executable, "-c", "import lancedb, langgraph.graph, onnxruntime"],
                "help": [WARRANT, "--help"],
                "ask": [WARRANT, "ask", QUESTION, "--index", store],
                "server imports": [sys.executable, "-c", SERVER_IMPORTS],
                "serve": [WARRANT, "serve", "--port", "0", "--index", store],
            }
        )
    for name, other in BESIDE.items():
        results[name]["ratio"] = round(results[name]["median"] / results[other]["median"], 2)
    rows = [(name, row["best"], row["median"], row["cpu"], row.get("ratio", "")) for name, row in results.items()]
    print_table(f"Seconds of a new process, {RUNS} runs", ("command", "best", "median", "cpu", "ratio"), rows)
    targets = [Target(f"{name} median", results[name]["median"], at_most=most) for name, most in SECONDS.items()]
    record("start", results, targets)


def measure(commands: Mapping[str, Sequence[str]]) -> dict[str, dict[str, Any]]:
    """The seconds of each command, run in turns, and the median of what they computed."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    computed: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, command in commands.items():
            before = os.times()
            seconds[name].append(timed(run, command).seconds)
            after = os.times()
            user, system = (after[n] - before[n] for n in (2, 3))  # Those of processes that have ended.
            computed[name].append(user + system)
    return {
        name: {**{key: spread(spent)[key] for key in ("best", "median")}, "cpu": spread(computed[name])["median"]}
        for name, spent in seconds.items()
    }


def run(command: Sequence[str]) -> None:
    """Run a command to its end, or a server until it says where it is."""
    if command[1] != "serve":
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        if not any("http://127.0.0.1" in line for line in process.stderr):
            sys.exit("The server ended before it was ready.")
        process.kill()


if __name__ == "__main__":
    main()
