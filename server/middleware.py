"""The middleware around every route: request id, authentication, limits, and cancellation when the client disconnects.

It reads the whole body, within its limit, before the application runs. After that the only message that can arrive is
the client's disconnect, on which the work is cancelled; LangServe would let an invoke run on.
"""

import asyncio
import logging
import re
import time
from collections.abc import Mapping
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from graph.callers import ANONYMOUS
from graph.registry.stages import PRODUCTION
from server.audit import Audit
from server.auth.authentication import Authenticator
from server.context import RequestContext, enter, split_target
from server.errors import error_response, refuse
from server.observability.observers import Observer
from server.roles import is_public, permission_for
from server.settings import LOOPBACK, ServerSettings

log = logging.getLogger("warrant.access")
ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
APIS = {"/v1/": "openai", "/responses": "openai", "/invocations": "openai", "/mcp": "mcp", "/rag/": "rag"}
CLIENT_CLOSED_REQUEST = 499
"""The status in logs and metrics when the client disconnected before the response."""
MAX_TOKENS, MAX_DEPTH = 20_000, 500
"""JSON tokens and nesting of a body; 32 questions with 40 turns each have some 14,000 tokens."""
TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},:]', re.DOTALL)
DEPTH_CHANGE = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


class RequestMiddleware:
    """The outermost ASGI layer."""

    def __init__(
        self, app: ASGIApp, callers: Authenticator, settings: ServerSettings, observers: Observer, audit: Audit
    ) -> None:
        self._app, self._callers, self._settings, self._observers = app, callers, settings, observers
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        scope, target, path = split_target(scope)
        request = RequestContext(uuid4().hex, _client_id(headers), api=_api(path), target=target)
        enter(request)
        response = _Response(send, request)
        try:
            await self._admit(scope, path, headers, request)
            await self._serve(scope, receive, response)
        except Exception as error:  # noqa: BLE001 - every exception becomes an error body
            await self._send_error(error, scope, receive, response)
        finally:
            seconds = time.perf_counter() - request.began
            self._observers.request_ended(request, scope, response.status or CLIENT_CLOSED_REQUEST, seconds)

    async def _admit(self, scope: Scope, path: str, headers: Mapping[str, str], request: RequestContext) -> None:
        """Check host, media type, key and permission; raises RequestRefused."""
        if not self._accepts_host(headers.get("host", "")):
            raise refuse(421)
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        # Another site's page may post a form to this machine, but JSON only if CORS allows it.
        if scope["method"] == "POST" and kind != "application/json":
            raise refuse(415)
        public = is_public(path)
        peer = _peer(scope)
        caller = ANONYMOUS if public else await self._callers.authenticate(headers, peer)
        if caller is None:
            await self._audit.refused(ANONYMOUS, scope["path"], 401, peer)
            raise refuse(401)
        request.caller, request.user_token = caller, "" if public else self._callers.user_token(headers)
        needed = permission_for(path, production=request.target == PRODUCTION)
        if needed and not caller.may(needed):
            await self._audit.refused(caller, scope["path"], 403, peer)
            raise refuse(403, f"Your role may not do this: it needs the permission {needed}.")

    def _accepts_host(self, host: str) -> bool:
        """On loopback only its own names are accepted, against DNS rebinding."""
        if not self._settings.on_loopback or "*" in self._settings.hosts:
            return True
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        return name.strip("[]") in (*LOOPBACK, *self._settings.hosts)

    async def _serve(self, scope: Scope, receive: Receive, response: "_Response") -> None:
        """Run the application, and cancel it when the client disconnects."""
        body = await self._body(receive)
        if body is None:
            return
        check_body(body)
        disconnected = asyncio.Event()
        watcher = asyncio.create_task(_watch_disconnect(receive, disconnected))
        work = asyncio.create_task(self._run(scope, _replay(body, disconnected), response))
        try:
            await asyncio.wait({work, watcher}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and not response.complete:
                work.cancel()
            await asyncio.wait({work})
        finally:
            watcher.cancel()
            work.cancel()
        if not work.cancelled():
            work.result()

    async def _run(self, scope: Scope, receive: Receive, response: "_Response") -> None:
        await self._app(scope, receive, response.send)

    async def _body(self, receive: Receive) -> bytes | None:
        """The whole body; None when the client disconnected while sending it. Raises RequestRefused (413)."""
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

    async def _send_error(self, error: Exception, scope: Scope, receive: Receive, response: "_Response") -> None:
        """Send an error body; a response that has started can only be broken off."""
        refusal = error_response(error)
        if refusal.status >= 500:
            extra = {"request_id": response.request.id, "code": refusal.code}
            log.error("a request failed", exc_info=error, extra=extra)
        if response.status:
            raise error
        reply = JSONResponse(refusal.body(response.request.id), refusal.status)
        if refusal.status == 401:
            reply.headers["www-authenticate"] = "Bearer"
        if refusal.status == 413:
            reply.headers["connection"] = "close"
        await reply(scope, receive, response.send)


def _peer(scope: Scope) -> str:
    """The address that the connection comes from."""
    client = scope.get("client")
    return str(client[0]) if client else ""


class _Response:
    """Sends the response, with the request's id and the server's own share of its time in the headers."""

    def __init__(self, send: Send, request: RequestContext) -> None:
        self._send, self.request = send, request
        self.status, self.complete = 0, False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            spent = (time.perf_counter() - self.request.began) * 1000
            headers = MutableHeaders(scope=message)
            headers.update(self.request.headers)
            headers["x-request-id"] = self.request.client_id or self.request.id
            headers["x-content-type-options"] = "nosniff"
            own = max(0.0, spent - self.request.graph_ms)
            headers["server-timing"] = f"graph;dur={self.request.graph_ms:.1f}, warrant;dur={own:.1f}"
        elif message["type"] == "http.response.body":
            self.complete = not message.get("more_body", False)
        await self._send(message)


def _client_id(headers: Mapping[str, str]) -> str:
    """The client's X-Request-Id, if it is safe to log and to echo."""
    offered = headers.get("x-request-id", "")
    return offered if ID.fullmatch(offered) else ""


def _api(path: str) -> str:
    return next((api for start, api in APIS.items() if path.startswith(start)), "page")


async def _watch_disconnect(receive: Receive, disconnected: asyncio.Event) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    disconnected.set()


def _replay(body: bytes, disconnected: asyncio.Event) -> Receive:
    """Delivers the body once, and then only the client's disconnect."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await disconnected.wait()
        return {"type": "http.disconnect"}

    return receive


def check_body(body: bytes) -> None:
    """Refuse bodies that are expensive to parse, before parsing: too many values (413), nested too deep (400), NULs.

    Building many small Python objects would block the event loop for every other request.
    """
    if b"\0" in body:
        raise refuse(400, "The body must be JSON in UTF-8; this one has NUL bytes.")
    if len(body) <= MAX_TOKENS:
        return
    depth = 0
    for number, token in enumerate(TOKEN.finditer(body), 1):
        depth += DEPTH_CHANGE.get(token[0], 0)
        if depth > MAX_DEPTH:
            raise refuse(400, f"The body may be nested {MAX_DEPTH} deep; this one is deeper.")
        if number > MAX_TOKENS:
            limit = f"A request may have {MAX_TOKENS} strings, brackets, commas and colons; this one has more."
            raise refuse(413, f"{limit} Ask less at once.")
