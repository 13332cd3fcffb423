"""`langgraph dev` serves the graph of langgraph.json, offline and without a key, from its own environment."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ROOT

LANGGRAPH = ROOT / ".venv-studio" / "bin" / "langgraph"
SECONDS = 90


def post(url: str, body: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


@pytest.fixture(scope="module")
def studio(handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("studio")
    config = json.loads((ROOT / "langgraph.json").read_text())
    (folder / "langgraph.json").write_text(json.dumps({**config, "dependencies": [str(ROOT)]}))
    log = (folder / "log").open("w")
    environment = {
        **os.environ,
        "WARRANT_INDEX": str(handbook),
        "LANGGRAPH_CLI_NO_ANALYTICS": "1",
        "LANGGRAPH_NO_VERSION_CHECK": "true",
        "LANGSMITH_TRACING": "false",
        "PATH": f"{LANGGRAPH.parent}:{os.environ['PATH']}",
    }
    command = [str(LANGGRAPH), "dev", "--port", str(port), "--no-browser", "--no-reload"]
    server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, server, folder / "log")
        yield url
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def wait_for(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/ok", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise AssertionError(f"langgraph dev did not start: {log.read_text()[-3000:]}")


@pytest.mark.slow
def test_a_question_goes_through_the_api_of_langgraph_dev(studio: str) -> None:
    question = {"question": "What is the minimum number of characters for my password?"}
    reply = post(f"{studio}/runs/wait", {"assistant_id": "warrant", "input": question})
    assert reply["answer"]["status"] == "answered"
    assert "handbook/policies/access-control.md" in {citation["file"] for citation in reply["answer"]["citations"]}


@pytest.mark.slow
def test_langgraph_dev_shows_the_graph_with_its_steps(studio: str) -> None:
    [assistant] = post(f"{studio}/assistants/search", {})
    with urllib.request.urlopen(f"{studio}/assistants/{assistant['assistant_id']}/graph", timeout=30) as response:
        nodes = {node["id"] for node in json.load(response)["nodes"]}
    assert nodes >= {"preprocess", "retrieve", "rerank", "route", "generate", "fallback", "cite"}
