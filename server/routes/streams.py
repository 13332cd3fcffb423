"""Server-sent events, and the routes that resume or stop a stream requested with `Warrant-Resumable: true`."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from starlette.responses import StreamingResponse

from server.context import this_request
from server.service import AnswerService
from server.streams import AnswerStream

After = Annotated[int, Query(ge=-1, lt=10**9)]
LastEvent = Annotated[str, Header(pattern=r"^[0-9]{0,9}$")]


def stream_routes(service: AnswerService) -> APIRouter:
    """GET and DELETE /rag/streams/{id}, the id being the `request_id` of the stream's first item."""
    routes = APIRouter(tags=["rag"])

    @routes.get("/rag/streams/{stream}", response_class=StreamingResponse, responses=EVENTS)
    async def resume(stream: str, after: After = -1, last_event_id: LastEvent = "") -> StreamingResponse:
        """The items whose `seq` is greater than `after`, or than the Last-Event-ID header says."""
        answer_stream = service.streams.find(stream, this_request().caller)
        last = int(last_event_id) if last_event_id else after
        return StreamingResponse(_events(answer_stream, last), media_type="text/event-stream", headers=UNCACHED)

    @routes.delete("/rag/streams/{stream}", status_code=204)
    async def stop(stream: str) -> None:
        """Stop a stream that you do not want to resume."""
        service.streams.find(stream, this_request().caller).stop()

    return routes


async def _events(stream: AnswerStream, after: int) -> AsyncIterator[str]:
    async with aclosing(with_pings(stream.follow(after))) as items:
        async for item in items:
            yield PING if item is None else event(item, kind="data", name=str(item["seq"]))
    yield "event: end\n\n"


PING = ": still here\n\n"
PING_INTERVAL = 10.0
UNCACHED = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""Headers against caching and buffering by proxies."""
EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events", "content": {"text/event-stream": {}}}
}


def event(value: Any, *, kind: str = "", name: str = "") -> str:
    """One event with a JSON value."""
    head = (f"event: {kind}\n" if kind else "") + (f"id: {name}\n" if name else "")
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


_END = object()
