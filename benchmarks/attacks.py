"""What one client, or one model, can send to keep a server busy: for benchmarks/one_client.py."""

import http.client
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import repeat
from typing import Any

TOLD = re.compile(rb'"(?:rung|reason|code)": ?"(\w+)"')
PATIENCE = 60
"""Seconds that an attack waits for what comes back."""
HOTEL = "What is the hotel limit in the EU?"
JSON = {"content-type": "application/json"}
OPEN = 100
"""Connections that are left half-way at the same time."""
SENTENCE = "The hotel limit in zone {0} is {1} EUR a night and is paid back within {2} days. [1] "


@dataclass(frozen=True)
class Attack:
    """Sends something to a port and says what came back; `reply` is the bytes that the model's endpoint sends."""

    send: Callable[[int], str]
    reply: bytes = b""


def post(path: str, body: bytes, headers: Mapping[str, str] = JSON) -> Callable[[int], str]:
    """One request."""

    def send(port: int) -> str:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request("POST", path, body, headers)
            try:
                reply = connection.getresponse()
                return told(reply.status, reply.read())
            except (OSError, http.client.HTTPException) as error:
                return type(error).__name__

    return send


def told(status: int, body: bytes) -> str:
    """A status, and the rung and reason of an answer or the code of an error."""
    return " ".join([str(status), *dict.fromkeys(word.decode() for word in TOLD.findall(body))])


def invoke(**asked: Any) -> Callable[[int], str]:
    return post("/rag/invoke", json.dumps({"input": {"question": HOTEL, **asked}}).encode())


def raw(pieces: Callable[[], Iterator[bytes]], most: int = 64_000_000) -> Callable[[int], str]:
    """Bytes until the server answers, closes, or has taken `most`."""

    def send(port: int) -> str:
        sent = 0
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
            with suppress(OSError):
                for piece in pieces():
                    connection.sendall(piece)
                    sent += len(piece)
                    if sent >= most:
                        break
            try:
                first = connection.recv(4096)
            except OSError as error:
                return f"{type(error).__name__} after {sent:,} bytes"
        return f"{first[9:12].decode() or 'closed'} after {sent:,} bytes"

    return send


def endless(first: bytes, piece: bytes) -> Callable[[int], str]:
    def pieces() -> Iterator[bytes]:
        yield first
        yield from repeat(piece)

    return raw(pieces)


def half(sent: bytes) -> Callable[[int], str]:
    """Many connections that stop half-way: how many the server has closed within some seconds."""

    def send(port: int) -> str:
        many = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(OPEN)]
        try:
            for each in many:
                each.sendall(sent)
            end = time.monotonic() + 6
            closed = 0
            for each in many:
                each.settimeout(max(0.01, end - time.monotonic()))
                with suppress(TimeoutError, ConnectionResetError):
                    each.recv(1)
                    closed += 1
            return f"{closed} of {OPEN} closed"
        finally:
            for each in many:
                each.close()

    return send


def drip(first: bytes, piece: bytes, seconds: float = 6) -> Callable[[int], str]:
    """A byte now and then, so that the connection is never idle."""

    def pieces() -> Iterator[bytes]:
        end = time.monotonic() + seconds
        yield first
        while time.monotonic() < end:
            time.sleep(0.02)
            yield piece

    return raw(pieces)


def stream(*events: object, end: bool = True) -> bytes:
    """A model's stream of events under 200."""
    lines = [b"data: " + (each if isinstance(each, bytes) else json.dumps(each).encode()) for each in events]
    return b"\n\n".join([*lines, *([b"data: [DONE]"] if end else []), b""])


def chunk(content: Any, finish: Any = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"role": "assistant", "content": content, **more}, "finish_reason": finish}
    return {"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": [choice]}


def says(text: str, size: int = 2000) -> bytes:
    """A reply in pieces."""
    pieces = [chunk(text[start : start + size]) for start in range(0, len(text), size)]
    return stream(*pieces, chunk("", "stop"))


def cited(count: int) -> bytes:
    return says("".join(SENTENCE.format(n, 100 + n, n % 30) for n in range(count)))


HEAD = b"POST /rag/invoke HTTP/1.1\r\nhost: 127.0.0.1\r\n"
CHUNKED = HEAD + b"content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
OR = {"or": [{"title": "a"}] * 999}
LONG = "abcdefghij" * 100
WORDS = " ".join(f"w{n}ord" for n in range(500))
NEW = " ".join("".join(chr(97 + n // 26**k % 26) for k in range(5)) for n in range(100_000, 100_000 + 660 * 7919, 7919))
TURNS = [{"role": "user" if n % 2 == 0 else "assistant", "content": f"word{n}s and then " * 1300} for n in range(40)]


def chat(path: str, **fields: Any) -> Callable[[int], str]:
    return post(path, json.dumps({"model": "warrant", **fields}).encode())


def mcp(arguments: dict[str, Any], tool: str = "ask") -> Callable[[int], str]:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    accept = {**JSON, "accept": "application/json, text/event-stream"}
    return post("/mcp", json.dumps(body).encode(), accept)


def everywhere(name: str, question: str) -> dict[str, Attack]:
    """A question through each API."""
    return {
        name: Attack(invoke(question=question)),
        f"{name}, /v1/chat": Attack(
            chat("/v1/chat/completions", messages=[{"role": "user", "content": question}]),
        ),
        f"{name}, MCP search": Attack(mcp({"query": question}, "search")),
    }


CONNECTIONS = {
    "one endless header": Attack(endless(HEAD + b"x: ", b"a" * 65536)),
    "4 million small headers": Attack(endless(HEAD, b"a:b\r\n" * 13_000)),
    "an endless query string": Attack(endless(b"GET /healthz?", b"a&" * 32_000)),
    "endless trailers": Attack(endless(CHUNKED + b"2\r\n{}\r\n0\r\n", b"a:b\r\n" * 13_000)),
    "one endless trailer": Attack(endless(CHUNKED + b"2\r\n{}\r\n0\r\nx: ", b"a" * 65536)),
    "an endless chunk extension": Attack(endless(CHUNKED + b"1;", b"a" * 65536)),
    "a body in chunks of one byte": Attack(endless(CHUNKED, b"1\r\n \r\n" * 10_000)),
    "a cookie of escapes": Attack(
        post("/rag/invoke", b"{}", {**JSON, "cookie": 'warrant_key="' + "\\073" * 15_000 + '"'})
    ),
    "a query of 30,000 fields": Attack(post("/rag/invoke?" + "a&" * 30_000, b"{}")),
    "half a header": Attack(half(HEAD)),
    "half a body": Attack(half(HEAD + b"content-type: application/json\r\ncontent-length: 100\r\n\r\n{")),
    "idle connections": Attack(half(b"")),
    "a header byte by byte": Attack(drip(HEAD + b"x: ", b"a")),
    "a body byte by byte": Attack(drip(CHUNKED, b"1\r\n \r\n")),
}
QUESTIONS = {
    **everywhere("one word of 4,000 letters", "q" + "abcdefghijklmnopqrstuvwxyz" * 153),
    **everywhere("a long URL", ("https://example.org/" + "segment-one/two_three?four=five&" * 130)[:4000]),
    "4,000 letters of one kind": Attack(invoke(question="a" * 4000)),
    "4,000 letters as a code": Attack(invoke(question="a1" * 2000)),
    "4,000 capitals": Attack(invoke(question="ABCDE" * 800)),
    "4,000 letters with a capital": Attack(invoke(question="C" + "orrento" * 570)),
    "2,000 words of one letter": Attack(invoke(question="a b " * 1000)),
    "500 words": Attack(invoke(question=WORDS[:4000])),
    "660 unknown words": Attack(invoke(question=NEW[:4000])),
    "numbers that do not end": Attack(invoke(question="9" * 3900 + "½")),
    "hyphens and capitals": Attack(invoke(question="What is A " + "Ab-" * 1300)),
    "commas and capitals": Attack(invoke(question="A, " * 1300)),
    "names side by side": Attack(invoke(question=("What is " + "Ax or Bx, " * 400)[:4000])),
    "words with hyphens": Attack(invoke(question=("ab-" * 1333) + "a")),
    "apostrophes": Attack(invoke(question="a'b" * 1333)),
    "brackets": Attack(invoke(question="What [" + "(" * 3900)),
    "spaces and dots": Attack(invoke(question=". a" * 1333)),
    "numbers": Attack(invoke(question="1,2." * 999)),
    "Chinese": Attack(invoke(question="田中さんにあげて下さい" * 360)),
    "marks on letters": Attack(invoke(question="Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A" * 190)),
    "long words in 40 turns": Attack(
        invoke(question="And in the US?", history=[{**turn, "content": LONG * 24} for turn in TURNS])
    ),
    "40 long turns": Attack(invoke(question="And how long is it for those?", history=TURNS)),
    "a huge session_id": Attack(invoke(session_id="a" * 900_000)),
    "a feedback comment of 900 KB": Attack(
        post("/feedback", json.dumps({"request_id": "a" * 32, "rating": "up", "comment": "a" * 900_000}).encode())
    ),
}
BODIES = {
    "a batch of 60,001 empty questions": Attack(post("/rag/batch", json.dumps({"inputs": [{}] * 60_001}).encode())),
    "a batch of 60,001 numbers": Attack(post("/rag/batch", json.dumps({"inputs": [1] * 60_001}).encode())),
    "a batch of 32 long words": Attack(
        post("/rag/batch", json.dumps({"inputs": [{"question": "abcdefghij" * 400}] * 32}).encode())
    ),
    "300,000 empty turns": Attack(
        post("/rag/invoke", b'{"input":{"question":"a","history":[' + b"{}," * 300_000 + b"{}]}}")
    ),
    "60,000 messages": Attack(chat("/v1/chat/completions", messages=[{"role": "user"}] * 50_000)),
    "90,000 parts": Attack(chat("/v1/responses", input=[{"role": "user", "content": [{"type": "text"}] * 50_000}])),
    "100,000 unknown fields": Attack(
        post("/rag/invoke", json.dumps({"input": {"question": "a", **{str(n): 1 for n in range(80_000)}}}).encode())
    ),
    "100,000 unknown fields, MCP": Attack(mcp({str(n): 1 for n in range(80_000)})),
    "300,000 empty lists": Attack(invoke(filters={"a": [[]] * 200_000})),
    "brackets 400,000 deep": Attack(post("/rag/invoke", b"[" * 400_000)),
    "brackets 400,000 deep, /v1/chat": Attack(post("/v1/chat/completions", b"[" * 400_000)),
    "brackets 400,000 deep, MCP": Attack(
        post("/mcp", b"[" * 400_000, {**JSON, "accept": "application/json, text/event-stream"})
    ),
    "objects 900 deep": Attack(
        post("/rag/invoke", b'{"input":{"question":"a","filters":' + b'{"not":' * 900 + b"1" + b"}" * 902)
    ),
    "an integer of 5,000 digits": Attack(
        post("/rag/invoke", b'{"input": {"question": "a", "filters": {"a": ' + b"9" * 5000 + b"}}}")
    ),
    "an integer of 5,000 digits, /v1/chat": Attack(
        post("/v1/chat/completions", b'{"model": "warrant", "n": ' + b"9" * 5000 + b"}")
    ),
    "an integer of 5,000 digits, /v1/responses": Attack(
        post("/v1/responses", b'{"model": "warrant", "input": ' + b"9" * 5000 + b"}")
    ),
    "an integer of 5,000 digits, feedback": Attack(post("/feedback", b'{"rating": ' + b"9" * 5000 + b"}")),
    "a float of 1e999": Attack(post("/rag/invoke", b'{"input": {"question": "a", "filters": {"title": 1e999}}}')),
    "one key 100,000 times": Attack(
        post("/rag/invoke", b'{"input": {"question": "a"' + b',"question":"b"' * 60_000 + b"}}")
    ),
}
FILTERS = {
    "58 `or` of 999": Attack(invoke(filters={"and": [OR] * 58})),
    "one `or` of 999": Attack(invoke(filters=OR)),
    "one `in` of 999 values": Attack(invoke(filters={"title": [f"t{n}" for n in range(999)]})),
    "50 `in` of 999 values": Attack(invoke(filters={"and": [{"title": [f"t{n}" for n in range(999)]}] * 50})),
    "`not` 20 deep around 900": Attack(
        invoke(filters=json.loads('{"not":' * 18 + json.dumps({"or": OR["or"][:900]}) + "}" * 18))
    ),
    "a value of 900,000 letters": Attack(invoke(filters={"title": "a'" * 450_000})),
    "58 `or` of 999, MCP search": Attack(mcp({"query": HOTEL, "filters": {"and": [OR] * 58}}, "search")),
    "58 `or` of 999, /v1/chat": Attack(
        chat(
            "/v1/chat/completions",
            messages=[{"role": "user", "content": HOTEL}],
            warrant={"filters": {"and": [OR] * 58}},
        )
    ),
}
ASK = invoke()
ODD: dict[str, bytes] = {
    "data: []": stream([]),
    "data: 1": stream(1),
    "data: null": stream(None),
    "data without a value": b"data:\n\ndata: [DONE]\n\n",
    "lines without data": b": ping\nevent: x\nid: 1\nretry: 1\n\n" * 1000,
    "choices null": stream({**chunk("x"), "choices": None}),
    "choices a number": stream({**chunk("x"), "choices": 7}),
    "choices of null": stream({**chunk("x"), "choices": [None]}),
    "choices of lists": stream({**chunk("x"), "choices": [[]]}),
    "delta null": stream({**chunk("x"), "choices": [{"index": 0, "delta": None, "finish_reason": None}]}),
    "delta a list": stream({**chunk("x"), "choices": [{"index": 0, "delta": [1], "finish_reason": None}]}),
    "content a list": stream(chunk(["a", 1, {"type": "text", "text": 7}]), chunk("", "stop")),
    "content a number": stream(chunk(7), chunk("", "stop")),
    "content an object": stream(chunk({"a": 1}), chunk("", "stop")),
    "usage strings": stream(
        chunk("x [1]", "stop"), {**chunk(""), "choices": [], "usage": {"prompt_tokens": "a", "completion_tokens": "b"}}
    ),
    "usage a list": stream(chunk("x [1]", "stop"), {**chunk(""), "choices": [], "usage": [1]}),
    "usage negative and huge": stream(
        chunk("The hotel limit is 150 EUR. [1]", "stop"),
        {**chunk(""), "choices": [], "usage": {"prompt_tokens": 10**30, "completion_tokens": -5, "total_tokens": 1}},
    ),
    "usage fractions": stream(
        chunk("x [1]", "stop"),
        {**chunk(""), "choices": [], "usage": {"prompt_tokens": 1.5, "completion_tokens": float("nan")}},
    ),
    "finish_reason an object": stream(chunk("x [1]", {"a": 1})),
    "refusal an object": stream(chunk(None, None, refusal={"a": [1]}), chunk("", "stop")),
    "role a list": stream(chunk("x [1]", "stop", role=["assistant"])),
    "tool calls": stream(
        chunk(None, None, tool_calls=[{"index": 0, "function": {"name": "a", "arguments": "{"}}]),
        chunk("", "tool_calls"),
    ),
    "tool calls null and numbers": stream(chunk(None, None, tool_calls=[None, 1]), chunk("", "tool_calls")),
    "an integer of 5,000 digits": b'data: {"choices": ' + b"9" * 5000 + b"}\n\n",
    "deep brackets": b"data: " + b"[" * 50_000 + b"\n\n",
    "invalid UTF-8": b'data: {"choices": [{"index": 0, "delta": {"content": "\xff\xfe"}}]}\n\n',
    "half a surrogate pair": stream(chunk("The hotel limit \ud800 is 150 EUR. [1]"), chunk("", "stop")),
    "NUL characters": stream(chunk("The hotel limit\0 in the EU\0 is 150 EUR. [1]\0"), chunk("", "stop")),
    "an error of numbers": stream({"error": 5}),
    "an error of lists": stream({"error": {"message": [1], "code": [2], "type": {}}}),
    "model and id of lists": stream({**chunk("x [1]", "stop"), "id": [1], "model": {"a": 1}}),
    "HTML": b"<html><body>" + b"<p>Welcome</p>\n" * 100_000,
    "nothing": b"",
}
MODELS = {
    **{f"a reply of {count:,} cited sentences": Attack(ASK, cited(count)) for count in (200, 600, 4000)},
    "a reply of 600 sentences in one piece": Attack(
        ASK, stream(chunk("".join(SENTENCE.format(n, n, n) for n in range(600))), chunk("", "stop"))
    ),
    "a reply of 10 MB": Attack(ASK, says("Nothing of it is cited. " * 420_000)),
    "a reply of 10 MB in one piece": Attack(ASK, stream(chunk("a" * 10_000_000), chunk("", "stop"))),
    "a reply of 100,000 pieces": Attack(ASK, stream(*[chunk("a ")] * 100_000)),
    "a reply of 100,000 empty pieces": Attack(ASK, stream(*[chunk("")] * 100_000)),
    "a word of 100,000 letters": Attack(ASK, says("The limit is " + "ab" * 50_000 + ". [1]")),
    "50,000 brackets": Attack(ASK, says("[" * 25_000 + "1" + "]" * 25_000)),
    "50,000 spaces": Attack(ASK, says("The limit" + " " * 50_000 + "is 150 EUR. [1]")),
    "50,000 markers": Attack(ASK, says("The limit is 150 EUR. " + "[1]" * 20_000)),
    "an endless line": Attack(ASK, b"data: " + b"a" * 100_000_000),
    "100,000 choices": Attack(ASK, stream({**chunk("x"), "choices": [{}] * 300_000})),
    "100,000 tool calls": Attack(ASK, stream(chunk(None, None, tool_calls=[{}] * 300_000), chunk("", "stop"))),
    **{f"model: {name}": Attack(ASK, reply) for name, reply in ODD.items()},
}
GROUPS = {
    "connections": CONNECTIONS,
    "questions": QUESTIONS,
    "bodies": BODIES,
    "filters": FILTERS,
    "models' replies": MODELS,
}
