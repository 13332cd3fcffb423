"""The middleware: authentication, limits, and the headers of every reply."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from server_under_test import app_over, key_file, serving
from support import QUICK

HOTEL = {"input": {"question": "What is the hotel limit in the EU?"}}


@pytest.fixture(scope="module")
def locked(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server with keys: ann sees what everybody may see, desk what finance may."""
    state = tmp_path_factory.mktemp("locked")
    keys = key_file(state / "keys.yaml", ann="key-of-ann", desk__finance="key-of-desk")
    settings = {"keys": keys, "max_body": 2048}
    with (
        serving(app_over(quick_handbook, state, QUICK, **settings)) as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        yield client


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


@pytest.mark.parametrize("path", ["/rag/invoke", "/rag/batch", "/rag/stream", "/rag/stream_log", "/feedback"])
def test_nobody_asks_without_a_key(locked: httpx.Client, path: str) -> None:
    for headers in ({}, bearer("wrong"), bearer("x"), {"authorization": "Basic a2V5"}, {"x-api-key": "wrong"}):
        reply = locked.post(path, json=HOTEL, headers=headers)
        assert (reply.status_code, reply.json()["error"]["code"]) == (401, "unauthenticated")
        assert reply.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "headers", [bearer("key-of-ann"), {"x-api-key": "key-of-ann"}, {"cookie": "other=1; warrant_key=key-of-ann"}]
)
def test_a_key_may_come_in_three_ways(locked: httpx.Client, headers: dict[str, str]) -> None:
    assert locked.post("/rag/invoke", json=HOTEL, headers=headers).status_code == 200


def test_health_is_told_to_everybody(locked: httpx.Client) -> None:
    assert locked.get("/healthz").status_code == locked.get("/readyz").status_code == 200


def test_the_groups_come_with_the_key_and_not_with_the_question(locked: httpx.Client) -> None:
    closed = {"input": {"question": "What is the goodwill guideline for warranty claims?"}}
    files = {}
    for key in ("key-of-ann", "key-of-desk"):
        answer = locked.post("/rag/invoke", json=closed, headers=bearer(key)).json()["output"]
        files[key] = {each["file"] for each in answer["citations"]} | set(answer["nearest"])
    body = {"input": {**closed["input"], "groups": ["hr"]}}
    assert locked.post("/rag/invoke", json=body, headers=bearer("key-of-ann")).status_code == 422
    assert not any("goodwill" in file for file in files["key-of-ann"])
    assert any("goodwill" in file for file in files["key-of-desk"])


def test_a_body_may_be_only_so_large(locked: httpx.Client) -> None:
    large = {"input": {"question": "x" * 3000}}
    reply = locked.post("/rag/invoke", json=large, headers=bearer("key-of-ann"))
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")
    assert "2048" in reply.json()["error"]["message"]


def test_a_body_of_unknown_length_is_not_read_past_the_limit(locked: httpx.Client) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        while sent < 50_000_000:
            sent += 1000
            yield b"x" * 1000

    headers = {**bearer("key-of-ann"), "content-type": "application/json"}
    # The server may close the connection while we are still sending.
    with suppress(httpx.WriteError):
        assert locked.post("/rag/invoke", content=endless(), headers=headers).status_code == 413
    assert sent < 50_000_000


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_page_of_another_site_cannot_send_a_form(server: str, kind: str) -> None:
    reply = httpx.post(
        f"{server}/rag/invoke", timeout=60, content=b'{"input": {"question": "Hi"}}', headers={"content-type": kind}
    )
    assert (reply.status_code, reply.json()["error"]["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_on_loopback_another_name_is_not_answered(server: str, host: str) -> None:
    assert httpx.get(f"{server}/rag/input_schema", timeout=60, headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "localhost:8100", "127.0.0.1:1", "[::1]:8100", "[::1]"])
def test_on_loopback_its_own_names_are_answered(server: str, host: str) -> None:
    assert httpx.get(f"{server}/rag/input_schema", timeout=60, headers={"host": host}).status_code == 200


def test_every_reply_has_an_id_and_says_what_the_time_went_into(server: str) -> None:
    for reply in (
        httpx.post(f"{server}/rag/invoke", timeout=60, json=HOTEL),
        httpx.get(f"{server}/nothing", timeout=60),
    ):
        assert re.fullmatch("[0-9a-f]{32}", reply.headers["x-request-id"])
        assert re.fullmatch(r"graph;dur=[\d.]+, warrant;dur=[\d.]+", reply.headers["server-timing"])


def test_the_client_s_own_id_is_echoed_where_it_is_harmless_and_no_record_has_it(server: str) -> None:
    reply = httpx.post(f"{server}/rag/invoke", timeout=60, json=HOTEL, headers={"x-request-id": "my-request_17"})
    assert reply.headers["x-request-id"] == "my-request_17"
    assert re.fullmatch("[0-9a-f]{32}", reply.json()["output"]["request_id"])
    reply = httpx.get(f"{server}/healthz", timeout=60, headers={"x-request-id": 'x"} {"level":'})
    assert re.fullmatch("[0-9a-f]{32}", reply.headers["x-request-id"])


def test_only_pages_of_the_origins_that_are_named_may_ask(server: str, quick_handbook: Path, tmp_path: Path) -> None:
    preflight = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    with serving(app_over(quick_handbook, tmp_path, QUICK, origins=["https://app.example"])) as url:
        for origin, status in (("https://app.example", 200), ("https://evil.example", 400)):
            reply = httpx.options(f"{url}/rag/invoke", headers={**preflight, "origin": origin})
            assert reply.status_code == status
            assert (reply.headers.get("access-control-allow-origin") == origin) == (status == 200)
    closed = httpx.options(f"{server}/rag/invoke", headers={**preflight, "origin": "https://app.example"})
    assert "access-control-allow-origin" not in closed.headers
