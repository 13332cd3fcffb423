"""The workspace: who calls, the faults that were ordered, and the server itself."""

import asyncio
import base64
import contextlib
import json
import random
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .apps import Apps
from .apps import routes as app_routes
from .errors import ApiError
from .models import Models
from .models import routes as model_routes
from .registry import Unity
from .registry import routes as registry_routes
from .search import Search
from .search import routes as search_routes
from .serving import Serving
from .serving import routes as serving_routes
from .sql import Warehouses
from .sql import routes as sql_routes

TOKEN = "dapi-of-the-emulator"
HANG = 600.0
OPEN_PATHS = ("/oidc", "/.well-known")


@dataclass
class Fault:
    """What goes wrong on the paths of a pattern: for `share` of the requests, or the next `times` of them."""

    path: str
    status: int | None = None
    retry_after: float | None = None
    delay: float = 0.0
    hang: bool = False
    cut: int | None = None
    """Chunks of the reply after which the connection breaks."""
    body: str | None = None
    """Sent as it is, in place of the reply."""
    share: float = 1.0
    times: int | None = None


@dataclass
class Call:
    """A request as it came."""

    method: str
    path: str
    body: Any
    principal: str


@dataclass
class Emulator:
    """The state of a workspace; `polls`: how often what takes time is asked for until it is there."""

    polls: int = 2
    token_seconds: int = 3600
    principals: dict[str, str] = field(default_factory=lambda: {TOKEN: "user@example.com"})
    """Who each token belongs to."""
    clients: dict[str, str] = field(default_factory=lambda: {"client-of-the-emulator": "secret-of-the-emulator"})
    """The secrets of service principals."""
    faults: list[Fault] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    search: Search = field(default_factory=Search)
    models: Models = field(default_factory=Models)
    sql: Warehouses = field(default_factory=Warehouses)
    unity: Unity = field(default_factory=Unity)
    serving: Serving = field(default_factory=Serving)
    apps: Apps = field(default_factory=Apps)
    url: str = ""
    expiry: dict[str, float] = field(default_factory=dict)
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    @property
    def environment(self) -> dict[str, str]:
        """What a client's environment needs to sign in with a personal access token."""
        return {"DATABRICKS_HOST": self.url, "DATABRICKS_TOKEN": TOKEN, "DATABRICKS_CONFIG_FILE": "/nonexistent"}

    @property
    def machine_environment(self) -> dict[str, str]:
        """The same with OAuth for a service principal."""
        name, secret = next(iter(self.clients.items()))
        names = {"DATABRICKS_CLIENT_ID": name, "DATABRICKS_CLIENT_SECRET": secret}
        return {"DATABRICKS_HOST": self.url, "DATABRICKS_CONFIG_FILE": "/nonexistent", **names}

    def fault(self, path: str, **what: Any) -> None:
        """Order a fault; the last one ordered counts."""
        self.faults.insert(0, Fault(path, **what))

    def due(self, path: str) -> Fault | None:
        """The fault that this request meets, if any."""
        for fault in self.faults:
            if fnmatch(path, fault.path) and fault.times != 0:
                if self.chance.random() >= fault.share:
                    return None
                fault.times = None if fault.times is None else fault.times - 1
                return fault
        return None

    def sign_in(self, request: Request) -> str:
        """Who calls; raises ApiError for an unknown or an expired token."""
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            raise ApiError(401, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type.")
        if token not in self.principals or self.expiry.get(token, float("inf")) < time.time():
            raise ApiError(403, "PERMISSION_DENIED", "Invalid access token.")
        return self.principals[token]

    def app(self) -> ASGIApp:
        """The workspace as an ASGI application."""
        app = FastAPI(openapi_url=None)

        @app.exception_handler(ApiError)
        async def refused(_: Request, error: ApiError) -> JSONResponse:
            return error.response()

        app.state.emulator = self
        for router in (routes, search_routes, model_routes, registry_routes, serving_routes, app_routes, sql_routes):
            app.include_router(router)

        @app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
        async def unknown(path: str) -> None:
            raise ApiError(404, "ENDPOINT_NOT_FOUND", f"No API found for '/{path}'")

        return _Recorder(app, self)


routes = APIRouter()


def _emulator(request: Request) -> Emulator:
    emulator: Emulator = request.app.state.emulator
    return emulator


@routes.get("/.well-known/databricks-config")
async def discovery(request: Request) -> dict[str, str]:
    return {"oidc_endpoint": f"{_emulator(request).url}/oidc", "workspace_id": "1", "account_id": "0", "cloud": "aws"}


@routes.get("/oidc/.well-known/oauth-authorization-server")
async def oidc(request: Request) -> dict[str, str]:
    url = f"{_emulator(request).url}/oidc/v1"
    return {"authorization_endpoint": f"{url}/authorize", "token_endpoint": f"{url}/token"}


@routes.post("/oidc/v1/token")
async def token(request: Request) -> JSONResponse:
    emulator = _emulator(request)
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    name, _, secret = base64.b64decode(encoded).decode().partition(":") if kind.lower() == "basic" else ("", "", "")
    if not secret or emulator.clients.get(name) != secret:
        wrong = {"error": "invalid_client", "error_description": "Client authentication failed"}
        return JSONResponse(wrong, 401)
    form = await request.form()
    if form.get("grant_type") != "client_credentials":
        return JSONResponse({"error": "unsupported_grant_type"}, 400)
    made = f"eyJ-{secrets.token_hex(16)}"
    emulator.principals[made] = name
    emulator.expiry[made] = time.time() + emulator.token_seconds
    return JSONResponse({"access_token": made, "token_type": "Bearer", "expires_in": emulator.token_seconds})


@routes.get("/api/2.0/preview/scim/v2/Me")
async def me(request: Request) -> dict[str, Any]:
    emulator, caller = _emulator(request), _emulator(request).sign_in(request)
    groups = [name for name, members in emulator.serving.groups.items() if caller in members]
    shown = [{"display": name, "value": str(number)} for number, name in enumerate(groups)]
    return {"id": "1", "userName": caller, "active": True, "groups": shown}


class _Recorder:
    """Records each request, signs its caller in, and lets the faults happen."""

    def __init__(self, app: ASGIApp, emulator: Emulator) -> None:
        self._app, self._emulator = app, emulator

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        call = Call(scope["method"], scope["path"], _json(body), "")
        self._emulator.calls.append(call)
        replies = iter([{"type": "http.request", "body": body, "more_body": False}])

        async def replay() -> Message:
            return next(replies, None) or await receive()

        if fault := self._emulator.due(scope["path"]):
            if await _happened(fault, scope, replay, send):
                return
            send = _cut(send, fault.cut) if fault.cut is not None else send
        if not scope["path"].startswith(OPEN_PATHS):
            try:
                call.principal = self._emulator.sign_in(Request(scope))
            except ApiError as error:
                await error.response()(scope, replay, send)
                return
        await self._app(scope, replay, send)


async def _happened(fault: Fault, scope: Scope, receive: Receive, send: Send) -> bool:
    """Let a fault happen; whether that was the reply."""
    await asyncio.sleep(HANG if fault.hang else fault.delay)
    if fault.body is not None:
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": fault.status or 200, "headers": headers})
        await send({"type": "http.response.body", "body": fault.body.encode()})
        return True
    if fault.status is not None:
        wait = {} if fault.retry_after is None else {"retry-after": f"{fault.retry_after:g}"}
        codes = {429: "REQUEST_LIMIT_EXCEEDED", 503: "TEMPORARILY_UNAVAILABLE", 403: "PERMISSION_DENIED"}
        error = ApiError(fault.status, codes.get(fault.status, "INTERNAL_ERROR"), "A fault was ordered.", wait)
        await error.response()(scope, receive, send)
        return True
    return False


def _cut(send: Send, after: int) -> Send:
    sent = 0

    async def cutting(message: Message) -> None:
        nonlocal sent
        if message["type"] == "http.response.body":
            sent += 1
            if sent > after:
                raise ConnectionResetError("The reply was cut.")
            message = {**message, "more_body": True}
        elif message["type"] == "http.response.start":
            message = {**message, "headers": [pair for pair in message["headers"] if pair[0] != b"content-length"]}
        await send(message)

    return cutting


def _json(body: bytes) -> Any:
    with contextlib.suppress(ValueError):
        return json.loads(body)
    return body.decode(errors="replace") or None


@contextmanager
def emulating(**state: Any) -> Iterator[Emulator]:
    """A workspace that is served on loopback until the block ends."""
    emulator = Emulator(**state)
    # A client that is hung up on is not waited for.
    config = uvicorn.Config(emulator.app(), port=0, log_level="critical", timeout_graceful_shutdown=0, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        if time.monotonic() > deadline:
            raise TimeoutError("The emulator did not start in 10 s.")
        time.sleep(0.01)
    emulator.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        yield emulator
    finally:
        emulator.apps.stop()
        server.should_exit = server.force_exit = True
        thread.join(5)
