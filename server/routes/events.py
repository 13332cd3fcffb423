"""Server-sent events."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

PING = ": still here\n\n"
PING_INTERVAL = 10.0
UNCACHED = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""Headers against caching and buffering by proxies."""
_END = object()


def event(value: Any, *, kind: str = "") -> str:
    """One event with a JSON value."""
    head = f"event: {kind}\n" if kind else ""
    return f"{head}data: {json.dumps(value, ensure_ascii=False, separators=(',', ':'))}\n\n"


async def with_pings(items: AsyncGenerator[Any, None], seconds: float = PING_INTERVAL) -> AsyncGenerator[Any, None]:
    """The same items, and None after each silent interval, so that proxies keep the connection open."""
    pending: asyncio.Task[Any] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(anext(items, _END))
            done, _ = await asyncio.wait({pending}, timeout=seconds)
            if not done:
                yield None
                continue
            item, pending = pending.result(), None
            if item is _END:
                return
            yield item
    finally:
        if pending:
            pending.cancel()
            await asyncio.gather(pending, return_exceptions=True)
        await items.aclose()
