"""A real OpenAI client against a scripted endpoint on loopback: replies, usage, and each failure with its reason."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from pydantic import SecretStr

from graph.answers import no_usage
from graph.backends import Brief
from graph.backends.openai import OpenAIWriter, chat_model
from graph.errors import ModelFailed
from graph.release import Generation
from graph.state import Passage, Usage


class Endpoint(BaseHTTPRequestHandler):
    """Answers /chat/completions as the model's name tells it."""

    seen: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.seen.append({**body, "key": self.headers["authorization"]})
        getattr(self, body["model"].replace("-", "_"))()

    def good(self) -> None:
        self.stream("The quota", " is 50 GB.", " [1]")

    def unknown(self) -> None:
        self.stream("I don't know.")

    def filtered(self) -> None:
        self.stream("The", finish="content_filter")

    def silent(self) -> None:
        self.stream("")

    def slow(self) -> None:
        time.sleep(3)

    def busy(self) -> None:
        self.refuse(429, "Rate limit reached")

    def broken(self) -> None:
        self.refuse(503, "Service unavailable")

    def too_long(self) -> None:
        self.refuse(400, "This model's maximum context length is 4096 tokens", "context_length_exceeded")

    def forbidden(self) -> None:
        self.refuse(400, "The response was filtered by the content management policy", "content_filter")

    def no_key(self) -> None:
        self.refuse(401, "Incorrect API key provided")

    def junk(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"data: {not json\n\n")

    def cut(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", "100000")
        self.end_headers()
        self.wfile.write(chunk("The"))

    def stream(self, *pieces: str, finish: str = "stop") -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        for piece in pieces:
            self.wfile.write(chunk(piece))
        self.wfile.write(chunk("", finish))
        usage = {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45}
        self.wfile.write(
            event({"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [], "usage": usage})
        )
        self.wfile.write(b"data: [DONE]\n\n")

    def refuse(self, status: int, message: str, code: str | None = None) -> None:
        content = json.dumps({"error": {"message": message, "type": "x", "code": code}}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


def chunk(text: str, finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
    return event({"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})


def event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    server.server_close()


KEY = "sk-0123456789"
TEXT = "The quota of a project is 50 GB."
PASSAGE = Passage(
    id="a#0",
    document="a",
    file="a.md",
    title="Quota",
    section="Projects",
    header="",
    page=None,
    page_breaks=[],
    start=0,
    end=len(TEXT),
    text=TEXT,
    metadata={"effective_date": "2025-01-01"},
    score=1.0,
    lexical=1.0,
    vector=1.0,
    similar=[],
)


def write(url: str, model: str, usage: Usage | None = None) -> str:
    async def run() -> str:
        client = chat_model(model, url, SecretStr(KEY), Generation(timeout=1))
        writer = OpenAIWriter(f"openai:{model}", client, "Use the passages only.")
        brief = Brief("What is the quota?", [PASSAGE], [])
        return "".join([piece async for piece in writer.write(brief, usage or no_usage())])

    return asyncio.run(run())


def test_a_reply_is_streamed_and_its_tokens_are_counted(endpoint: str) -> None:
    usage = no_usage()
    assert write(endpoint, "good", usage) == "The quota is 50 GB. [1]"
    assert usage == {"model": "openai:good", "calls": 1, "input_tokens": 40, "output_tokens": 5}


def test_the_model_is_asked_with_the_prompt_and_numbered_passages(endpoint: str) -> None:
    write(endpoint, "good")
    asked = Endpoint.seen[-1]
    system, user = (message["content"] for message in asked["messages"])
    assert system == "Use the passages only."
    assert user == f"Passages:\n\n[1] Quota, Projects, 2025-01-01\n{TEXT}\n\nQuestion: What is the quota?"
    assert (asked["temperature"], asked["key"]) == (0.0, f"Bearer {KEY}")


@pytest.mark.parametrize(
    ("model", "reason", "transient"),
    [
        ("unknown", "no_evidence", False),
        ("filtered", "content_policy", False),
        ("silent", "error", True),
        ("slow", "timeout", True),
        ("busy", "error", True),
        ("broken", "error", True),
        ("too-long", "context_window", False),
        ("forbidden", "content_policy", False),
        ("no-key", "error", False),
        ("junk", "error", True),
        ("cut", "error", True),
    ],
)
def test_each_failure_has_its_reason(endpoint: str, model: str, reason: str, transient: bool) -> None:
    with pytest.raises(ModelFailed) as caught:
        write(endpoint, model)
    assert (caught.value.reason, caught.value.transient) == (reason, transient)


def test_an_endpoint_that_is_not_there_is_a_transient_error() -> None:
    with pytest.raises(ModelFailed) as caught:
        write("http://127.0.0.1:9/v1", "good")
    assert (caught.value.reason, caught.value.transient) == ("error", True)


def test_no_failure_tells_the_key(endpoint: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        write(endpoint, "no-key")
    assert KEY not in str(caught.value)
