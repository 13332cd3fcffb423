"""OpenAI's APIs over a model that takes its time: what is said while it writes, what it cost, and who stops it."""

import asyncio
import http.client
import json
import logging
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from openai import OpenAI
from server_under_test import app_over, scripted, serving, until

from server.routes.events import with_pings

LAPTOPS = "After how many years are laptops replaced?"
UNASKED = ("When are telephones replaced?", "How often are telephones replaced?", "How long are telephones kept?")
"""An answer from the cache costs nothing, so each of these is asked once."""
REPLY = "Laptops are replaced every 4 years and telephones every 3 years [1]."
CHAT: dict[str, Any] = {"model": "warrant", "messages": [{"role": "user", "content": LAPTOPS}]}
RESPONSE: dict[str, Any] = {"model": "warrant", "input": LAPTOPS}
ASKED = {"/v1/chat/completions": CHAT, "/v1/responses": RESPONSE}
TO_WRITE = 0.5
"""Seconds until the model has written about telephones; about laptops it takes a minute."""


@pytest.fixture(scope="module")
def url(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose model writes."""
    folder = tmp_path_factory.mktemp("openai")
    rules = {"when": "telephones", "reply": REPLY, "seconds": TO_WRITE}, {"reply": REPLY, "seconds": 60.0}
    with serving(app_over(quick_handbook, folder, scripted(folder, *rules))) as url:
        yield url


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("path", ASKED)
def test_work_stops_when_the_client_leaves(url: str, caplog: pytest.LogCaptureFixture, path: str, stream: bool) -> None:
    with caplog.at_level(logging.INFO, "warrant.questions"):
        leave(url, path, {**ASKED[path], "stream": stream}, begun=stream)
        ended = questions(caplog)
    assert [record.__dict__["code"] for record in ended] == ["cancelled"]


def leave(url: str, path: str, body: dict[str, Any], *, begun: bool) -> None:
    """Hang up once the reply has begun, or while the model writes."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)) as connection:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        if begun:
            assert connection.getresponse().readline()
        else:
            time.sleep(0.5)


def questions(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """What the log says of questions that ended; it may come a moment later."""
    found: list[logging.LogRecord] = until(lambda: [r for r in caplog.records if r.name == "warrant.questions"])
    return found


@pytest.mark.parametrize("path", ASKED)
def test_a_stream_begins_at_once_and_no_proxy_keeps_it(url: str, path: str) -> None:
    with httpx.stream("POST", url + path, json={**ASKED[path], "stream": True}, timeout=60) as reply:
        first = json.loads(next(line for line in reply.iter_lines() if line.startswith("data:"))[5:])
    assert first.get("type") == "response.created" or first["choices"][0]["delta"]["role"] == "assistant"
    assert (reply.headers["cache-control"], reply.headers["x-accel-buffering"]) == ("no-store", "no")


def test_what_the_model_counted_is_the_usage(url: str) -> None:
    said: list[list[Any]] = [[{"role": "user", "content": question}] for question in UNASKED]
    with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        response = client.responses.create(model="warrant", input=said[0])
        chat = client.chat.completions.create(model="warrant", messages=said[1])
        *_, final, last = client.chat.completions.create(
            model="warrant", messages=said[2], stream=True, stream_options={"include_usage": True}
        )
    assert response.usage
    assert chat.usage
    assert last.usage
    assert (response.usage.input_tokens, response.usage.output_tokens) == counted(response)
    assert (chat.usage.prompt_tokens, chat.usage.completion_tokens) == counted(chat)
    assert (last.usage.prompt_tokens, last.usage.completion_tokens) == counted(final)
    assert chat.usage.total_tokens == sum(counted(chat))
    for reply in (response, chat, final):
        assert counted(reply)[1] == len(REPLY.split())


def counted(reply: Any) -> tuple[int, int]:
    """What the Answer beside a reply says of it."""
    usage = reply.model_extra["warrant"]["usage"]
    return usage["input_tokens"], usage["output_tokens"]


@pytest.mark.anyio
async def test_a_quiet_stream_is_kept_alive() -> None:
    async def late() -> AsyncGenerator[str, None]:
        await asyncio.sleep(0.2)
        yield "said"

    came = [item async for item in with_pings(late(), seconds=0.05)]
    assert came[0] is None
    assert came[-1] == "said"
    assert came.count("said") == 1
