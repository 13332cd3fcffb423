"""A real uvicorn on a free port, for the tests of every API."""

import asyncio
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
import yaml
from fastapi import FastAPI
from metrics_under_test import Numbers
from support import QUICK, ROOT

from graph.agent import Agent, open_agent
from graph.callers import Role
from graph.keys import digest
from graph.release import Models, Release
from graph.settings import Settings
from server.app import assemble
from server.releases.deployments import Deployments
from server.serving import configuration, listen
from server.settings import ServerSettings

ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


def opening(index: Path, release: Release, **settings: object) -> Callable[[], Awaitable[Agent]]:
    """How a Live opens a release over a Snapshot, in the loop of the server."""
    own = Settings(index=index, threads=1, **settings)  # type: ignore[arg-type]
    return lambda: open_agent(own, release)


def app_over(index: Path, state: Path, release: Release, **settings: object) -> FastAPI:
    """The application over a Snapshot; `settings` are the server's."""
    settings = {"audit": state / "audit.jsonl", **settings}
    return assemble(ServerSettings(state=state, **settings), Deployments(opening(index, release)))  # type: ignore[arg-type]


def scripted(folder: Path, *rules: dict[str, Any]) -> Release:
    """A quick release whose model replies as a script's rules say."""
    script = folder / "script.yaml"
    script.write_text(yaml.safe_dump(list(rules)), "utf-8")
    models = Models(simple=f"scripted:{script}", complex=f"scripted:{script}")
    return QUICK.model_copy(update={"models": models})


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve until the end of the block; gives the address."""
    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(configuration(app.state.server.settings, app))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        thread.join(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)


def until(look: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait for what other threads and processes do: what `look` returns once that is true."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
    return found


def wait_until_begun(url: str) -> None:
    """Wait for a question to be worked on."""
    until(lambda: Numbers(httpx.get(f"{url}/metrics", timeout=60).text).total("warrant_questions_in_progress"))


def reload(client: httpx.Client) -> dict[str, Any]:
    """Have the server look for what it is to serve at once; what it says of that."""
    reply = client.post("/admin/reload", json={})
    assert reply.status_code == 200, reply.text
    reloaded: dict[str, Any] = reply.json()
    return reloaded


def ready(client: httpx.Client) -> dict[str, Any]:
    """What the server says of itself."""
    readiness: dict[str, Any] = client.get("/readyz").json()
    return readiness


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def key_file(path: Path, **keys: str) -> Path:
    """A file of callers by name, each with its key; `name__group` is in that group.

    `chief` is an MLOps engineer, everybody else of an application's team.
    """
    salt = "00" * 16
    callers = [
        {
            "name": name,
            "roles": [Role.MLOPS_ENGINEER.value if name == "chief" else Role.APP_TEAM.value],
            "salt": salt,
            "sha256": digest(salt, key),
            "groups": groups,
        }
        for whole, key in keys.items()
        for name, *groups in [whole.split("__")]
    ]
    path.write_text(yaml.safe_dump(callers), "utf-8")
    return path


@contextmanager
def warrant_serve(*options: str | Path, **environment: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start the command and wait until it says where it is."""
    command = [sys.executable, str(ROOT / "warrant.py"), "serve", "--port", "0", *map(str, options)]
    variables = {**os.environ, **environment}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=variables) as process:
        try:
            assert process.stderr
            lines = []
            for line in process.stderr:
                lines.append(line)
                if found := ADDRESS.search(line):
                    # A pipe that nobody reads fills up, and then every worker waits to write its log.
                    threading.Thread(target=process.stderr.read, daemon=True).start()
                    yield found.group(), process
                    break
            else:
                raise AssertionError("".join(lines))
        finally:
            process.kill()
