"""What people see in a browser: the page at /, the routes at /docs, and signing in. Nothing comes from elsewhere."""

import re
from base64 import b64encode
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.callers import COOKIE, Callers
from server.context import this_request
from server.errors import refuse
from server.live import Live

STATIC = Path(__file__).parent.parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'{}; style-src 'self'{}; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
INLINE = " 'unsafe-inline'"
"""Swagger UI and the playground set styles on their elements."""
PAGE = {"content-security-policy": POLICY.format("", ""), "referrer-policy": "no-referrer", "cache-control": "no-cache"}
DOCS = {**PAGE, "content-security-policy": POLICY.format("", INLINE)}
PLAYGROUND = "/playground/"
SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


class Key(BaseModel):
    """The key of a caller."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(pattern=r"^[!-~ ]{1,512}$")]


class About(BaseModel):
    """What the page has to know: the release, and the columns that filters may name, with their types."""

    release: str
    columns: dict[str, str]


class PlaygroundHeaders:
    """Gives LangServe's playground, and all that it loads, the headers of a page.

    Its one inline script, which has the schemas, is let through by its digest; the library that draws its form compiles
    schemas to code.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or PLAYGROUND not in scope["path"]:
            return await self._app(scope, receive, send)
        start: Message = {}

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            if start:
                MutableHeaders(scope=start).update(_playground(message.get("body", b"")))
                await send({**start})
                start.clear()
            await send(message)

        await self._app(scope, receive, with_headers)


def _playground(body: bytes) -> dict[str, str]:
    digests = [b64encode(sha256(script).digest()).decode() for script in SCRIPT.findall(body)]
    scripts = "".join(f" 'sha256-{digest}'" for digest in digests)
    return {**PAGE, "content-security-policy": POLICY.format(f"{scripts} 'unsafe-eval'", INLINE)}


def add_pages(app: FastAPI, live: Live, callers: Callers) -> None:
    """The pages, what they load, and what they ask."""
    app.add_middleware(PlaygroundHeaders)
    app.mount("/static/swagger", StaticFiles(directory=_swagger()))
    app.mount("/static", StaticFiles(directory=STATIC))
    app.include_router(_shown())
    app.include_router(_asked(live, callers))


def _swagger() -> Path:
    """The folder with Swagger UI, as the package fastapi-offline carries it; its code is not used."""
    found = find_spec("fastapi_offline")
    if found is None or found.origin is None:
        raise refuse(501, "The package fastapi-offline is not installed.")
    return Path(found.origin).parent / "static"


def _shown() -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/")
    async def page() -> Response:
        return FileResponse(STATIC / "index.html", headers=PAGE)

    @routes.get("/docs")
    async def docs() -> Response:
        return FileResponse(STATIC / "docs.html", headers=DOCS)

    @routes.get("/favicon.ico")
    async def icon() -> Response:
        return FileResponse(STATIC / "icon.svg", media_type="image/svg+xml")

    return routes


def _asked(live: Live, callers: Callers) -> APIRouter:
    routes = APIRouter(tags=["page"])

    @routes.get("/page/about")
    async def about() -> About:
        """The release that is served, and the columns of its Snapshot."""
        request = this_request()
        agent = (await live.take(request.track, request.id, operator=request.caller.operator)).agent
        return About(release=agent.label, columns=dict(agent.columns))

    @routes.post("/signin", status_code=204)
    async def sign_in(request: Request, given: Key, response: Response) -> None:
        """Keep a key in a cookie that no script can read, for pages that cannot send a header."""
        if callers.open:
            raise refuse(404, "This server has no keys; ask without one.")
        if callers.who({"x-api-key": given.key}) is None:
            raise refuse(401, "No caller has this key.")
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, given.key, httponly=True, samesite="strict", secure=secure, path="/")

    @routes.post("/signout", status_code=204)
    async def sign_out(response: Response) -> None:
        """Forget the key again."""
        response.delete_cookie(COOKIE, path="/")

    return routes
