"""Gives FastAPI's and Starlette's own errors the one body that all others have."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from server.context import this_request
from server.errors import Problem, Refused, by_status, problem_of
from server.schemas import ErrorBody

ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": ErrorBody, "description": "What was asked cannot be done, and why"},
    "5XX": {"model": ErrorBody, "description": "The server cannot do it just now"},
}
"""How errors are documented, for every route."""


def add_error_bodies(app: FastAPI) -> None:
    """Handle what is refused by the framework; everything else reaches the gate."""

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

    @app.exception_handler(Refused)
    async def refused(request: Request, error: Refused) -> Response:
        return _reply(problem_of(error))


def _first(error: RequestValidationError) -> str:
    """Where the request is wrong and why, without repeating what was sent."""
    found = error.errors()
    if not found or not isinstance(found[0], dict):
        return "The body is not JSON that can be read."
    where = ".".join(str(part) for part in found[0]["loc"] if part not in ("body", "__root__")) or "the body"
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    return f"{where}: {found[0]['msg']}{more}."


def _reply(problem: Problem, headers: object = None) -> Response:
    response = JSONResponse(problem.body(this_request().id), problem.status)
    if isinstance(headers, dict):
        response.headers.update({name: str(value) for name, value in headers.items()})
    return response
