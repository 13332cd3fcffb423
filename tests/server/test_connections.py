"""Connections: what surrounds a body is bounded, and nobody is waited for without end."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from server_under_test import app_over, serving
from support import QUICK

POST = b"POST /rag/invoke HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"


@pytest.fixture(scope="module")
def port(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with serving(app_over(quick_handbook, tmp_path_factory.mktemp("bounds"), QUICK, max_head=20_000)) as url:
        yield int(url.rsplit(":", 1)[1])


@pytest.fixture(scope="module")
def hurried(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server that waits for nothing."""
    settings = {"receive": 0.3, "idle": 1}
    with serving(app_over(quick_handbook, tmp_path_factory.mktemp("hurry"), QUICK, **settings)) as url:
        yield int(url.rsplit(":", 1)[1])


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


def until_closed(connection: socket.socket) -> bytes:
    """Everything that is sent until the server closes."""
    heard = b""
    while piece := connection.recv(65536):
        heard += piece
    return heard


def exchanged(port: int, *sent: bytes) -> tuple[int, dict[str, str]]:
    """What a connection that sends no more is told: a status and the error."""
    with connect(port) as connection:
        for each in sent:
            connection.sendall(each)
        head, _, body = until_closed(connection).partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["error"]


@pytest.mark.parametrize(
    "sent",
    [
        POST + b"x: " + b"a" * 30_000,
        POST + b"".join(b"x-%d: 1\r\n" % n for n in range(101)),
        b"GET /healthz?" + b"a&" * 15_000,
        CHUNKED + b"1;" + b"a" * 30_000,
        CHUNKED + b"1\r\n \r\n" * 5000,
        CHUNKED + b"2\r\n{}\r\n0\r\nx: " + b"a" * 30_000,
        CHUNKED + b"2\r\n{}\r\n0\r\n" + b"x: 1\r\n" * 101,
    ],
    ids=["a header", "headers", "a path", "a chunk's extension", "small chunks", "a trailer", "trailers"],
)
def test_what_surrounds_a_body_is_bounded(port: int, sent: bytes) -> None:
    status, error = exchanged(port, sent)
    assert (status, error["code"]) == (431, "headers_too_large")
    assert set(error) == {"code", "message", "request_id"}


@pytest.mark.parametrize(
    "sent",
    [b"GET /healthz HTTP/1.1\r\nhost: ", POST + b"content-length: 100\r\n\r\n{", CHUNKED + b"1\r\n{\r\n"],
    ids=["half a header", "half a body", "half a chunked body"],
)
def test_half_a_request_is_not_waited_for(hurried: int, sent: bytes) -> None:
    status, error = exchanged(hurried, sent)
    assert (status, error["code"]) == (408, "too_slow")


@pytest.mark.parametrize("sent", [b"", b"\r\n", HEALTH, HEALTH + b"\r\n", HEALTH + HEALTH])
def test_a_connection_that_asks_nothing_more_is_closed(hurried: int, sent: bytes) -> None:
    with connect(hurried) as connection:
        connection.sendall(sent)
        assert until_closed(connection).count(b"HTTP/1.1 200") == sent.count(HEALTH)


def test_what_is_no_http_has_the_body_of_every_error(port: int) -> None:
    status, error = exchanged(port, b"\x16\x03\x01 hello\r\n\r\n")
    assert (status, error["code"]) == (400, "bad_request")


def test_the_fields_of_a_query_are_bounded(port: int) -> None:
    status, error = exchanged(port, b"GET /healthz?" + b"a=1&" * 101 + b" HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    assert (status, error["code"]) == (400, "bad_request")


def test_a_large_body_and_a_hundred_headers_pass(port: int) -> None:
    """The body does not count, in one piece or in chunks; with the client's own headers there are a hundred."""
    body = json.dumps({"input": {"question": "What is the hotel limit?", "filters": {"title": "a" * 100_000}}})
    headers = {"content-type": "application/json", **{f"x-{number}": "1" for number in range(90)}}
    for content in (body.encode(), (body.encode()[start : start + 1000] for start in range(0, len(body), 1000))):
        reply = httpx.post(f"http://127.0.0.1:{port}/rag/invoke", content=content, headers=headers, timeout=60)
        assert reply.status_code == 200


def test_a_client_that_reads_nothing_is_left(hurried: int) -> None:
    """Its connection is reset, although there is more to send."""
    with connect(hurried) as connection, pytest.raises((ConnectionResetError, BrokenPipeError)):
        ask_for_ever(connection)


def ask_for_ever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"GET /static/swagger/swagger-ui-bundle.js HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
