"""/healthz says that the process answers, /readyz whether questions are answered and what there is trouble with."""

import asyncio
from pathlib import Path

import httpx
from server_under_test import app_over, key_file, serving
from support import QUICK

from graph.agent import Agent
from server.app import assemble
from server.releases.deployments import Deployments
from server.settings import ServerSettings


def test_a_server_that_answers_says_what_it_serves(server: str) -> None:
    assert httpx.get(f"{server}/healthz", timeout=60).json() == {"status": "ok"}
    ready = httpx.get(f"{server}/readyz", timeout=60).json()
    assert ready["release"].startswith("quick@")
    assert ready["traces"] == "off"
    assert set(ready["breakers"]) == {"closed", "half_open", "open"}


def test_a_server_that_does_not_answer_yet_is_alive_but_not_ready(tmp_path: Path) -> None:
    async def for_ever() -> Agent:
        await asyncio.Event().wait()
        raise AssertionError

    app = assemble(ServerSettings(state=tmp_path), Deployments(for_ever))

    async def look() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return [await client.get(path) for path in ("/healthz", "/readyz", "/metrics")]

    alive, ready, metrics = asyncio.run(look())
    assert alive.status_code == 200
    assert (ready.status_code, ready.json()["error"]["code"]) == (503, "unavailable")
    assert metrics.status_code == 503


def test_nothing_that_is_told_without_a_key_names_a_model_or_a_place(quick_handbook: Path, tmp_path: Path) -> None:
    keys = key_file(tmp_path / "keys.yaml", ann="key-of-ann")
    with serving(app_over(quick_handbook, tmp_path, QUICK, keys=keys)) as url:
        ready = httpx.get(f"{url}/readyz", timeout=60)
    assert ready.status_code == 200
    served = {"release", "version", "snapshot", "standing", "override", "staging", "split", "registry", "trouble"}
    assert set(ready.json()) == {"status", "breakers", "traces", *served}
    assert all(isinstance(count, int) for count in ready.json()["breakers"].values())
    assert str(tmp_path) not in ready.text
