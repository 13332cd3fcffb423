"""Each trap of LangServe over LangGraph that is known, with a test that falls into it when the guard is gone."""

import asyncio
import http.client
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from server_under_test import app_over, opening, scripted, serving, until, wait_until_begun
from support import QUICK

from graph.agent import Agent
from graph.release import Generation
from server.app import assemble
from server.releases.deployments import Deployments
from server.serving import configuration
from server.settings import ServerSettings

LAPTOPS = {"question": "After how many years are laptops replaced?"}
HOTEL = {"question": "What is the hotel limit in the EU?"}
STATE = ("candidates", "passages", "selection", "searches", "standalone", "signals", "similar", "climbed", "draft")
SECRET = "postgres://user:secret@database"


@pytest.fixture
def client(server: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server, timeout=60) as client:
        yield client


class FakeGraph:
    """Says what it is told in place of the compiled graph."""

    def __init__(self, say: Callable[[], AsyncIterator[dict[str, Any]]]) -> None:
        self._say = say

    def astream(self, *_: object, **__: object) -> AsyncIterator[dict[str, Any]]:
        return self._say()


@pytest.fixture
def serve_fake(quick_handbook: Path, tmp_path: Path) -> Callable[..., Any]:
    """A server whose graph is a fake one; `deadline` and `grace` in seconds."""

    def start(say: Callable[[], AsyncIterator[dict[str, Any]]], deadline: float = 60.0, grace: float = 5.0) -> Any:
        async def fake() -> Agent:
            real = await opening(quick_handbook, QUICK)()
            release = QUICK.model_copy(update={"generation": Generation(deadline=deadline)})
            return Agent(release, real.backend, cast("Any", FakeGraph(say)))

        return serving(assemble(ServerSettings(state=tmp_path, grace=grace), Deployments(fake)))

    return start


@pytest.fixture(scope="module")
def slow(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server whose model takes some ten seconds to say a sentence."""
    folder = tmp_path_factory.mktemp("slow")
    reply = "Laptops are replaced every 4 years and telephones every 3 years [1]."
    with (
        serving(app_over(quick_handbook, folder, scripted(folder, {"reply": reply, "seconds_per_token": 0.8}))) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client


def said(reply: httpx.Response) -> list[dict[str, Any]]:
    """The data of a stream's events."""
    return [json.loads(line[5:]) for line in reply.text.splitlines() if line.startswith("data:")]


def keys(value: Any) -> set[str]:
    """Every key of every object in a JSON value."""
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys(inner)}
    return {key for inner in value for key in keys(inner)} if isinstance(value, list) else set()


@pytest.mark.parametrize("route", ["invoke", "batch", "stream", "stream_log", "stream_events"])
def test_nothing_of_the_graph_s_state_leaves(client: httpx.Client, route: str) -> None:
    body = {"inputs": [LAPTOPS]} if route == "batch" else {"input": LAPTOPS}
    reply = client.post(f"/rag/{route}", json=body)
    assert "every 4 years" in reply.text
    found = keys(reply.json()) if route in ("invoke", "batch") else keys(said(reply))
    assert found & set(STATE) == set()
    assert "langgraph" not in reply.text


@pytest.mark.parametrize("route", ["stream", "stream_events"])
def test_a_stream_has_the_public_items_alone(client: httpx.Client, route: str) -> None:
    events = said(client.post(f"/rag/{route}", json={"input": LAPTOPS}))
    items = [event["data"]["chunk"] for event in events if event.get("event") == "on_chain_stream"]
    items = items or [event for event in events if "seq" in event]
    assert [item["seq"] for item in items] == list(range(len(items)))
    assert {item["event"] for item in items} == {"status", "token", "citation", "final"}


def test_no_field_is_called_type(client: httpx.Client) -> None:
    events = said(client.post("/rag/stream", json={"input": HOTEL}))
    assert "type" not in keys([event for event in events if "seq" in event])


def test_no_schema_holds_a_null_that_would_blank_the_playground(client: httpx.Client) -> None:
    assert '"null"' not in client.get("/rag/input_schema").text


def test_a_thread_id_of_the_client_opens_nobody_s_conversation(client: httpx.Client) -> None:
    client.post("/rag/invoke", json={"input": {**HOTEL, "session_id": "kept"}})
    config = {"configurable": {"thread_id": "anonymous/kept", "session_id": "kept"}}
    reply = client.post("/rag/invoke", json={"input": {"question": "And in Switzerland?"}, "config": config})
    assert "hotel" not in reply.json()["output"]["asked"]


def test_numpy_values_become_plain_ones(serve_fake: Callable[..., Any], client: httpx.Client) -> None:
    real = client.post("/rag/invoke", json={"input": LAPTOPS}).json()["output"]

    async def say() -> AsyncIterator[dict[str, Any]]:
        answer = {**real, "confidence": np.float32(0.5), "timings": {"cite": np.float64(1.5)}, "parts": np.array(["a"])}
        yield {"answer": answer}

    with serve_fake(say) as url:
        for route in ("invoke", "stream"):
            reply = httpx.post(f"{url}/rag/{route}", timeout=60, json={"input": LAPTOPS})
            answer = reply.json()["output"] if route == "invoke" else said(reply)[-1]["answer"]
            assert (answer["confidence"], answer["timings"], answer["parts"]) == (0.5, {"cite": 1.5}, ["a"])


def test_a_batch_is_bounded(client: httpx.Client) -> None:
    reply = client.post("/rag/batch", json={"inputs": [LAPTOPS] * 33})
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "batch_too_large")
    assert "32" in reply.json()["error"]["message"]


def test_every_question_of_a_batch_is_counted(client: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "warrant"):
        reply = client.post("/rag/batch", json={"inputs": [LAPTOPS, HOTEL, LAPTOPS]})
        request = records(caplog, "warrant.access", 1)[0]
        questions = records(caplog, "warrant.questions", 3)
    assert (reply.status_code, request.__dict__["questions"], len(questions)) == (200, 3, 3)


def test_one_wrong_question_of_a_batch_is_named_and_nothing_breaks(client: httpx.Client) -> None:
    reply = client.post("/rag/batch", json={"inputs": [LAPTOPS, {"question": 3}]})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "invalid")
    reply = client.post("/rag/batch", json={"inputs": [LAPTOPS, {"question": "?"}]})
    assert (reply.status_code, reply.json()["error"]["code"]) == (422, "question_invalid")


@pytest.mark.parametrize("route", ["invoke", "batch", "stream", "stream_log", "stream_events", "playground/"])
def test_there_is_no_second_way_in_by_a_config_hash(client: httpx.Client, route: str) -> None:
    send = client.get if route == "playground/" else client.post
    options: dict[str, Any] = {} if route == "playground/" else {"json": {"input": LAPTOPS}}
    assert send(f"/rag/c/N4IgDghgTg/{route}", **options).status_code == 404


def test_an_error_in_a_stream_is_a_typed_item(client: httpx.Client) -> None:
    items = said(client.post("/rag/stream", json={"input": {**LAPTOPS, "filters": {"nowhere": 1}}}))
    assert items[-1]["event"] == "error"
    assert items[-1]["error"]["code"] == "filter_invalid"
    assert items[-1]["error"]["request_id"] == items[1]["request_id"]


@pytest.mark.parametrize("route", ["invoke", "stream", "stream_log", "batch"])
def test_what_breaks_inside_is_told_without_its_secrets(serve_fake: Callable[..., Any], route: str) -> None:
    async def say() -> AsyncIterator[dict[str, Any]]:
        yield {}
        raise ValueError(SECRET)

    with serve_fake(say) as url:
        body = {"inputs": [LAPTOPS]} if route == "batch" else {"input": LAPTOPS}
        reply = httpx.post(f"{url}/rag/{route}", timeout=60, json=body)
        assert "internal" in reply.text
        assert SECRET not in reply.text
        assert "Traceback" not in reply.text
        assert reply.status_code == (500 if route in ("invoke", "batch") else 200)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/rag/invoke", b"{", 422),
        ("/rag/invoke", b'{"input": "\xff"}', 400),
        ("/rag/invoke", b"[" * 100_000, 400),
        ("/rag/invoke", b'{"input": {"question": "?"}}', 422),
        ("/rag/batch", b'{"inputs": 3}', 422),
        ("/rag/batch", b'{"inputs": [3], "config": "x"}', 422),
        ("/rag/batch", b'{"inputs": [{"question": "Why?"}], "config": [1]}', 422),
        ("/rag/invoke", b'{"input": {"question": "Why?"}, "config": 3}', 422),
        ("/rag/stream", b"[]", 422),
        ("/nowhere", b"{}", 404),
    ],
)
def test_the_connection_outlives_an_error(server: str, path: str, body: bytes, status: int) -> None:
    connection = http.client.HTTPConnection(urlsplit(server).netloc, timeout=60)
    try:
        for _ in range(2):
            connection.request("POST", path, body, {"content-type": "application/json"})
            reply = connection.getresponse()
            error = json.loads(reply.read())["error"]
            assert (reply.status, set(error)) == (status, {"code", "message", "request_id"})
            socket = connection.sock
            assert socket is not None
    finally:
        connection.close()


def test_the_connection_outlives_a_failure_inside(serve_fake: Callable[..., Any]) -> None:
    async def say() -> AsyncIterator[dict[str, Any]]:
        raise ValueError(SECRET)
        yield {}

    with serve_fake(say) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        sockets = []
        for _ in range(2):
            connection.request(
                "POST", "/rag/invoke", json.dumps({"input": LAPTOPS}), {"content-type": "application/json"}
            )
            reply = connection.getresponse()
            reply.read()
            sockets.append(connection.sock)
            assert reply.status == 500
        assert sockets[0] is sockets[1] is not None
        connection.close()


@pytest.mark.parametrize("route", ["invoke", "batch", "stream", "stream_log", "stream_events"])
def test_work_stops_when_the_client_leaves(slow: httpx.Client, caplog: pytest.LogCaptureFixture, route: str) -> None:
    body = {"inputs": [LAPTOPS]} if route == "batch" else {"input": LAPTOPS}
    with caplog.at_level(logging.INFO, "warrant.questions"):
        leave_when_begun(slow, f"/rag/{route}", body)
        ended = records(caplog, "warrant.questions", 1)
    assert [record.__dict__["code"] for record in ended] == ["cancelled"]


def leave_when_begun(client: httpx.Client, path: str, body: dict[str, Any]) -> None:
    """Send a request, and hang up when it is worked on."""
    place = client.base_url
    with closing(http.client.HTTPConnection(place.host, place.port)) as connection:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        wait_until_begun(str(place))


def records(caplog: pytest.LogCaptureFixture, name: str, expected: int) -> list[logging.LogRecord]:
    """What a logger was told: it may come a moment after the reply."""
    until(lambda: len([r for r in caplog.records if r.name == name]) >= expected)
    return [record for record in caplog.records if record.name == name]


@pytest.mark.parametrize("route", ["invoke", "stream"])
def test_a_question_that_hangs_ends_at_its_deadline(serve_fake: Callable[..., Any], route: str) -> None:
    async def say() -> AsyncIterator[dict[str, Any]]:
        yield {}
        await asyncio.Event().wait()

    with serve_fake(say, deadline=0.2, grace=0.1) as url:
        reply = httpx.post(f"{url}/rag/{route}", json={"input": LAPTOPS}, timeout=60)
    item = reply.json() if route == "invoke" else said(reply)[-1]
    assert item["error"]["code"] == "deadline"
    assert reply.status_code == (504 if route == "invoke" else 200)


def test_a_slow_model_is_streamed_token_by_token(quick_handbook: Path, tmp_path: Path) -> None:
    reply = "Laptops are replaced every 4 years and telephones every 3 years [1]."
    with serving(app_over(quick_handbook, tmp_path, scripted(tmp_path, {"reply": reply}))) as url:
        items = said(httpx.post(f"{url}/rag/stream", timeout=60, json={"input": LAPTOPS}))
    tokens = [item["text"] for item in items if item.get("event") == "token"]
    assert "".join(tokens) == reply
    # Numbers are held back until it is known whether they are sensitive.
    assert len(tokens) >= 5


def test_a_stream_ends_on_the_release_that_it_began_with(quick_handbook: Path, tmp_path: Path) -> None:
    release = scripted(tmp_path, {"reply": "Laptops are replaced every 4 years [1].", "seconds_per_token": 0.1})
    old, new = (release.model_copy(update={"name": name}) for name in ("old", "new"))
    app = app_over(quick_handbook, tmp_path, old)
    another = asyncio.run(open_it(opening(quick_handbook, new)))
    with serving(app) as url, httpx.stream("POST", f"{url}/rag/stream", json={"input": LAPTOPS}, timeout=60) as reply:
        lines = (line for line in reply.iter_lines() if '"event"' in line)
        assert "token" in next(line for line in lines if "token" in line)
        app.state.server.deployments.swap(another)
        final = json.loads(list(lines)[-1][5:])["answer"]
        later = httpx.post(f"{url}/rag/invoke", json={"input": LAPTOPS}, timeout=60).json()["output"]
    assert (final["release"], later["release"]) == (old.label, new.label)


async def open_it(opening: Callable[[], Awaitable[Agent]]) -> Agent:
    return await opening()


def test_workers_run_on_a_loop_that_does_not_wait_for_more_to_send() -> None:
    assert configuration(ServerSettings(workers=2)).loop == "uvloop"
