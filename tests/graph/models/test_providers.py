"""Models of other providers by LangChain's names, through their own packages, over HTTP on loopback."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from support import http_server, passage_of

from graph.backend import Brief, Writer
from graph.errors import ExtraMissing, ModelFailed, ReleaseInvalid, SettingsInvalid
from graph.models.chat import SCHEMA
from graph.models.failures import to_model_failure
from graph.models.writers import open_writers
from graph.release import Generation, Models, Release, Terms
from graph.settings import Settings
from graph.state import Usage, no_usage

PASSAGE = passage_of("The quota of a project is 50 GB.", title="Quota")
SAID = "The quota is 50 GB. [1]"
NAMES = ["anthropic:claude-x", "ollama:llama3", "azure_openai:gpt-x"]


@dataclass
class Provider:
    """An endpoint that sends one reply to whatever is asked; `asked` are the paths, headers and bodies."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    asked: list[tuple[str, dict[str, str], dict[str, Any]]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)


@contextmanager
def serving(provider: Provider) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            provider.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            if provider.hangs:
                provider.closing.wait(60)
                return
            self.send_response(provider.status)
            for name, value in {"content-length": str(len(provider.body)), **provider.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(provider.body)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    with http_server(Handler) as url:
        try:
            yield url
        finally:
            provider.closing.set()


def anthropic(text: str, stop: str | None = "end_turn") -> bytes:
    """A stream of Anthropic's messages."""
    message = {"id": "1", "type": "message", "role": "assistant", "model": "m", "content": []}
    begun = {**message, "stop_reason": None, "stop_sequence": None, "usage": {"input_tokens": 40, "output_tokens": 1}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
    ]
    if stop:
        ended = {"stop_reason": stop, "stop_sequence": None}
        usage = {"input_tokens": 40, "output_tokens": 5}
        events += [{"type": "message_delta", "delta": ended, "usage": usage}, {"type": "message_stop"}]
    return b"".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in events)


def ollama(text: str, stop: str | None = "stop") -> bytes:
    """A stream of Ollama's chat."""
    lines: list[dict[str, Any]] = [{"model": "m", "message": {"role": "assistant", "content": text}, "done": False}]
    if stop:
        ended = {"done": True, "done_reason": stop, "prompt_eval_count": 40, "eval_count": 5}
        lines.append({"model": "m", "message": {"role": "assistant", "content": ""}, **ended})
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def openai(text: str, stop: str | None = "stop") -> bytes:
    """A stream of OpenAI's chat completions."""
    chunk: dict[str, Any] = {"id": "1", "object": "chat.completion.chunk", "model": "m"}
    chunks = [{**chunk, "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]}]
    if stop:
        usage = {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45}
        chunks.append({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": stop}]})
        chunks.append({**chunk, "choices": [], "usage": usage})
    return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in chunks) + b"data: [DONE]\n\n"


ODD = [b"", b"{", b"null\n", b"<html></html>", b"data: 7\n\n", b'{"error": 5}\n', b"\xff\xfe"]
STREAMS = {"anthropic:claude-x": anthropic, "ollama:llama3": ollama, "azure_openai:gpt-x": openai}
KINDS = {"anthropic:claude-x": "text/event-stream", "azure_openai:gpt-x": "text/event-stream"}


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "AZURE_OPENAI_API_KEY"):
        monkeypatch.setenv(name, "sk-0123456789")
    monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")


def opened(name: str, url: str, monkeypatch: pytest.MonkeyPatch, **generation: Any) -> Writer:
    for variable in ("ANTHROPIC_BASE_URL", "AZURE_OPENAI_ENDPOINT", "OLLAMA_HOST"):
        monkeypatch.setenv(variable, url)
    release = Release(models=Models(simple=name), generation=Generation(**{"timeout": 5, **generation}))
    return open_writers(Settings(), release)[name]


def write(writer: Writer, usage: Usage | None = None, terms: Terms | None = None) -> str:
    async def run() -> str:
        brief = Brief("What is the quota?", [PASSAGE], [], terms or Terms())
        return "".join([piece async for piece in writer.write(brief, usage or no_usage())])

    return asyncio.run(run())


def replying(name: str, text: str = SAID, **stop: Any) -> Provider:
    return Provider(body=STREAMS[name](text, **stop), headers={"content-type": KINDS.get(name, "application/x-ndjson")})


def failed(writer: Writer) -> ModelFailed:
    with pytest.raises(ModelFailed) as caught:
        write(writer)
    return caught.value


@pytest.mark.parametrize("name", NAMES)
def test_a_model_is_asked_and_its_tokens_are_counted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usage, provider = no_usage(), replying(name)
    with serving(provider) as url:
        assert write(opened(name, url, monkeypatch), usage) == SAID
    assert usage == {"model": name, "calls": 1, "input_tokens": 40, "output_tokens": 5}
    _, headers, body = provider.asked[0]
    assert "Question: What is the quota?" in json.dumps(body)
    if name != "ollama:llama3":
        assert "sk-0123456789" in headers.get("x-api-key", headers.get("api-key", headers.get("authorization", "")))


@pytest.mark.parametrize("name", NAMES)
def test_a_model_may_be_asked_from_one_event_loop_after_another(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(replying(name)) as url:
        writer = opened(name, url, monkeypatch)
        assert [write(writer) for _ in range(3)] == [SAID] * 3


@pytest.mark.parametrize("name", NAMES)
def test_what_is_ours_to_decide_is_told_the_provider(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = replying(name)
    with serving(provider) as url:
        write(opened(name, url, monkeypatch, max_tokens=77, context_window=9000))
        write(opened(name, url, monkeypatch, temperature=None))
    first, second = (body for _, _, body in provider.asked)
    told = first.get("options", first)
    most = {told.get(each) for each in ("num_predict", "max_tokens", "max_completion_tokens")} - {None}
    assert (told["temperature"], most) == (0.0, {77})
    assert "temperature" not in second.get("options", second)
    if name == "ollama:llama3":
        assert told["num_ctx"] == 9000


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("status", "message", "reason", "transient"),
    [
        (401, "invalid key", "error", False),
        (404, "model not found", "error", False),
        (429, "rate limit", "error", True),
        (500, "internal", "error", True),
        (503, "overloaded", "error", True),
        (413, "request too large", "context_window", False),
        (400, "prompt is too long: 9412 tokens > 8192 maximum", "context_window", False),
        (400, "blocked by the content management policy", "content_policy", False),
    ],
)
def test_a_refusal_has_its_reason_by_its_status(
    name: str, status: int, message: str, reason: str, transient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = message if name == "ollama:llama3" else {"type": "x", "message": message}
    body = json.dumps({"type": "error", "error": error}).encode()
    provider = Provider(status, body, {"content-type": "application/json", "retry-after": "7"})
    with serving(provider) as url:
        failure = failed(opened(name, url, monkeypatch))
    assert (failure.reason, failure.transient) == (reason, transient)
    assert len(provider.asked) == 1, "the client retried by itself"
    if name != "ollama:llama3":
        assert failure.retry_after == (7.0 if transient else None)


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_that_hangs_times_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Provider(hangs=True)) as url:
        failure = failed(opened(name, url, monkeypatch, timeout=0.3))
    assert (failure.reason, failure.transient) == ("timeout", True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "body", [b"", b"{", b"null\n", b"<html></html>", b"data: 7\n\n", b'{"error": 5}\n', b"\xff\xfe"]
)
def test_whatever_is_sent_is_a_failure_with_a_reason(name: str, body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = Provider(body=body, headers={"content-type": KINDS.get(name, "application/x-ndjson")})
    with serving(provider) as url:
        failure = failed(opened(name, url, monkeypatch))
    assert failure.reason == "error"


@pytest.mark.parametrize("name", NAMES)
def test_a_reply_without_its_end_was_cut_off(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(replying(name, stop=None)) as url:
        failure = failed(opened(name, url, monkeypatch))
    assert (failure.reason, failure.transient) == ("error", True)


@pytest.mark.parametrize(
    ("name", "stop"),
    [("anthropic:claude-x", "max_tokens"), ("ollama:llama3", "length"), ("azure_openai:gpt-x", "length")],
)
def test_a_reply_that_ran_into_its_limit_says_so(name: str, stop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = no_usage()
    with serving(replying(name, stop=stop)) as url:
        write(opened(name, url, monkeypatch), usage)
    assert usage["unfinished"]


@pytest.mark.parametrize(
    ("name", "stop"), [("anthropic:claude-x", "refusal"), ("azure_openai:gpt-x", "content_filter")]
)
def test_a_refusal_in_the_stream_is_a_matter_of_policy(name: str, stop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(replying(name, stop=stop)) as url:
        assert failed(opened(name, url, monkeypatch)).reason == "content_policy"


def test_an_error_in_a_stream_of_anthropics_is_passing(monkeypatch: pytest.MonkeyPatch) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    body = anthropic("The", stop=None) + f"event: error\ndata: {json.dumps(error)}\n\n".encode()
    with serving(Provider(body=body, headers={"content-type": "text/event-stream"})) as url:
        failure = failed(opened("anthropic:claude-x", url, monkeypatch))
    assert (failure.reason, failure.transient) == ("error", True)


def test_ollama_is_held_to_the_schema_of_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    said = json.dumps({"claims": [{"text": "The quota is 50 GB.", "passages": [1]}]})
    provider = replying("ollama:llama3", said)
    with serving(provider) as url:
        assert write(opened("ollama:llama3", url, monkeypatch), terms=Terms(format="json")) == SAID
    assert provider.asked[0][2]["format"] == SCHEMA


@pytest.mark.parametrize(
    ("name", "package"),
    [("groq:m", "pip install langchain-groq"), ("google_genai:m", "pip install langchain-google-genai")],
)
def test_a_package_that_is_not_installed_is_named(name: str, package: str) -> None:
    with pytest.raises(ExtraMissing, match=package):
        open_writers(Settings(), Release(models=Models(simple=name)))


def test_a_provider_that_nobody_knows_is_named_with_those_that_are() -> None:
    with pytest.raises(ReleaseInvalid, match=r"opnai:m names no provider .*anthropic"):
        open_writers(Settings(), Release(models=Models(simple="opnai:m")))


def test_a_key_that_is_not_set_is_told_when_the_release_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(SettingsInvalid, match=r"openai:m cannot be asked: .*OPENAI_API_KEY"):
        open_writers(Settings(), Release(models=Models(simple="openai:m")))


def test_openai_is_asked_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-own")
    provider = replying("azure_openai:gpt-x")
    with serving(provider) as url:
        monkeypatch.setenv("OPENAI_BASE_URL", f"{url}/v1")
        write(opened("openai:m", url, monkeypatch))
        write(open_writers(Settings(chat_url=f"{url}/v2"), Release(models=Models(simple="openai:m")))["openai:m"])
    assert [(path, headers["authorization"]) for path, headers, _ in provider.asked] == [
        ("/v1/chat/completions", "Bearer sk-own"),
        ("/v2/chat/completions", "Bearer none"),
    ]


class BotoError(Exception):
    """As AWS' client raises it."""

    def __init__(self, status: int) -> None:
        super().__init__("An error occurred (ThrottlingException)")
        self.response = {"ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {"retry-after": "3"}}}


class ReadTimeoutError(Exception):
    """As AWS' client and urllib3 name it."""


def test_an_error_that_carries_its_status_elsewhere_or_was_raised_from_one_that_does() -> None:
    throttled = to_model_failure("m", BotoError(429))
    assert (throttled.reason, throttled.transient, throttled.retry_after) == ("error", True, 3.0)
    assert not to_model_failure("m", BotoError(403)).transient
    wrapped = RuntimeError("The call failed.")
    wrapped.__cause__ = BotoError(403)
    assert not to_model_failure("m", wrapped).transient
    wrapped.__cause__ = ReadTimeoutError()
    assert to_model_failure("m", wrapped).reason == "timeout"
