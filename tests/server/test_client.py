"""WarrantClient against a real server, and against what stands between: a proxy that cuts, a server that is busy."""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import yaml
from langchain_core.callbacks import BaseCallbackHandler
from server_under_test import key_file, opening, serving, until
from support import QUICK

from graph.release import Models
from server.app import assemble
from server.client import AnswerFailed, WarrantClient
from server.releases.deployments import Deployments
from server.settings import ServerSettings

pytestmark = pytest.mark.anyio
LAPTOPS = {"question": "After how many years are laptops replaced?"}
HOTEL = {"question": "What is the hotel limit in the EU?"}
WRONG = {**HOTEL, "filters": {"nowhere": 1}}
REPLY = "Laptops are replaced every 4 years and telephones every 3 years [1]."


@pytest.fixture(scope="module")
def slow(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose model takes about a second, and which keeps no answers; its one key is key-of-ann."""
    folder = tmp_path_factory.mktemp("client")
    script = folder / "slow.yaml"
    script.write_text(yaml.safe_dump([{"reply": REPLY, "seconds_per_token": 0.08}]), "utf-8")
    release = QUICK.model_copy(update={"models": Models(simple=f"scripted:{script}", complex=f"scripted:{script}")})
    settings = ServerSettings(state=folder, keys=key_file(folder / "keys.yaml", ann="key-of-ann"))
    with serving(assemble(settings, Deployments(opening(quick_handbook, release, cache_answers=0)))) as url:
        yield url


@contextmanager
def listening(handle: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> Iterator[str]:
    """A TCP server in a thread of its own; gives its address as a runnable's."""
    ready = threading.Event()
    shared: dict[str, Any] = {}

    async def run() -> None:
        server = await asyncio.start_server(handle, "127.0.0.1", 0)
        shared.update(port=server.sockets[0].getsockname()[1], loop=asyncio.get_running_loop(), end=asyncio.Event())
        ready.set()
        await shared["end"].wait()
        server.close()
        connections = asyncio.all_tasks() - {asyncio.current_task()}
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await asyncio.sleep(0.01)  # transports close a turn of the loop later

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield f"http://127.0.0.1:{shared['port']}/rag"
    finally:
        shared["loop"].call_soon_threadsafe(shared["end"].set)
        thread.join(10)


class Cutting:
    """A proxy that breaks each of its first connections after so many bytes of reply; None: lets all of it through."""

    def __init__(self, url: str, *cuts: int | None) -> None:
        self._place = urlsplit(url)
        self._cuts = list(cuts)
        self.requests: list[str] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(self._place.hostname, self._place.port)
        left = self._cuts.pop(0) if self._cuts else None
        sending = asyncio.create_task(self._up(reader, back))
        try:
            while data := await there.read(4096):
                writer.write(data if left is None else data[:left])
                await writer.drain()
                left = None if left is None else left - len(data)
                if left is not None and left <= 0:
                    break
        except (ConnectionError, asyncio.CancelledError):
            pass  # one side has gone, or the test is over
        finally:
            sending.cancel()
            back.close()
            writer.close()

    async def _up(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while data := await reader.read(4096):
            if data[:4] in (b"GET ", b"POST"):
                self.requests.append(data.split(b" HTTP")[0].decode())
            back.write(data)


class Saying:
    """A server that gives these replies in turn, the last one for ever; `{}` stands for the answer."""

    def __init__(self, *replies: str) -> None:
        self._replies = list(replies)
        self.requests = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        self.requests += 1
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        status, _, rest = reply.partition("\n")
        headers, _, body = rest.partition("\n\n")
        lines = [f"HTTP/1.1 {status}", "connection: close", f"content-length: {len(body)}", *headers.splitlines()]
        if status != "none":
            writer.write("\r\n".join([*filter(None, lines), "", body]).encode())
            await writer.drain()
        writer.close()


GOOD = '200 OK\ncontent-type: application/json\n\n{"output": {"text": "It is so."}}'
BUSY = (
    '503 Busy\ncontent-type: application/json\nretry-after: 0\n\n{"error": {"code": "unavailable", "message": "Busy."}}'
)


def seqs(items: list[dict[str, Any]]) -> list[int]:
    return [item["seq"] for item in items]


def test_a_stream_that_is_cut_twice_has_every_item_once(slow: str) -> None:
    proxy = Cutting(slow, 1500, 700)
    with listening(proxy) as url:
        items = list(WarrantClient(url, key="key-of-ann").stream(LAPTOPS))
    assert seqs(items) == list(range(len(items)))
    assert "".join(item["text"] for item in items if item["event"] == "token") == REPLY
    assert items[-1]["event"] == "final"
    name = items[0]["request_id"]
    assert [line.partition("?")[0] for line in proxy.requests] == [
        "POST /rag/stream",
        *[f"GET /rag/streams/{name}"] * 2,
    ]


async def test_astream_goes_on_too(slow: str) -> None:
    proxy = Cutting(slow, 1500)
    with listening(proxy) as url:
        async with aclosing(WarrantClient(url, key="key-of-ann")) as client:
            items = [item async for item in client.astream(LAPTOPS)]
    assert seqs(items) == list(range(len(items)))
    assert items[-1]["answer"]["citations"][0]["file"] == "handbook/policies/acceptable-use.md"
    assert len(proxy.requests) == 2


def test_wherever_it_is_cut_no_item_is_lost_or_doubled(server: str) -> None:
    direct = WarrantClient(f"{server}/rag")
    direct.invoke(HOTEL)
    whole = seqs(list(direct.stream(HOTEL)))
    for place in range(50, 1500, 145):
        with listening(Cutting(server, place)) as url:
            assert seqs(list(WarrantClient(url).stream(HOTEL))) == whole


def test_a_stream_is_gone_on_with_a_bounded_number_of_times(slow: str) -> None:
    proxy = Cutting(slow, 1500, *[400] * 20)
    with listening(proxy) as url, pytest.raises(httpx.RemoteProtocolError):
        list(WarrantClient(url, key="key-of-ann", resumes=2).stream(LAPTOPS))
    assert len(proxy.requests) == 3


def test_a_question_of_a_session_is_never_asked_twice(slow: str) -> None:
    proxy = Cutting(slow, 50)
    with listening(proxy) as url, pytest.raises(httpx.RemoteProtocolError):
        list(WarrantClient(url, key="key-of-ann").stream({**LAPTOPS, "session_id": "once"}))
    assert len(proxy.requests) == 1
    busy = Saying("502 Bad Gateway\n\n", GOOD)
    with listening(busy) as url, pytest.raises(AnswerFailed, match="502"):
        WarrantClient(url).invoke({**LAPTOPS, "session_id": "once"})
    assert busy.requests == 1


def test_invoke_takes_a_key_and_a_timeout(slow: str) -> None:
    assert "every 4 years" in WarrantClient(f"{slow}/rag", key="key-of-ann").invoke(LAPTOPS)["text"]
    with pytest.raises(AnswerFailed) as refused:
        WarrantClient(f"{slow}/rag", key="wrong").invoke(LAPTOPS)
    assert (refused.value.code, refused.value.status) == ("unauthenticated", 401)
    with pytest.raises(httpx.TimeoutException):
        WarrantClient(f"{slow}/rag", key="key-of-ann", timeout=0.2).invoke(LAPTOPS)


@pytest.mark.parametrize("first", [BUSY, "429 Slow\nretry-after: 0\n\n", "502 Bad\n\n", "504 Late\n\n", "none"])
async def test_what_passes_is_asked_again(first: str) -> None:
    for way in ("invoke", "ainvoke"):
        server = Saying(first, GOOD)
        with listening(server) as url:
            async with aclosing(WarrantClient(url)) as client:
                answer = client.invoke(HOTEL) if way == "invoke" else await client.ainvoke(HOTEL)
        assert (answer["text"], server.requests) == ("It is so.", 2)


async def test_a_batch_is_asked_again_too() -> None:
    good = GOOD.replace('{"text": "It is so."}', '[{"text": "It is so."}]')
    for way in ("batch", "abatch"):
        server = Saying(BUSY, good)
        with listening(server) as url:
            async with aclosing(WarrantClient(url)) as client:
                answers = client.batch([HOTEL]) if way == "batch" else await client.abatch([HOTEL])
        assert (answers, server.requests) == ([{"text": "It is so."}], 2)


def test_a_stream_waits_for_a_busy_server(server: str) -> None:
    busy = Saying(BUSY, BUSY, BUSY)
    with listening(busy) as url, pytest.raises(AnswerFailed, match=r"Busy\.") as refused:
        list(WarrantClient(url, retries=2).stream(HOTEL))
    assert (refused.value.status, busy.requests) == (503, 3)


def test_retry_after_is_kept_to_unless_it_is_longer_than_the_timeout() -> None:
    server = Saying("429 Slow\nretry-after: 1\n\n", GOOD)
    with listening(server) as url:
        began = time.monotonic()
        WarrantClient(url).invoke(HOTEL)
        assert time.monotonic() - began >= 1
    server = Saying("429 Slow\nretry-after: 600\n\n", GOOD)
    with listening(server) as url, pytest.raises(AnswerFailed, match="429"):
        WarrantClient(url).invoke(HOTEL)
    assert server.requests == 1


@pytest.mark.parametrize("reply", ["500 Broken\n\n", "422 Wrong\n\n", "401 Who\n\n"])
def test_what_will_not_pass_is_not_asked_again(reply: str) -> None:
    server = Saying(reply, GOOD)
    with listening(server) as url, pytest.raises(AnswerFailed):
        WarrantClient(url).invoke(HOTEL)
    assert server.requests == 1


def test_a_server_that_is_not_there_is_given_up() -> None:
    with pytest.raises(httpx.ConnectError):
        WarrantClient("http://127.0.0.1:9/rag", retries=1).invoke(HOTEL)


async def test_a_refusal_has_code_message_id_and_status(server: str) -> None:
    client = WarrantClient(f"{server}/rag")

    async def streamed() -> list[Any]:
        return [item async for item in client.astream(WRONG)]

    async with aclosing(client):
        for ask in (client.ainvoke(WRONG), client.abatch([WRONG]), streamed()):
            with pytest.raises(AnswerFailed, match="nowhere") as refused:
                await ask
            error = refused.value
            assert (error.code, len(error.request_id), error.status) == ("filter_invalid", 32, 422)
        with pytest.raises(AnswerFailed, match="nowhere"):
            list(client.stream(WRONG))


async def test_one_question_of_a_batch_may_fail_alone(server: str) -> None:
    questions = [HOTEL, WRONG, LAPTOPS]
    async with aclosing(WarrantClient(f"{server}/rag")) as client:
        together = client.batch(questions, return_exceptions=True)
        for answers in (together, await client.abatch(questions, return_exceptions=True)):
            assert "145" in answers[0]["text"]
            assert isinstance(answers[1], AnswerFailed)
            assert "4 years" in answers[2]["text"]
        assert client.batch([], return_exceptions=True) == []
        with pytest.raises(AnswerFailed):
            client.batch(questions)


@pytest.mark.parametrize(("config", "most"), [(None, 4), ({"max_concurrency": 2}, 2)])
async def test_only_a_few_questions_of_a_batch_are_asked_together(config: Any, most: int) -> None:
    class Slow(Saying):
        under_way = together = 0

        async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.under_way += 1
            self.together = max(self.together, self.under_way)
            # The first wait for as many as are expected at once, and a little for one too many.
            async with asyncio.timeout(60):
                while self.together < most:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.05)
            await super().__call__(reader, writer)
            self.under_way -= 1

    server = Slow(GOOD)
    with listening(server) as url:
        async with aclosing(WarrantClient(url)) as client:
            assert len(await client.abatch([HOTEL] * 12, config, return_exceptions=True)) == 12
    assert server.together == most


def test_callbacks_see_one_run_that_ends_well(slow: str) -> None:
    class ErrorDetail(BaseCallbackHandler):
        ends: list[Any] = []  # noqa: RUF012 - one for the test

        def on_chain_error(self, error: BaseException, **kwargs: Any) -> None:
            self.ends.append(error)

        def on_chain_end(self, outputs: Any, **kwargs: Any) -> None:
            self.ends.append(outputs)

    with listening(Cutting(slow, 1500)) as url:
        list(WarrantClient(url, key="key-of-ann").stream(LAPTOPS, {"callbacks": [ErrorDetail()]}))
    assert [end["event"] for end in ErrorDetail.ends] == ["final"]


def test_who_stops_reading_stops_the_work(slow: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "warrant.questions"):
        client = WarrantClient(f"{slow}/rag", key="key-of-ann")
        with closing(client.stream(LAPTOPS)) as items:  # type: ignore[type-var]
            assert any(item["event"] == "token" for item in items)
        assert ended(caplog, 1) == ["cancelled"]


async def test_who_stops_reading_in_a_loop_stops_the_work_too(slow: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "warrant.questions"):
        client = WarrantClient(f"{slow}/rag", key="key-of-ann")
        async with aclosing(client.astream(LAPTOPS)) as items:  # type: ignore[type-var]
            async for item in items:
                if item["event"] == "token":
                    break
        await client.aclose()
        assert await asyncio.to_thread(ended, caplog, 1) == ["cancelled"]


def ended(caplog: pytest.LogCaptureFixture, expected: int) -> list[str]:
    """How questions ended, which is logged a moment later."""

    def codes() -> list[str]:
        return [record.__dict__["code"] for record in caplog.records if record.name == "warrant.questions"]

    until(lambda: len(codes()) >= expected)
    return codes()
