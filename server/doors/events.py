"""Server-sent events as our own doors write them."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

PING = ": still here\n\n"
SECONDS_BETWEEN_PINGS = 10.0
UNCACHED = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""Headers of a stream that is neither kept nor held back by what stands between."""
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events", "content": {"text/event-stream": {}}}
}


def event(value: Any, *, kind: str = "", name: str = "") -> str:
    """One event with a JSON value."""
    head = (f"event: {kind}\n" if kind else "") + (f"id: {name}\n" if name else "")
    return f"{head}data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n"


async def with_pings(
    items: AsyncGenerator[Any, None], seconds: float = SECONDS_BETWEEN_PINGS
) -> AsyncGenerator[Any, None]:
    """The same items, and None whenever none has come for a while, so that no proxy takes the stream for dead."""
    coming: asyncio.Task[Any] | None = None
    try:
        while True:
            coming = coming or asyncio.ensure_future(anext(items, _END))
            done, _ = await asyncio.wait({coming}, timeout=seconds)
            if not done:
                yield None
                continue
            item, coming = coming.result(), None
            if item is _END:
                return
            yield item
    finally:
        if coming:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
        await items.aclose()


_END = object()
