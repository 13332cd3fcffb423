"""An endpoint on loopback that speaks OpenAI's chat completions and fails as it is told: for tests and fault drills.

`pick` names for each request how to answer: "good", or one of the faults, which are the methods of _Handler that are
named alike. Over real HTTP, so that the client's own handling of each fault is part of what is tried.
"""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

PIECE = re.compile(r"\s*\S+")
Body = dict[str, Any]


@dataclass(frozen=True)
class Served:
    """One request, the key that came with it, and how it was answered."""

    body: Body
    key: str
    fault: str

    @property
    def model(self) -> str:
        return str(self.body["model"])

    @property
    def question(self) -> str:
        return str(self.body["messages"][-1]["content"]).rsplit("Question: ", 1)[-1]


@dataclass
class Endpoint:
    """What the endpoint does, and what it has done."""

    reply: Callable[[Body], str]
    pick: Callable[[Body], str]
    pause: float = 0.5
    """Seconds between the tokens of a slow reply."""
    retry_after: str = "1"
    raw: bytes = b""
    """What "raw" sends under 200."""
    served: list[Served] = field(default_factory=list)
    url: str = ""
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(endpoint: Endpoint, port: int = 0) -> Iterator[Endpoint]:
    """Serve it on 127.0.0.1, on a free port unless one is named; what hangs is let go at the end."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.endpoint = endpoint
    endpoint.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield endpoint
    finally:
        endpoint.closing.set()
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    endpoint: Endpoint

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has gone is what a drill is for, and no error."""


class _Handler(BaseHTTPRequestHandler):
    @property
    def endpoint(self) -> Endpoint:
        return cast("_Server", self.server).endpoint

    def do_POST(self) -> None:
        self.body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        fault = self.endpoint.pick(self.body)
        self.endpoint.served.append(Served(self.body, self.headers["authorization"], fault))
        getattr(self, fault)()

    def good(self) -> None:
        self._stream(PIECE.findall(self.endpoint.reply(self.body)))

    def slow(self) -> None:
        self._stream(PIECE.findall(self.endpoint.reply(self.body)), pause=self.endpoint.pause)

    def busy(self) -> None:
        self._refuse(429, "Rate limit reached", **{"retry-after": self.endpoint.retry_after})

    def spent(self) -> None:
        self._refuse(429, "You exceeded your current quota", "insufficient_quota")

    def broken(self) -> None:
        self._refuse(500, "Internal server error")

    def unavailable(self) -> None:
        self._refuse(503, "Service unavailable")

    def too_long(self) -> None:
        self._refuse(400, "This model's maximum context length is 4096 tokens", "context_length_exceeded")

    def too_large(self) -> None:
        self._refuse(413, "Payload too large")

    def forbidden(self) -> None:
        self._refuse(400, "The response was filtered by the content management policy", "content_filter")

    def no_key(self) -> None:
        self._refuse(401, "Incorrect API key provided")

    def hang(self) -> None:
        self.endpoint.closing.wait(600)

    def hang_mid_stream(self) -> None:
        self._begin()
        self.wfile.write(_chunk("The"))
        self.wfile.flush()
        self.hang()

    def cut(self) -> None:
        """Breaks off in the middle of what the header announces."""
        self._begin(**{"content-length": "100000"})
        self.wfile.write(_chunk("The"))

    def cut_clean(self) -> None:
        """Ends without a finish reason, as if all had been said."""
        self._stream(PIECE.findall(self.endpoint.reply(self.body))[:3], finish=None)

    def junk(self) -> None:
        self._begin()
        self.wfile.write(b"data: {not json\n\n")

    def html(self) -> None:
        """A proxy's page under 200."""
        self._begin("text/html")
        self.wfile.write(b"<html><body>Welcome to the portal</body></html>")

    def raw(self) -> None:
        self._begin()
        self.wfile.write(self.endpoint.raw)

    def error_in_stream(self) -> None:
        self._fail_in_stream({"message": "The server is overloaded", "code": 503})

    def too_long_in_stream(self) -> None:
        message = "request (9412 tokens) exceeds the available context size (8192 tokens)"
        self._fail_in_stream({"message": message, "type": "exceed_context_size_error", "code": 400})

    def ends_in_error(self) -> None:
        self._stream(["The"], finish="error")

    def filtered(self) -> None:
        self._stream(["The"], finish="content_filter")

    def unfinished(self) -> None:
        self._stream(PIECE.findall(self.endpoint.reply(self.body)), finish="length")

    def thought_only(self) -> None:
        self._stream([], finish="length")

    def silent(self) -> None:
        self._stream([])

    def refuses(self) -> None:
        self._begin()
        self.wfile.write(_chunk(None, refusal="I'm sorry, I cannot help with that."))
        self._end("stop")

    def calls_a_tool(self) -> None:
        self._begin()
        call = {"index": 0, "id": "1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
        self.wfile.write(_chunk(None, tool_calls=[call]))
        self._end("tool_calls")

    def _stream(self, pieces: list[str], finish: str | None = "stop", pause: float = 0.0) -> None:
        self._begin()
        for piece in pieces:
            self.wfile.write(_chunk(piece))
            self.wfile.flush()
            if pause and self.endpoint.closing.wait(pause):
                return
        if finish:
            self._end(finish)

    def _begin(self, kind: str = "text/event-stream", **headers: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _end(self, finish: str) -> None:
        usage = {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45}
        self.wfile.write(_chunk("", finish))
        self.wfile.write(_event({**CHUNK, "choices": [], "usage": usage}))
        self.wfile.write(b"data: [DONE]\n\n")

    def _fail_in_stream(self, error: Body) -> None:
        self._begin()
        self.wfile.write(_chunk("The"))
        self.wfile.write(_event({"error": error}))

    def _refuse(self, status: int, message: str, code: str | None = None, **headers: str) -> None:
        content = json.dumps({"error": {"message": message, "type": "x", "code": code}}).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


CHUNK: Body = {"id": "1", "object": "chat.completion.chunk", "model": "m"}


def _chunk(text: str | None, finish: str | None = None, **delta: Any) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text, **delta}, "finish_reason": finish}
    return _event({**CHUNK, "choices": [choice]})


def _event(value: Body) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"
