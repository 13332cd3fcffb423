"""Takes up a stream again that was asked for with `Warrant-Resumable: true` and dropped on the way, or stops it."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import APIRouter, Header, Query
from starlette.responses import StreamingResponse

from server.context import this_request
from server.desk import Desk
from server.doors.events import EVENTS, PING, UNCACHED, event, with_pings
from server.runs import Run

After = Annotated[int, Query(ge=-1, lt=10**9)]
LastEvent = Annotated[str, Header(pattern=r"^[0-9]{0,9}$")]


def stream_routes(desk: Desk) -> APIRouter:
    """GET and DELETE /rag/streams/{id}, the id being the `request_id` of the stream's first item."""
    routes = APIRouter(tags=["rag"])

    @routes.get("/rag/streams/{stream}", response_class=StreamingResponse, responses=EVENTS)
    async def resume(stream: str, after: After = -1, last_event_id: LastEvent = "") -> StreamingResponse:
        """The items whose `seq` is greater than `after`, or than the Last-Event-ID header says."""
        run = desk.runs.find(stream, this_request().caller)
        last = int(last_event_id) if last_event_id else after
        return StreamingResponse(_events(run, last), media_type="text/event-stream", headers=UNCACHED)

    @routes.delete("/rag/streams/{stream}", status_code=204)
    async def stop(stream: str) -> None:
        """Stop the work of a stream that you do not want to go on with."""
        desk.runs.find(stream, this_request().caller).stop()

    return routes


async def _events(run: Run, after: int) -> AsyncIterator[str]:
    async with aclosing(with_pings(run.follow(after))) as items:
        async for item in items:
            yield PING if item is None else event(item, kind="data", name=str(item["seq"]))
    yield "event: end\n\n"
