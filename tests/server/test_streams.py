"""A stream that was cut: how long it waits to be taken up again, for whom, and what it then gives."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, aclosing, closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from server_under_test import key_file, opening, serving, until
from support import QUICK

from graph.callers import Caller
from graph.release import Generation, Models
from server.app import assemble
from server.errors import RequestRefused
from server.releases.deployments import Deployments
from server.settings import ServerSettings
from server.streams import AnswerStream, Emit, ResumableStreams

LAPTOPS = {"input": {"question": "After how many years are laptops replaced?"}}
REPLY = "Laptops are replaced every 4 years and telephones every 3 years [1]."
RESUMABLE = {"warrant-resumable": "true"}
ENDLESS = f"{REPLY} " * 500
PER_TOKEN = 0.1
PATIENCE = 60.0
"""Seconds for which a test waits for what is to happen soon."""
LONG, SHORT = 1000.0, 0.2
"""Seconds for which a stream waits to be taken up again: no test lasts as long, and hardly any time."""
Items = list[dict[str, Any]]
Start = Callable[..., httpx.Client]


@pytest.fixture(scope="module")
def start(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts servers whose streams wait for so many seconds, and whose model says a reply word by word."""
    with ExitStack() as stack:

        def start(resume: float, reply: str) -> httpx.Client:
            folder = tmp_path_factory.mktemp("streams")
            script = folder / "slow.yaml"
            script.write_text(yaml.safe_dump([{"reply": reply, "seconds_per_token": PER_TOKEN}]), "utf-8")
            models = Models(simple=f"scripted:{script}", complex=f"scripted:{script}")
            release = QUICK.model_copy(update={"models": models, "generation": Generation(deadline=300)})
            keys = key_file(folder / "keys.yaml", ann="key-of-ann", bob="key-of-bob")
            settings = ServerSettings(state=folder, keys=keys, resume=resume, max_streams=3)
            app = assemble(settings, Deployments(opening(quick_handbook, release, cache_answers=0)))
            client = httpx.Client(base_url=stack.enter_context(serving(app)), timeout=60)
            client.headers["authorization"] = "Bearer key-of-ann"
            return stack.enter_context(client)

        yield start


@pytest.fixture(scope="module")
def client(start: Start) -> httpx.Client:
    """A server whose model says one sentence, and whose streams wait."""
    return start(LONG, REPLY)


@pytest.fixture(scope="module")
def endless(start: Start) -> httpx.Client:
    """A server whose model does not come to an end, and whose streams wait."""
    return start(LONG, ENDLESS)


@pytest.fixture(scope="module")
def hasty(start: Start) -> httpx.Client:
    """A server whose model does not come to an end, and whose streams hardly wait."""
    return start(SHORT, ENDLESS)


def items_of(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.startswith("data:") and '"seq"' in line:
            yield json.loads(line[5:])


def begin(client: httpx.Client, tokens: int = 1, headers: dict[str, str] | None = None) -> Items:
    """The items of a stream up to so many tokens; then the connection is dropped."""
    got: Items = []
    with client.stream("POST", "/rag/stream", json=LAPTOPS, headers={**RESUMABLE, **(headers or {})}) as reply:
        for item in items_of(reply.iter_lines()):
            got.append(item)
            if sum(each["event"] == "token" for each in got) == tokens:
                break
    return got


def resume(client: httpx.Client, name: str, after: int) -> Items:
    reply = client.get(f"/rag/streams/{name}", params={"after": after})
    assert reply.status_code == 200, reply.text
    return list(items_of(iter(reply.text.splitlines())))


def name_of(items: Items) -> str:
    name: str = items[0]["request_id"]
    return name


def codes(caplog: pytest.LogCaptureFixture, name: str) -> list[str]:
    """How the question of a stream ended, as the log says; streams of other tests may end meanwhile."""
    questions = [record.__dict__ for record in caplog.records if record.name == "warrant.questions"]
    return [each["code"] for each in questions if each["request_id"] == name]


def test_a_dropped_stream_goes_on_where_it_was(client: httpx.Client) -> None:
    first = begin(client, tokens=3)
    assert first[-1]["event"] == "token"
    rest = resume(client, name_of(first), first[-1]["seq"])
    assert [item["seq"] for item in first + rest] == list(range(len(first + rest)))
    assert "".join(item["text"] for item in first + rest if item["event"] == "token") == REPLY
    assert rest[-1]["event"] == "final"


def test_what_comes_after_the_last_event_id_is_sent(client: httpx.Client) -> None:
    first = begin(client)
    rest = client.get(f"/rag/streams/{name_of(first)}", headers={"last-event-id": "2"})
    assert next(items_of(iter(rest.text.splitlines())))["seq"] == 3
    assert "id: 3\n" in rest.text
    assert rest.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("wrong", [{"after": "-2"}, {"after": "x"}, {"last-event-id": "9" * 5000}])
def test_a_place_that_is_none_is_refused(client: httpx.Client, wrong: dict[str, str]) -> None:
    query = {name: value for name, value in wrong.items() if name == "after"}
    headers = {name: value for name, value in wrong.items() if name != "after"}
    reply = client.get("/rag/streams/whatever", params=query, headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "invalid")


def test_an_ended_stream_can_be_read_again(client: httpx.Client) -> None:
    whole = begin(client, tokens=10**6)
    assert whole[-1]["event"] == "final"
    assert resume(client, name_of(whole), -1) == whole
    assert resume(client, name_of(whole), whole[-2]["seq"]) == whole[-1:]


def test_a_stream_is_its_caller_s_alone(client: httpx.Client) -> None:
    name = name_of(begin(client))
    other = client.get(f"/rag/streams/{name}", headers={"authorization": "Bearer key-of-bob"})
    assert (other.status_code, other.json()["error"]["code"]) == (404, "not_found")
    assert client.get("/rag/streams/0123456789").status_code == 404


def test_streams_that_clients_call_the_same_are_two(client: httpx.Client) -> None:
    named = {"x-request-id": "the-same-id"}
    mine, again = (begin(client, tokens=10**6, headers=named) for _ in range(2))
    assert len({name_of(mine), name_of(again), "the-same-id"}) == 3
    assert resume(client, name_of(mine), -1) == mine
    assert client.get("/rag/streams/the-same-id").status_code == 404


@pytest.mark.anyio
async def test_a_caller_with_many_streams_drops_no_other_s() -> None:
    async def work(say: Emit) -> None:
        say({"event": "final"})

    ann, bob = Caller(name="ann"), Caller(name="bob")
    streams, theirs = ResumableStreams(seconds=30, limit=3), AnswerStream(work)
    streams.add("theirs", bob, theirs, 1)
    for number in range(4):
        streams.add(f"mine-{number}", ann, AnswerStream(work), 1)
    assert streams.find("theirs", bob) is theirs
    assert [streams.find(f"mine-{number}", ann) is not None for number in (2, 3)] == [True, True]
    for gone, caller in (("mine-1", ann), ("theirs", ann), ("mine-3", bob)):
        with pytest.raises(RequestRefused, match="no stream by that id"):
            streams.find(gone, caller)


class Still(asyncio.SelectorEventLoop):
    """A loop whose clock stands still but for what a test adds to it."""

    now = 0.0

    def time(self) -> float:
        return self.now

    async def pass_by(self, seconds: float) -> None:
        self.now += seconds
        for _ in range(5):
            await asyncio.sleep(0)


async def speak(emit: Emit) -> None:
    emit({"event": "token"})
    await asyncio.Event().wait()


async def look(run: AnswerStream) -> None:
    """Follow a stream for one item, and leave."""
    async with aclosing(run.follow()) as items:
        await anext(items)


def test_a_run_stops_when_nobody_has_come_back_in_time() -> None:
    async def leave() -> list[bool]:
        run, seen = AnswerStream(speak, linger=10), []
        await look(run)
        for seconds in (9, 2):
            await loop.pass_by(seconds)
            seen.append(run.stopped)
        return seen

    with closing(Still()) as loop:
        assert loop.run_until_complete(leave()) == [False, True]


def test_the_wait_begins_anew_with_each_who_leaves() -> None:
    async def come_back() -> list[bool]:
        run, seen = AnswerStream(speak, linger=10), []
        for _ in range(3):
            await look(run)
            await loop.pass_by(9)
            seen.append(run.stopped)
        await loop.pass_by(2)
        return [*seen, run.stopped]

    with closing(Still()) as loop:
        assert loop.run_until_complete(come_back()) == [False, False, False, True]


def test_work_stops_when_nobody_comes_back(hasty: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "warrant.questions"):
        name = name_of(begin(hasty))
        until(lambda: codes(caplog, name) == ["cancelled"], PATIENCE)
    assert hasty.get(f"/rag/streams/{name}").status_code == 404


def test_a_stream_that_was_taken_up_again_can_be_dropped_again(client: httpx.Client) -> None:
    first = begin(client)
    with client.stream("GET", f"/rag/streams/{name_of(first)}", params={"after": first[-1]["seq"]}) as reply:
        next(items_of(reply.iter_lines()))
    assert resume(client, name_of(first), -1)[-1]["event"] == "final"


def test_one_of_two_readers_may_leave(client: httpx.Client) -> None:
    name = name_of(begin(client))
    with client.stream("GET", f"/rag/streams/{name}") as staying:
        items = items_of(staying.iter_lines())
        next(items)
        assert status(client, name) == 200
        assert list(items)[-1]["event"] == "final"


def test_a_stream_that_is_not_resumable_stops_at_once(endless: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "warrant.questions"):
        name = name_of(begin(endless, headers={"warrant-resumable": "false"}))
        until(lambda: codes(caplog, name) == ["cancelled"], PATIENCE)
    assert endless.get(f"/rag/streams/{name}").status_code == 404


def test_only_so_many_streams_are_kept(client: httpx.Client) -> None:
    names = [name_of(begin(client)) for _ in range(4)]
    assert [status(client, name) for name in names] == [404, 200, 200, 200]


def status(client: httpx.Client, name: str) -> int:
    with client.stream("GET", f"/rag/streams/{name}") as reply:
        return reply.status_code


def test_a_stream_that_is_not_wanted_any_more_is_stopped_at_once(
    endless: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "warrant.questions"):
        name = begin(endless)[0]["request_id"]
        assert endless.delete(f"/rag/streams/{name}", headers={"authorization": "Bearer key-of-bob"}).status_code == 404
        assert endless.delete(f"/rag/streams/{name}").status_code == 204
        until(lambda: codes(caplog, name) == ["cancelled"], PATIENCE)
    assert endless.get(f"/rag/streams/{name}").status_code == 404
