"""`warrant promote` and `warrant rollback` killed by SIGKILL: at every write to the database, and at random moments."""

import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import ROOT
from versions_under_test import ENVIRONMENT, MODEL, Made

from graph.registry.client import Registry, open_registry
from graph.registry.promotion import Override, PromotionEvidence, promote
from graph.registry.transitions import Actor, Reason, productions
from graph.registry.write_ahead import recover
from graph.release import Release

pytestmark = pytest.mark.slow

ME = Actor("test", socket.gethostname(), os.getpid())
COMMANDS = {"promote": ("promote 2 --to production -t CHG-2", 2), "rollback": ("rollback --from v2", 1)}
NURSERY = """
import gc, json, os, signal, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from warrant import main

def die_at(write):  # Before the n-th transaction that has written anything is committed.
    left, written = [write], set()
    def executed(connection, cursor, statement, *_):
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            written.add(connection)
    def committed(connection):
        left[0] -= connection in written
        written.discard(connection)
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
    event.listen(Engine, "before_cursor_execute", executed)
    event.listen(Engine, "commit", committed)

# What a child would spend its time on is done once; its connections are its own.
stdout = os.dup(1)
os.dup2(2, 1)
for line in ("promote 2 --to production -t CHG-1", "rollback"):
    assert not main(line.split())
for engine in [each for each in gc.get_objects() if isinstance(each, Engine)]:
    engine.dispose()
os.dup2(stdout, 1)

for line in sys.stdin:
    told = json.loads(line)
    child = os.fork()
    if not child:
        sys.stdin.close()
        os.dup2(2, 1)
        if told["write"]:
            die_at(told["write"])
        os._exit(main(told["arguments"]) or 0)
    print(child, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Nursery:
    """Runs commands in processes of their own that have MLflow ready."""

    process: subprocess.Popen[str]

    def run(self, line: str, *, write: int = 0, after: float | None = None) -> int:
        """The exit code of a command that dies at its n-th write, or is killed after some seconds."""
        assert self.process.stdin
        self.process.stdin.write(json.dumps({"arguments": line.split(), "write": write}) + "\n")
        self.process.stdin.flush()
        child = int(self._line())
        if after is not None:
            time.sleep(after)
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        return int(self._line())

    def _line(self) -> str:
        assert self.process.stdout
        assert select.select([self.process.stdout], [], [], 60)[0]
        return self.process.stdout.readline()


@pytest.fixture(scope="module")
def made(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two versions with warrants; the first is in production."""
    made = Made(Path(shutil.copytree(empty.parent, tmp_path_factory.mktemp("killed"), dirs_exist_ok=True)))
    registry = open_registry(made.uri, MODEL)
    for name in ("one", "two"):
        number = made.add(Release(name=name))
        promote(
            registry,
            ME,
            str(number),
            "production",
            Reason(),
            PromotionEvidence(override=Override("test", "test", "T-1")),
        )
    promote(registry, ME, "1", "production", Reason())
    return made


@pytest.fixture(scope="module")
def nursery(made: Made) -> Iterator[Nursery]:
    told = {
        "WARRANT_REGISTRY": made.uri,
        "WARRANT_USER": "alice",
        "PYTHONPATH": str(ROOT),
        "MLFLOW_DISABLE_TELEMETRY": "1",
    }
    command = [sys.executable, "-c", NURSERY]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=made.place, env={**ENVIRONMENT, **told}
    )
    with process:
        yield Nursery(process)
        assert process.stdin
        process.stdin.close()


def check_whole(registry: Registry, number: int) -> None:
    """One production, a trail that agrees with it, and copies that agree with both."""
    settled = recover(registry, ME)
    assert registry.placement().aliases["production"] == number
    assert productions(settled.transitions)[-1] == number
    assert [move for move in settled.transitions if move.state == "under way" or move.action == "found"] == []
    tagged = {version.number: version.tags["warrant.stage"] for version in registry.versions()}
    assert tagged == {number: "production", 3 - number: "archived"}


def kill_and_repeat(registry: Registry, nursery: Nursery, name: str, *, look: bool, **how: Any) -> bool:
    """Kill a command and give it again; gives whether it was killed. `look`: somebody looks at the list in between."""
    line, number = COMMANDS[name]
    code = nursery.run(line, **how)
    assert code in (0, -signal.SIGKILL)
    here = registry.placement().aliases["production"]
    assert here in (1, 2)
    if look:
        check_whole(registry, here)
    assert nursery.run(line) == 0
    check_whole(registry, number)
    return code != 0


def test_killed_at_any_write_the_registry_is_whole_and_the_command_repeatable(made: Made, nursery: Nursery) -> None:
    registry = open_registry(made.uri, MODEL)
    killed = dict.fromkeys(COMMANDS, 0)
    for write in range(1, 30):
        dead = [kill_and_repeat(registry, nursery, name, look=write % 2 == 0, write=write) for name in COMMANDS]
        for name, each in zip(COMMANDS, dead, strict=True):
            killed[name] += each
        if not any(dead):
            break
    assert 5 <= min(killed.values()) <= max(killed.values()) < 29


def test_killed_at_random_moments_the_registry_is_whole_and_the_command_repeatable(
    made: Made, nursery: Nursery
) -> None:
    registry = open_registry(made.uri, MODEL)
    start = time.monotonic()
    for name in COMMANDS:
        assert nursery.run(COMMANDS[name][0]) == 0
    longest = (time.monotonic() - start) / 2
    chance = random.Random(7)
    killed = 0
    for _ in range(12):
        for name in COMMANDS:
            after = chance.uniform(0.2, 1.0) * longest
            was_killed = kill_and_repeat(registry, nursery, name, look=chance.random() < 0.5, after=after)
            killed += was_killed
            # A machine that was busy while the commands were timed is quicker now.
            longest *= 1.0 if was_killed else 0.8
    assert killed >= 12
