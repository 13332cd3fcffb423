"""Errors as HTTP: one body, {error: {code, message, request_id}}, and one table from exceptions to statuses.

Messages written for callers are passed on. Any other exception's message may hold a path, an address or a secret: the
caller gets the table's message, and an exception that is not in the table becomes `internal` and is logged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from graph.errors import (
    AccessRefused,
    AuditUnavailable,
    ExtraMissing,
    FilterInvalid,
    IndexBusy,
    ModelFailed,
    PackageBroken,
    QuestionInvalid,
    RegistryUnavailable,
    ReleaseInvalid,
    RetrievalUnavailable,
    SettingsInvalid,
    SnapshotError,
    VersionUnknown,
    WarrantError,
)
from graph.invalid import problem
from graph.safety.sensitive import mask
from server.auth.tokens import ProviderUnavailable
from server.context import this_request


class ErrorDetail(BaseModel):
    """A code that programs can rely on, a sentence for people, and the request's id."""

    code: str
    message: str
    request_id: str


class ErrorBody(BaseModel):
    """The body of every error."""

    error: ErrorDetail


@dataclass(frozen=True)
class ErrorResponse:
    """How an error is answered: an HTTP status, a code and a message."""

    status: int
    code: str
    message: str

    def body(self, request_id: str) -> dict[str, Any]:
        """The JSON body; what the message repeats of a request is masked."""
        return {"error": {"code": self.code, "message": mask(self.message), "request_id": request_id}}


class RequestRefused(WarrantError):
    """The server refuses a request; carries the response."""

    def __init__(self, response: ErrorResponse) -> None:
        super().__init__(response.message)
        self.response = response


def refused_as(item: Mapping[str, Any]) -> RequestRefused:
    """An exception to raise for an error item of a stream."""
    return RequestRefused(ErrorResponse(item["status"], item["error"]["code"], item["error"]["message"]))


class StateUnavailable(WarrantError):
    """Conversations or feedback cannot be read or written just now."""


TABLE: dict[type[Exception], ErrorResponse] = {
    AccessRefused: ErrorResponse(403, "forbidden", ""),
    FilterInvalid: ErrorResponse(422, "filter_invalid", ""),
    QuestionInvalid: ErrorResponse(422, "question_invalid", ""),
    TimeoutError: ErrorResponse(
        504, "deadline", "The question was not answered in time. Ask again, or ask less at once."
    ),
    ModelFailed: ErrorResponse(502, "model_failed", "The model gave no usable reply. Ask again."),
    RetrievalUnavailable: ErrorResponse(503, "retrieval_unavailable", "The index does not answer just now. Ask again."),
    SnapshotError: ErrorResponse(
        503, "snapshot_unavailable", "The index cannot be read; whoever runs this server can see why."
    ),
    VersionUnknown: ErrorResponse(404, "version_unknown", "There is no such release here."),
    PackageBroken: ErrorResponse(
        503, "release_broken", "The release cannot be served; whoever runs this server can see why."
    ),
    RegistryUnavailable: ErrorResponse(503, "registry_unavailable", "The registry does not answer. Ask again."),
    StateUnavailable: ErrorResponse(
        503, "state_unavailable", "Stored conversations or feedback are not available. Ask again."
    ),
    AuditUnavailable: ErrorResponse(
        503, "audit_unavailable", "What needs a record in the audit log is not done while it cannot be written."
    ),
    IndexBusy: ErrorResponse(503, "index_busy", "The index is being written. Ask again."),
    ReleaseInvalid: ErrorResponse(
        503, "release_invalid", "The release cannot be served; whoever runs this server can see why."
    ),
    SettingsInvalid: ErrorResponse(503, "settings_invalid", "The server is set up wrongly; its log says why."),
    ProviderUnavailable: ErrorResponse(
        503,
        "provider_unavailable",
        "The identity provider does not answer: no token can be checked. Ask again.",
    ),
    ExtraMissing: ErrorResponse(501, "not_installed", "This part of the server is not installed."),
}
"""The most specific class wins; an empty message means the exception's own."""

INTERNAL = ErrorResponse(500, "internal", "The server failed. Give the request's id to whoever runs it.")
BY_STATUS: dict[int, tuple[str, str]] = {
    400: ("bad_request", "The request cannot be read."),
    401: ("unauthenticated", "A key is needed: send it as `Authorization: Bearer KEY`."),
    403: ("forbidden", "The key does not allow this."),
    404: ("not_found", "There is nothing here by that name."),
    405: ("method_not_allowed", "This path does not support that method."),
    408: ("too_slow", "The request did not arrive in time. Send it again."),
    413: ("too_large", "The request is larger than the server takes."),
    415: ("unsupported_media_type", "The body must be JSON, sent with `Content-Type: application/json`."),
    421: ("unknown_host", "The Host header names a host that this server does not answer for."),
    422: ("invalid", "The request is not as the schema says."),
    429: ("limit_reached", "A limit or quota is reached. Ask again later."),
    431: ("headers_too_large", "The request's headers are larger than the server takes."),
    503: ("unavailable", "The server does not take requests just now. Ask again."),
}

BY_CODE: dict[str, tuple[int, str]] = {
    "batch_too_large": (413, "The batch has more questions than the server takes."),
    "model_not_found": (404, "There is no model by that name."),
    "nothing_served": (503, "Nothing is in production yet. Ask again."),
    "overloaded": (503, "More is asked just now than can be answered. Ask again later."),
    "stage_empty": (404, "No version is in this stage just now."),
}
"""Codes that are more precise than their status."""


def error_response(error: BaseException) -> ErrorResponse:
    """The response to an exception."""
    if isinstance(error, RequestRefused):
        return error.response
    # By name: the code of a packaged release raises its own copies of these classes.
    names = {kind.__name__ for kind in type(error).__mro__}
    found = next((response for kind, response in TABLE.items() if kind.__name__ in names), INTERNAL)
    return found if found.message else ErrorResponse(found.status, found.code, str(error))


def by_status(status: int, message: str = "") -> ErrorResponse:
    """The response for an HTTP status, with the default message unless one is given."""
    code, usual = BY_STATUS.get(
        status, ("invalid", "The request was refused.") if status < 500 else ("internal", INTERNAL.message)
    )
    return ErrorResponse(status, code, message or usual)


def refuse(reason: int | str | type[WarrantError], message: str = "") -> RequestRefused:
    """An exception to raise for an HTTP status, a code of BY_CODE, or a class of TABLE."""
    if isinstance(reason, int):
        return RequestRefused(by_status(reason, message))
    if isinstance(reason, str):
        status, usual = BY_CODE[reason]
        return RequestRefused(ErrorResponse(status, reason, message or usual))
    listed = TABLE[reason]
    return RequestRefused(ErrorResponse(listed.status, listed.code, message or listed.message))


ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "The request cannot be served, and why"},
    "5XX": {"model": ErrorBody, "description": "The server cannot serve it just now"},
}
"""Error responses of every route, for OpenAPI."""


def add_error_handlers(app: FastAPI) -> None:
    """Give the framework's own errors our body; other exceptions are handled by the middleware."""

    @app.exception_handler(HTTPException)
    async def by_number(request: Request, error: HTTPException) -> Response:
        return _reply(by_status(error.status_code), error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return _reply(by_status(422, _first(error)))

    @app.exception_handler(UnicodeDecodeError)
    @app.exception_handler(RecursionError)
    async def unreadable(request: Request, error: Exception) -> Response:
        return _reply(by_status(400, "The body is not JSON that can be read."))

    @app.exception_handler(RequestRefused)
    async def refused(request: Request, error: RequestRefused) -> Response:
        return _reply(error_response(error))


def _first(error: RequestValidationError) -> str:
    """The first invalid field and why, without the value that was sent."""
    found = error.errors()
    if not found or not isinstance(found[0], dict):
        return "The body is not JSON that can be read."
    where = tuple(part for part in found[0]["loc"] if part not in ("body", "__root__"))
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    return f"{problem({**found[0], 'loc': where}, 'the body', show=False)}{more}."


def _reply(error: ErrorResponse, headers: object = None) -> Response:
    response = JSONResponse(error.body(this_request().id), error.status)
    if isinstance(headers, dict):
        response.headers.update({name: str(value) for name, value in headers.items()})
    return response
