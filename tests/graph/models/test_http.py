"""The kept connections: reused within an event loop, never across two, and closed with their loop."""

import asyncio
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import httpx
import pytest
from support import http_server

from graph.models.http import http_client

PORTS: list[int] = []
"""The client's port of each request."""


class Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        PORTS.append(self.client_address[1])
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    PORTS.clear()
    with http_server(Page) as address:
        yield address


async def get(client: httpx.AsyncClient, url: str, times: int) -> list[str]:
    return [(await client.get(url)).text for _ in range(times)]


def test_a_connection_is_kept_within_a_loop(url: str) -> None:
    assert asyncio.run(get(http_client(httpx.Timeout(5)), url, 3)) == ["ok"] * 3
    assert len(set(PORTS)) == 1


def test_one_client_serves_one_loop_after_another(url: str) -> None:
    client = http_client(httpx.Timeout(5))
    assert [asyncio.run(get(client, url, 2)) for _ in range(3)] == [["ok", "ok"]] * 3
    assert (len(PORTS), len(set(PORTS))) == (6, 3)


def test_loops_at_the_same_time_have_connections_of_their_own(url: str) -> None:
    client = http_client(httpx.Timeout(5))
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(asyncio.run(get(client, url, 5)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [["ok"] * 5] * 4
