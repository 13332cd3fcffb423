"""The client's side of a stream: its position, and the server's errors as exceptions. Sends nothing itself."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from graph.errors import WarrantError

Item = dict[str, Any]
CONNECTION_LOST = (httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.RemoteProtocolError)
"""An established connection broke."""


class AnswerFailed(WarrantError):
    """The server sent an error; `code` and `request_id` are those of its body."""

    def __init__(self, error: Any, status: int, request_id: str = "") -> None:
        detail = error if isinstance(error, dict) else {}
        super().__init__(str(detail.get("message") or f"The server answered {status} without an error message."))
        self.code, self.status = str(detail.get("code") or "unknown"), status
        self.request_id = str(detail.get("request_id") or request_id)


@dataclass
class StreamPosition:
    """How far a stream was read, and the request that continues it."""

    body: dict[str, Any]
    resumes: int
    request_id: str = ""
    seq: int = -1
    ended: bool = False

    @property
    def unrepeatable(self) -> list[Any]:
        """Inputs whose request must not be repeated blindly: none once the stream has an id to resume."""
        return [] if self.request_id else [self.body["input"]]

    @property
    def address(self) -> str:
        """Where the stream is resumed or stopped."""
        return f"/streams/{self.request_id}"

    def request(self) -> dict[str, Any]:
        """Arguments for httpx: the question, or a resume after the last item."""
        if self.request_id:
            return {"method": "GET", "url": self.address, "params": {"after": self.seq}}
        headers = {"warrant-resumable": "true"} if self.resumes else {}
        return {"method": "POST", "url": "/stream", "json": self.body, "headers": headers}

    def take(self, event: Mapping[str, Any]) -> list[Item]:
        """The items of an event; raises AnswerFailed for an error."""
        item = json.loads(event["data"] or "{}") if event["event"] in ("data", "error") else {}
        if event["event"] == "error":
            raise AnswerFailed({"code": "internal", **item}, item.get("status_code", 500), self.request_id)
        if event["event"] != "data":
            return []
        self.seq, self.request_id = item["seq"], item.get("request_id", self.request_id)
        if item["event"] == "error":
            raise AnswerFailed(item["error"], item["status"])
        self.ended = item["event"] == "final"
        return [item]

    def broken(self, error: Exception | None = None) -> None:
        """Handle a lost connection; raises the error when the stream cannot be resumed."""
        if self.ended:
            return
        if not self.resumes or any(map(in_session, self.unrepeatable)):
            raise error or httpx.RemoteProtocolError("The stream ended before its answer.")
        self.resumes -= 1


@contextmanager
def as_answer_failed() -> Iterator[None]:
    """Raise AnswerFailed for a response with an error status."""
    try:
        yield
    except httpx.HTTPStatusError as error:
        response = error.response
        try:
            body = response.json()
        except ValueError:
            body = None
        detail = body.get("error") if isinstance(body, dict) else None
        raise AnswerFailed(detail, response.status_code, response.headers.get("x-request-id", "")) from None


def in_session(input: Any) -> bool:
    """Whether the server stores the turn: then a question that may have been answered is not repeated."""
    return isinstance(input, dict) and bool(input.get("session_id"))
