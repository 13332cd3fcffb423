"""How many questions are answered at once, who is next, and who is refused."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from server_under_test import app_over, serving, until, wait_until_begun

from graph.callers import Caller
from graph.release import Models, Release
from server.context import RequestContext
from server.errors import RequestRefused
from server.limits.capacity import Capacity
from server.limits.memory import memory_in_use
from server.settings import ServerSettings

HOTEL = {"input": {"question": "What is the hotel limit in the EU?"}}


async def turns(capacity: Capacity, asked: list[str]) -> list[str]:
    """The questions, each `TEAM [NAME ...]`, in the order in which they got a place, or `503 TEAM`."""
    order: list[str] = []
    everybody_asked = asyncio.Event()

    async def ask(question: str) -> None:
        team, *names = question.split()
        request = RequestContext("id", caller=Caller(name="ann", team=team.rstrip("0123456789")))
        try:
            async with capacity.place(request, names):
                order.append(team)
                await everybody_asked.wait()
        except RequestRefused as refused:
            order.append(f"{refused.response.status} {team}")

    tasks = [asyncio.create_task(ask(each)) for each in asked]
    for _ in range(10):
        await asyncio.sleep(0)
    everybody_asked.set()
    await asyncio.gather(*tasks)
    return order


@pytest.mark.parametrize(
    ("settings", "asked", "order"),
    [
        ({"at_once": 2}, ["a1", "a2", "a3"], ["a1", "a2", "a3"]),
        ({"at_once": 1}, ["a1", "a2", "a3", "b1"], ["a1", "b1", "a2", "a3"]),
        ({"at_once": 3}, ["a1", "a2", "b1", "a3", "b2", "c1"], ["a1", "a2", "b1", "c1", "a3", "b2"]),
        ({"caps": {"staging": 1}}, ["a1 staging", "a2 staging", "a3 production"], ["a1", "a3", "a2"]),
        ({"caps": {"v2": 9, "model": 1}}, ["a1 v2 model", "b1 v3 model", "b2 v2 other"], ["a1", "b2", "b1"]),
        ({"at_once": 1, "waiting": 2}, ["a1", "a2", "a3", "a4", "b1"], ["a1", "503 a4", "503 a3", "b1", "a2"]),
        ({"at_once": 1, "waiting": 0}, ["a1", "b1"], ["a1", "503 b1"]),
        ({"at_once": 1, "wait": 0}, ["a1", "a2"], ["a1", "503 a2"]),
    ],
)
def test_questions_take_turns(settings: dict[str, Any], asked: list[str], order: list[str]) -> None:
    capacity = Capacity(ServerSettings(**settings))
    assert asyncio.run(turns(capacity, asked)) == order
    assert asyncio.run(turns(capacity, ["d1"])) == ["d1"], "a place was lost"


def test_none_is_taken_while_memory_is_short() -> None:
    used = [0.95]
    capacity = Capacity(ServerSettings(memory=0.95), lambda: used[0])
    assert asyncio.run(turns(capacity, ["a1", "b1"])) == ["503 a1", "503 b1"]
    used[0] = 0.94
    assert asyncio.run(turns(capacity, ["a1"])) == ["a1"]


GROUP = {"memory.max": "1000\n", "memory.current": "950\n", "memory.stat": "anon 700\ninactive_file 150\n"}
MACHINE = "MemTotal:       4000 kB\nMemFree:         100 kB\nMemAvailable:   1000 kB\n"


@pytest.mark.parametrize(
    ("group", "machine", "share"),
    [(GROUP, MACHINE, 0.8), ({**GROUP, "memory.max": "max\n"}, MACHINE, 0.75), ({}, MACHINE, 0.75), ({}, "", 0.0)],
)
def test_memory_is_the_containers_or_the_machines(
    group: dict[str, str], machine: str, share: float, tmp_path: Path
) -> None:
    for name, text in {**{f"sys/fs/cgroup/{each}": group[each] for each in group}, "proc/meminfo": machine}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "ascii")
    assert memory_in_use(tmp_path) == pytest.approx(share)


def test_who_leaves_gives_its_place_or_its_turn_up() -> None:
    async def leave() -> None:
        capacity = Capacity(ServerSettings(at_once=1))

        async def ask() -> None:
            async with capacity.place(RequestContext("id"), ()):
                await asyncio.Event().wait()

        tasks = [asyncio.create_task(ask()) for _ in range(3)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert await turns(capacity, ["a1"]) == ["a1"]

    asyncio.run(leave())


def test_a_server_that_is_short_of_memory_says_so(quick_handbook: Path, tmp_path: Path) -> None:
    with serving(app_over(quick_handbook, tmp_path, Release(embedding="wordllama-256"), memory=0.0001)) as url:
        refused = httpx.post(f"{url}/rag/invoke", json=HOTEL, timeout=60)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
        assert httpx.get(f"{url}/healthz", timeout=60).status_code == 200


def test_a_server_that_is_full_says_so_and_when_to_ask_again(quick_handbook: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    slow = {"when": "telephones", "reply": "Telephones are replaced every 3 years [1].", "seconds_per_token": 60}
    script.write_text(yaml.safe_dump([slow, {"reply": "The limit is EUR 145 per night. [1]"}]), "utf-8")
    release = Release(embedding="wordllama-256", models=Models(simple=f"scripted:{script}", complex="extractive"))
    with serving(app_over(quick_handbook, tmp_path, release, at_once=1, waiting=0)) as url:
        body = {"input": {"question": "After how many years are telephones replaced?"}}
        with httpx.stream("POST", f"{url}/rag/stream", json=body, timeout=60):
            wait_until_begun(url)
            full = httpx.post(f"{url}/rag/invoke", json=HOTEL, timeout=60)
        assert (full.status_code, full.json()["error"]["code"]) == (503, "overloaded")
        assert int(full.headers["retry-after"]) >= 1
        until(lambda: httpx.post(f"{url}/rag/invoke", json=HOTEL, timeout=60).status_code == 200)
