"""LangServe's routes: RemoteRunnable against a real server."""

import asyncio
from typing import Any

import pytest
from langserve import RemoteRunnable

Remote = RemoteRunnable[dict[str, Any], Any]
HOTEL = {"question": "What is the hotel limit in the EU?"}


@pytest.fixture
def remote(server: str) -> Remote:
    return RemoteRunnable(f"{server}/rag")


def test_ainvoke_batch_stream_and_astream(remote: Remote) -> None:
    async def go() -> None:
        one = await remote.ainvoke(HOTEL)
        items = [item async for item in remote.astream(HOTEL)]
        assert items[-1]["answer"]["text"] == one["text"]

    asyncio.run(go())
    assert [answer["text"] for answer in remote.batch([HOTEL, HOTEL])] == [remote.invoke(HOTEL)["text"]] * 2
    items = list(remote.stream(HOTEL))
    assert [item["seq"] for item in items] == list(range(len(items)))
    assert {item["event"] for item in items} == {"status", "token", "citation", "final"}
