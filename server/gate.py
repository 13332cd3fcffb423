"""What every HTTP request passes: an id, the caller, the limits, and an end to the work when the client has left.

The body is read here, whole and within its limit, so that from then on the only thing that can still arrive is news
that the client has gone; LangServe would let an invoke run on.
"""

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from typing import Protocol
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.bodies import check_body
from server.callers import ANONYMOUS, Callers
from server.context import Request, enter
from server.errors import problem_of, refuse
from server.settings import LOOPBACK, ServerSettings
from server.tracks import settle_track

log = logging.getLogger("warrant.access")
ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
DOORS = {"/v1/": "openai", "/mcp": "mcp", "/rag/": "rag"}
OPEN = ("/", "/healthz", "/readyz", "/signin", "/favicon.ico", "/admin/webhook")
"""Paths that need no key; what they show is the same for everybody."""
OPEN_FOLDERS = ("/static/",)
LEFT = 499
"""The status in logs and metrics of a request whose client did not wait for the answer."""


class Books(Protocol):
    """Is told of every request once it has ended; must neither wait nor raise."""

    def request_ended(self, request: Request, scope: Scope, status: int, seconds: float) -> None: ...


class Gate:
    """The outermost layer of ours."""

    def __init__(self, app: ASGIApp, callers: Callers, settings: ServerSettings, books: Books) -> None:
        self._app, self._callers, self._settings, self._books = app, callers, settings, books

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        scope, track, path = settle_track(scope)
        resumable = headers.get("warrant-resumable") == "true"
        request = Request(uuid4().hex, _client_id(headers), door=_door(path), track=track, resumable=resumable)
        enter(request)
        reply = _Reply(send, request)
        try:
            self._admit(scope, path, headers, request)
            await self._serve(scope, receive, reply)
        except Exception as error:  # noqa: BLE001 - whatever it is, it becomes an error's body
            await self._apologise(error, scope, receive, reply)
        finally:
            seconds = time.perf_counter() - request.began
            self._books.request_ended(request, scope, reply.status or LEFT, seconds)

    def _admit(self, scope: Scope, path: str, headers: Mapping[str, str], request: Request) -> None:
        """Raises Refused for an unknown host, a body that no page may send, or a caller whom nobody knows."""
        if not self._answers_for(headers.get("host", "")):
            raise refuse(421)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        # A page of another site may send a form to this machine, but JSON only if we allow it.
        if scope["method"] == "POST" and kind != "application/json":
            raise refuse(415)
        caller = self._callers.who(headers)
        if caller is None and not (path in OPEN or path.startswith(OPEN_FOLDERS)):
            raise refuse(401)
        request.caller = caller or ANONYMOUS

    def _answers_for(self, host: str) -> bool:
        """On loopback only its own names count: another name that leads here is somebody's trick."""
        if not self._settings.on_loopback or "*" in self._settings.hosts:
            return True
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        return name.strip("[]") in (*LOOPBACK, *self._settings.hosts)

    async def _serve(self, scope: Scope, receive: Receive, reply: "_Reply") -> None:
        """Run the application, and stop it when the client leaves."""
        body = await self._body(receive)
        if body is None:
            return
        check_body(body)
        left = asyncio.Event()
        watcher = asyncio.create_task(_until_left(receive, left))
        work = asyncio.create_task(self._work(scope, _replay(body, left), reply))
        try:
            await asyncio.wait({work, watcher}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and not reply.complete:
                work.cancel()
            await asyncio.wait({work})
        finally:
            watcher.cancel()
            work.cancel()
        if not work.cancelled():
            work.result()

    async def _work(self, scope: Scope, receive: Receive, reply: "_Reply") -> None:
        await self._app(scope, receive, reply.send)

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body; None when the client left before it was there. Raises Refused (413)."""
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size, more = size + len(parts[-1]), message.get("more_body", False)
            if size > self._settings.max_body:
                raise refuse(413, f"A request may have {self._settings.max_body} bytes; this one has more.")
        return b"".join(parts)

    async def _apologise(self, error: Exception, scope: Scope, receive: Receive, reply: "_Reply") -> None:
        """Tell what went wrong in one body; what has begun can only be broken off."""
        problem = problem_of(error)
        if problem.status >= 500:
            log.error("a request failed", exc_info=error, extra={"request_id": reply.request.id, "code": problem.code})
        if reply.status:
            raise error
        response = JSONResponse(problem.body(reply.request.id), problem.status)
        if problem.status == 401:
            response.headers["www-authenticate"] = "Bearer"
        if problem.status == 413:
            response.headers["connection"] = "close"
        await response(scope, receive, reply.send)


class _Reply:
    """Puts the request's id and our own share of its time into the response's headers."""

    def __init__(self, send: Send, request: Request) -> None:
        self._send, self.request = send, request
        self.status, self.complete = 0, False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            spent = (time.perf_counter() - self.request.began) * 1000
            headers = MutableHeaders(scope=message)
            headers["x-request-id"] = self.request.client_id or self.request.id
            headers["x-content-type-options"] = "nosniff"
            own = max(0.0, spent - self.request.graph_ms)
            headers["server-timing"] = f"graph;dur={self.request.graph_ms:.1f}, warrant;dur={own:.1f}"
        elif message["type"] == "http.response.body":
            self.complete = not message.get("more_body", False)
        await self._send(message)


def _client_id(headers: Mapping[str, str]) -> str:
    """What the client calls the request, where it is fit to be written to a log and into a header."""
    offered = headers.get("x-request-id", "")
    return offered if ID.fullmatch(offered) else ""


def _door(path: str) -> str:
    return next((door for start, door in DOORS.items() if path.startswith(start)), "page")


async def _until_left(receive: Receive, left: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    left.set()


def _replay(body: bytes, left: asyncio.Event) -> Receive:
    """Hands the body over once, and then only the news that the client has left."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await left.wait()
        return {"type": "http.disconnect"}

    return receive
