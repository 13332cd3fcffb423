"""Takes up a stream again that was asked for with `Warrant-Resumable: true` and dropped on the way."""

from collections.abc import AsyncIterator
from contextlib import aclosing

from fastapi import APIRouter, Header
from starlette.responses import StreamingResponse

from server.context import this_request
from server.desk import Desk
from server.doors.events import EVENTS, PING, event, with_pings
from server.runs import Run


def stream_routes(desk: Desk) -> APIRouter:
    """GET /rag/streams/{id}, the id being the one of the request that began it."""
    routes = APIRouter(tags=["rag"])

    @routes.get("/rag/streams/{stream}", response_class=StreamingResponse, responses=EVENTS)
    async def resume(stream: str, after: int = -1, last_event_id: str = Header("")) -> StreamingResponse:
        """The items whose `seq` is greater than `after`, or than the Last-Event-ID header says."""
        run = desk.runs.find(stream, this_request().caller)
        last = int(last_event_id) if last_event_id.isdecimal() else after
        return StreamingResponse(_events(run, max(last, -1)), media_type="text/event-stream")

    return routes


async def _events(run: Run, after: int) -> AsyncIterator[str]:
    async with aclosing(with_pings(run.follow(after))) as items:
        async for item in items:
            yield PING if item is None else event(item, kind="data", name=str(item["seq"]))
    yield "event: end\n\n"
