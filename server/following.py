"""A stream as a client follows it, and what the server's refusals are to a client; sends nothing itself."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from graph.errors import WarrantError

Item = dict[str, Any]
CUT = (httpx.ReadError, httpx.WriteError, httpx.CloseError, httpx.RemoteProtocolError)
"""A connection that was there and broke."""


class AnswerFailed(WarrantError):
    """The server gave no answer; `code`, `request_id` and `status` are as in its error's body."""

    def __init__(self, error: Any, status: int, request_id: str = "") -> None:
        told = error if isinstance(error, dict) else {}
        super().__init__(str(told.get("message") or f"The server answered {status} and does not say why."))
        self.code, self.status = str(told.get("code") or "unknown"), status
        self.request_id = str(told.get("request_id") or request_id)


@dataclass
class Place:
    """How far one stream has come, and with which request it goes on."""

    body: dict[str, Any]
    resumes: int
    request_id: str = ""
    seq: int = -1
    ended: bool = False

    @property
    def unsure(self) -> list[Any]:
        """What may not be asked twice: nothing, once the stream has a name by which it is taken up again."""
        return [] if self.request_id else [self.body["input"]]

    @property
    def address(self) -> str:
        """Where the stream is taken up again, or stopped."""
        return f"/streams/{self.request_id}"

    def request(self) -> dict[str, Any]:
        """What httpx is to send: the question, or the stream's name and the last item that came."""
        if self.request_id:
            return {"method": "GET", "url": self.address, "params": {"after": self.seq}}
        headers = {"warrant-resumable": "true"} if self.resumes else {}
        return {"method": "POST", "url": "/stream", "json": self.body, "headers": headers}

    def take(self, event: Mapping[str, Any]) -> list[Item]:
        """The item of an event, if it has one; raises AnswerFailed for an error."""
        told = json.loads(event["data"] or "{}") if event["event"] in ("data", "error") else {}
        if event["event"] == "error":
            raise AnswerFailed({"code": "internal", **told}, told.get("status_code", 500), self.request_id)
        if event["event"] != "data":
            return []
        self.seq, self.request_id = told["seq"], told.get("request_id", self.request_id)
        if told["event"] == "error":
            raise AnswerFailed(told["error"], told["status"])
        self.ended = told["event"] == "final"
        return [told]

    def broken(self, error: Exception | None = None) -> None:
        """Note that the connection has ended; raises the error when the stream cannot be gone on with."""
        if self.ended:
            return
        if not self.resumes or any(map(in_session, self.unsure)):
            raise error or httpx.RemoteProtocolError("The stream ended before its answer.")
        self.resumes -= 1


@contextmanager
def own_errors() -> Iterator[None]:
    """What a response with an error's status says, as AnswerFailed."""
    try:
        yield
    except httpx.HTTPStatusError as error:
        answered = error.response
        try:
            body = answered.json()
        except ValueError:
            body = None
        told = body.get("error") if isinstance(body, dict) else None
        raise AnswerFailed(told, answered.status_code, answered.headers.get("x-request-id", "")) from None


def in_session(input: Any) -> bool:
    """Whether the server keeps the turn: then a question that was perhaps answered is not asked again."""
    return isinstance(input, dict) and bool(input.get("session_id"))
