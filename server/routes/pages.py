"""The web page at /, the API reference at /docs, and sign-in. Nothing is loaded from other hosts."""

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

from server.auth.authentication import COOKIE, Authenticator
from server.errors import refuse
from server.service import AnswerService

STATIC = Path(__file__).parent.parent / "static"
POLICY = (
    "default-src 'none'; script-src 'self'{}; style-src 'self'{}; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
INLINE = " 'unsafe-inline'"
"""Swagger UI and the playground set inline styles."""
PAGE = {"content-security-policy": POLICY.format("", ""), "referrer-policy": "no-referrer", "cache-control": "no-cache"}
DOCS = {**PAGE, "content-security-policy": POLICY.format("", INLINE)}
PLAYGROUND = "/playground/"
SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


class SignInKey(BaseModel):
    """A caller's key."""

    model_config = ConfigDict(extra="forbid")

    key: Annotated[str, Field(pattern=r"^[!-~ ]{1,512}$")]


class PageInfo(BaseModel):
    """The release, and the metadata columns for filters, with their types."""

    release: str
    columns: dict[str, str]


class PlaygroundHeaders:
    """Adds security headers to LangServe's playground.

    Its one inline script, with the schemas, is allowed by its digest; its form library compiles schemas to code.
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


def add_pages(app: FastAPI, service: AnswerService, callers: Authenticator) -> None:
    """The pages, their static files, and their own routes."""
    app.add_middleware(PlaygroundHeaders)
    app.mount("/static/swagger", StaticFiles(directory=_swagger()))
    app.mount("/static", StaticFiles(directory=STATIC))
    app.include_router(_page_routes())
    app.include_router(_session_routes(service, callers))


def _swagger() -> Path:
    """The directory with Swagger UI's files in the package fastapi-offline."""
    found = find_spec("fastapi_offline")
    if found is None or found.origin is None:
        raise refuse(501, "The package fastapi-offline is not installed.")
    return Path(found.origin).parent / "static"


def _page_routes() -> APIRouter:
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


def _session_routes(service: AnswerService, callers: Authenticator) -> APIRouter:
    routes = APIRouter(tags=["page"])

    @routes.get("/page/about")
    async def about() -> PageInfo:
        """The deployed release, and the columns of its Snapshot."""
        agent = (await service.deployment()).agent
        return PageInfo(release=agent.label, columns=dict(agent.columns))

    @routes.post("/signin", status_code=204)
    async def sign_in(request: Request, given: SignInKey, response: Response) -> None:
        """Store a key in an HttpOnly cookie, for pages that cannot send a header."""
        if callers.open:
            raise refuse(404, "This server has no keys; ask without one.")
        if await callers.authenticate({"x-api-key": given.key}) is None:
            raise refuse(401, "No caller has this key.")
        secure = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))
        response.set_cookie(COOKIE, given.key, httponly=True, samesite="strict", secure=secure, path="/")

    @routes.post("/signout", status_code=204)
    async def sign_out(response: Response) -> None:
        """Delete the key's cookie."""
        response.delete_cookie(COOKIE, path="/")

    return routes
