"""A real OpenAI client against a scripted endpoint on loopback: replies, usage, and each failure with its reason."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from support import passage_of

from graph.backend import Brief
from graph.errors import ModelFailed
from graph.models.json_claims import RESPONSE_FORMAT
from graph.models.prompt import marked_off
from graph.models.replies import max_reply_characters
from graph.models.writers import open_writers
from graph.release import Generation, Models, Prompts, Release, Terms
from graph.settings import load_settings
from graph.state import Usage, no_usage
from samples.endpoint import Endpoint, serving

KEY = "sk-0123456789"
TEXT = "The quota of a project is 50 GB."
PASSAGE = passage_of(TEXT, title="Quota", section="Projects", metadata={"effective_date": "2025-01-01"})
IN_JSON = Terms(format="json")
CLAIMS = json.dumps({"answerable": True, "claims": [{"text": "The quota is 50 GB.", "passages": [1]}]})


def reply(body: dict[str, Any]) -> str:
    return CLAIMS if "response_format" in body else "The quota is 50 GB. [1]"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[Endpoint]:
    """Answers as the model's name tells it."""
    with serving(Endpoint(reply, lambda body: str(body["model"]), retry_after="7")) as served:
        yield served


def write(url: str, model: str, usage: Usage | None = None, *, timeout: float = 5.0, terms: Terms | None = None) -> str:
    return "".join(pieces(url, model, usage, timeout=timeout, terms=terms))


def pieces(
    url: str, model: str, usage: Usage | None = None, *, timeout: float = 5.0, terms: Terms | None = None
) -> list[str]:
    async def run() -> list[str]:
        prompts = Prompts(answer="Use the passages only.", claims="Reply in JSON.")
        name = f"openai:{model}"
        release = Release(generation=Generation(timeout=timeout), prompts=prompts, models=Models(simple=name))
        writer = open_writers(load_settings(chat_url=url, chat_key=KEY), release)[name]
        brief = Brief("What is the quota?", [PASSAGE], [], terms or Terms())
        return [piece async for piece in writer.write(brief, usage or no_usage())]

    return asyncio.run(run())


def test_a_reply_is_streamed_and_its_tokens_are_counted(endpoint: Endpoint) -> None:
    usage = no_usage()
    assert pieces(endpoint.url, "good", usage) == ["The", " quota", " is", " 50", " GB.", " [1]"]
    assert usage == {"model": "openai:good", "calls": 1, "input_tokens": 40, "output_tokens": 5}


def test_the_model_is_asked_with_the_prompt_and_numbered_passages(endpoint: Endpoint) -> None:
    write(endpoint.url, "good")
    asked = endpoint.served[-1]
    system, user = (message["content"] for message in asked.body["messages"])
    assert system == "Use the passages only."
    marked = marked_off([f"[1] Quota, Projects, 2025-01-01\n{TEXT}"])
    assert user == f"Passages:\n\n{marked}\n\nQuestion: What is the quota?"
    assert (asked.body["temperature"], asked.key) == (0.0, f"Bearer {KEY}")
    assert "response_format" not in asked.body


def test_a_role_that_answers_in_json_is_asked_for_the_schema_and_read_as_text(endpoint: Endpoint) -> None:
    given = pieces(endpoint.url, "good", terms=IN_JSON)
    assert "".join(given) == "The quota is 50 GB. [1]"
    assert len(given) > 3
    asked = endpoint.served[-1].body
    assert (asked["response_format"], asked["messages"][0]["content"]) == (RESPONSE_FORMAT, "Reply in JSON.")


def test_a_reply_that_ran_into_its_limit_says_so(endpoint: Endpoint) -> None:
    usage = no_usage()
    assert write(endpoint.url, "unfinished", usage) == "The quota is 50 GB. [1]"
    assert usage["unfinished"]


@pytest.mark.parametrize("terms", [Terms(), IN_JSON], ids=["text", "json"])
@pytest.mark.parametrize(
    ("model", "reason", "transient"),
    [
        ("filtered", "content_policy", False),
        ("refuses", "content_policy", False),
        ("forbidden", "content_policy", False),
        ("silent", "error", True),
        ("thought_only", "error", False),
        ("calls_a_tool", "error", False),
        ("busy", "error", True),
        ("spent", "error", False),
        ("broken", "error", True),
        ("unavailable", "error", True),
        ("no_key", "error", False),
        ("too_long", "context_window", False),
        ("too_large", "context_window", False),
        ("too_long_in_stream", "context_window", False),
        ("error_in_stream", "error", True),
        ("ends_in_error", "error", True),
        ("junk", "error", True),
        ("html", "error", True),
        ("cut", "error", True),
        ("cut_clean", "error", True),
    ],
)
def test_each_failure_has_its_reason(
    endpoint: Endpoint, model: str, reason: str, transient: bool, terms: Terms
) -> None:
    with pytest.raises(ModelFailed) as caught:
        write(endpoint.url, model, terms=terms)
    assert (caught.value.reason, caught.value.transient) == (reason, transient)


@pytest.mark.parametrize("model", ["hang", "hang_mid_stream"])
def test_an_endpoint_that_hangs_times_out(endpoint: Endpoint, model: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        write(endpoint.url, model, timeout=0.3)
    assert (caught.value.reason, caught.value.transient) == ("timeout", True)


@pytest.mark.parametrize(("model", "seconds"), [("busy", 7.0), ("broken", None), ("spent", None)])
def test_a_wait_that_the_endpoint_asks_for_is_told(endpoint: Endpoint, model: str, seconds: float | None) -> None:
    with pytest.raises(ModelFailed) as caught:
        write(endpoint.url, model)
    assert caught.value.retry_after == seconds


@pytest.mark.parametrize("said", ["NO_ANSWER", "I don't know.", "Die Passagen enthalten dazu keine Angaben."])
def test_a_model_that_says_it_does_not_know_finds_no_evidence(said: str) -> None:
    with serving(Endpoint(lambda body: said, lambda body: "good")) as served, pytest.raises(ModelFailed) as caught:
        write(served.url, "m")
    assert (caught.value.reason, caught.value.transient) == ("no_evidence", False)


def test_nobody_is_shown_the_sentinel_and_a_reply_that_begins_like_it_is_told_whole() -> None:
    told: list[str] = []

    async def ask(url: str) -> None:
        release = Release(models=Models(simple="openai:m"))
        writer = open_writers(load_settings(chat_url=url, chat_key=KEY), release)["openai:m"]
        async for piece in writer.write(Brief("Why?", [PASSAGE], []), no_usage()):
            told.append(piece)

    with serving(Endpoint(lambda body: "NO_ANSWER. Sorry.", lambda body: "good")) as served:
        with pytest.raises(ModelFailed, match="found no answer"):
            asyncio.run(ask(served.url))
        assert told == []
    with serving(Endpoint(lambda body: "No ; it is 50 GB. [1]", lambda body: "good")) as served:
        asyncio.run(ask(served.url))
    assert told == ["No ;", " it", " is", " 50", " GB.", " [1]"]


NOTHING = [
    '{"claims": []}',
    '{"answerable": false, "claims": []}',
    '{"answerable": false, "claims": [{"text": "Nothing is said of it.", "passages": []}]}',
    '{"answerable": true, "claims": [{"text": "The passages do not mention it.", "passages": [1]}]}',
]


@pytest.mark.parametrize("said", NOTHING)
def test_a_reply_in_json_without_an_answer_finds_no_evidence(said: str) -> None:
    with serving(Endpoint(lambda body: said, lambda body: "good")) as served:
        with pytest.raises(ModelFailed) as caught:
            write(served.url, "m", terms=IN_JSON)
        assert caught.value.reason == "no_evidence"


def test_an_endpoint_that_is_not_there_is_a_transient_error() -> None:
    with pytest.raises(ModelFailed) as caught:
        write("http://127.0.0.1:9/v1", "good")
    assert (caught.value.reason, caught.value.transient) == ("error", True)


def test_no_failure_tells_the_key(endpoint: Endpoint) -> None:
    with pytest.raises(ModelFailed) as caught:
        write(endpoint.url, "no_key")
    assert KEY not in str(caught.value)


def event(value: object) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def piece(content: object = "x", finish: object = None, **told: object) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": content, **told}, "finish_reason": finish}]}


def usage_of(tokens: object) -> bytes:
    return event(piece("It is 50 GB. [1]", "stop")) + event({"choices": [], "usage": tokens})


ODD: dict[str, bytes] = {
    "a list": event([]),
    "a number": event(1),
    "null": event(None),
    "no value": b"data:\n\n",
    "no data": b": ping\nid: 1\n\n" * 100,
    "choices null": event({"choices": None}),
    "choices a number": event({"choices": 7}),
    "choices of null": event({"choices": [None]}),
    "choices of lists": event({"choices": [[]]}),
    "delta null": event({"choices": [{"index": 0, "delta": None}]}),
    "delta a list": event({"choices": [{"index": 0, "delta": [1]}]}),
    "content a number": event(piece(7)),
    "content an object": event(piece({"a": 1})),
    "content a list": event(piece(["a", 1, {"type": "text", "text": 7}])),
    "tool calls null": event(piece(None, tool_calls=[None, 1])) + event(piece("", "tool_calls")),
    "usage strings": usage_of({"prompt_tokens": "a", "completion_tokens": "b"}),
    "usage a list": usage_of([1]),
    "usage fractions": usage_of({"prompt_tokens": 1.5, "completion_tokens": float("nan")}),
    "an error a number": event({"error": 5}),
    "an error of lists": event({"error": {"message": [1], "code": [2], "type": {}}}),
    "invalid UTF-8": b'data: {"choices": [{"index": 0, "delta": {"content": "\xff"}}]}\n\n',
    "a long integer": b'data: {"choices": ' + b"9" * 5000 + b"}\n\n",
    "deep brackets": b"data: " + b"[" * 50_000 + b"\n\n",
    "half a surrogate pair": event(piece("It is \ud800 50 GB. [1]")) + event(piece("", "stop")),
    "HTML": b"<html>" + b"<p>Welcome</p>\n" * 20_000,
    "an endless line": b"data: " + b"a" * 2_000_000,
    "very many choices": event({"choices": [{}] * 50_000}),
    "nothing": b"",
}


@pytest.mark.parametrize("odd", ODD)
def test_whatever_an_endpoint_sends_is_a_failure_with_a_reason(odd: str) -> None:
    with serving(Endpoint(reply, lambda body: "raw", raw=ODD[odd])) as served, pytest.raises(ModelFailed) as caught:
        write(served.url, "m")
    assert (caught.value.reason, caught.value.transient) == ("error", True)
    json.dumps(caught.value.detail, ensure_ascii=False).encode()


def test_tokens_that_nobody_can_have_used_are_not_counted() -> None:
    usage = no_usage()
    told = {"prompt_tokens": 10**30, "completion_tokens": -5, "total_tokens": 1}
    with serving(Endpoint(reply, lambda body: "raw", raw=usage_of(told) + b"data: [DONE]\n\n")) as served:
        write(served.url, "m", usage)
    assert (usage["input_tokens"], usage["output_tokens"]) == (0, 0)


def test_control_characters_of_a_reply_become_spaces() -> None:
    sent = event(piece("It\0is\x9b50 GB. [1]", "stop"))
    with serving(Endpoint(reply, lambda body: "raw", raw=sent)) as served:
        assert write(served.url, "m") == "It is 50 GB. [1]"


@pytest.mark.parametrize("pieces", [1, 500])
def test_a_reply_is_heard_up_to_a_bound(pieces: int) -> None:
    usage = no_usage()
    sent = event(piece("It is 50 GB. [1] " * (2000 // pieces))) * pieces + event(piece("", "stop"))
    with serving(Endpoint(reply, lambda body: "raw", raw=sent)) as served:
        heard = write(served.url, "m", usage)
    assert len(heard) == max_reply_characters(Generation().max_tokens)
    assert usage["unfinished"]
