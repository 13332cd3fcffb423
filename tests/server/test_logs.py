"""Logs are JSON lines with the request's id, without texts unless they are wanted, and never with a key."""

import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_under_test import app_over, key_file, serving
from support import QUICK

from server.observability.logs import configure_logging
from server.settings import ServerSettings

KEY = "key-of-ann-which-nobody-may-read"
QUESTION = "What is the hotel limit in the EU?"
ASKED = {"input": {"question": QUESTION}}


@contextmanager
def logged(monkeypatch: pytest.MonkeyPatch, **settings: object) -> Iterator[io.StringIO]:
    """What configure_logging lets through, instead of what pytest catches."""
    root, written = logging.getLogger(), io.StringIO()
    before, factory = (root.handlers[:], root.level), logging.getLogRecordFactory()
    monkeypatch.setattr(sys, "stderr", written)
    configure_logging(ServerSettings(**settings))  # type: ignore[arg-type]
    try:
        yield written
    finally:
        root.handlers[:], root.level = before[0], before[1]
        logging.setLogRecordFactory(factory)
        logging.captureWarnings(False)


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    """Every line; fails when one is not JSON."""
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_question_is_two_lines_with_its_ids_and_no_text(
    quick_handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logged(monkeypatch) as written, serving(app_over(quick_handbook, tmp_path, QUICK)) as url:
        reply = httpx.post(f"{url}/rag/invoke", timeout=60, json=ASKED, headers={"x-request-id": "a-request-of-mine"})
        answer = reply.json()["output"]
    line, request = (each for each in lines(written) if each.get("request_id") == answer["request_id"])
    assert line["client_request_id"] == request["client_request_id"] == "a-request-of-mine"
    assert (line["logger"], line["code"], line["rung"]) == ("warrant.questions", "answered", "primary")
    assert (request["logger"], request["status"], request["path"]) == ("warrant.access", 200, "/rag/invoke")
    assert request["ms"] >= request["graph_ms"] > 0
    assert line["level"] == "INFO"
    assert line["timestamp"].endswith("+00:00")
    assert QUESTION not in written.getvalue()
    assert answer["text"] not in written.getvalue()


def test_texts_are_logged_when_they_are_wanted(
    quick_handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_over(quick_handbook, tmp_path, QUICK, log_questions=True)
    with logged(monkeypatch) as written, serving(app) as url:
        answer = httpx.post(f"{url}/rag/invoke", timeout=60, json=ASKED).json()["output"]
    [line] = [each for each in lines(written) if each["logger"] == "warrant.questions"]
    assert (line["question"], line["answer"]) == (QUESTION, answer["text"])


def test_no_key_is_logged_however_it_comes_and_whatever_the_level(
    quick_handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = key_file(tmp_path / "keys.yaml", ann=KEY)
    app = app_over(quick_handbook, tmp_path, QUICK, keys=keys)
    offered = [
        {"authorization": f"Bearer {KEY}"},
        {"x-api-key": KEY},
        {"cookie": f"warrant_key={KEY}"},
        {"authorization": f"Bearer wrong-{KEY}"},
        {"authorization": f"Basic {KEY}"},
    ]
    with logged(monkeypatch, log_level="debug") as written, serving(app) as url:
        for headers in offered:
            for path in ("/rag/invoke", "/rag/batch", "/nowhere"):
                httpx.post(f"{url}{path}", timeout=60, json=ASKED, headers=headers)
                httpx.get(f"{url}{path}", timeout=60, headers=headers)
        statuses = {each["status"] for each in lines(written) if each["logger"] == "warrant.access"}
    assert statuses >= {200, 401, 404, 422}
    assert KEY not in written.getvalue()


def test_a_failure_of_ours_is_logged_with_its_id_and_where_it_happened(
    quick_handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_over(quick_handbook, tmp_path, QUICK)

    @app.get("/breaks")
    async def breaks() -> None:
        raise ZeroDivisionError("something of ours")

    with logged(monkeypatch) as written, serving(app) as url:
        reply = httpx.get(f"{url}/breaks", timeout=60)
    [failure] = [each for each in lines(written) if each["level"] == "ERROR"]
    assert failure["request_id"] == reply.headers["x-request-id"] == reply.json()["error"]["request_id"]
    assert failure["exc_info"].endswith("ZeroDivisionError")
    assert "in breaks" in failure["exc_info"]
    assert "something of ours" not in reply.text


SAID = "zanzibar-cocktail"
BROKEN: dict[str, Any] = {"jsonrpc": "2.0", "id": None, "method": "tools/call", "params": {"name": SAID}}
MALFORMED: list[tuple[str, Any]] = [
    ("/mcp", BROKEN),
    ("/mcp", {**BROKEN, "id": {"a": SAID}}),
    ("/mcp", {**BROKEN, "id": 1, "params": SAID}),
    ("/mcp", {**BROKEN, "id": 1, "method": SAID}),
    ("/mcp", {**BROKEN, "id": 1, "params": {"name": "ask", "arguments": {"question": [SAID]}}}),
    ("/mcp", {"jsonrpc": SAID, "method": "notifications/cancelled", "params": {"requestId": SAID, "reason": 1}}),
    ("/mcp", [BROKEN]),
    ("/mcp", f'{{"jsonrpc": "{SAID}'),
    ("/rag/invoke", {"input": {"question": [SAID]}}),
    ("/rag/invoke", {"input": {"question": SAID}, "config": {"tags": SAID, "configurable": {SAID: SAID}}}),
    ("/rag/invoke", {"input": {"question": SAID}, "kwargs": {SAID: SAID}}),
    ("/rag/invoke", {"input": {"question": SAID, "filters": {SAID: SAID}}}),
    ("/rag/invoke", f'{{"input": {{"question": "{SAID} \\ud800"}}}}'),
    ("/rag/invoke", f'{{"input": {SAID}'),
    ("/rag/batch", {"inputs": [SAID, {"question": SAID}]}),
    ("/rag/batch", {"inputs": [{"question": SAID}], "config": [{"run_name": 1}, {SAID: SAID}]}),
    ("/rag/stream", {"input": {"question": SAID, "history": [{"role": SAID, "content": SAID}]}}),
    ("/rag/stream_log", {"input": {"question": SAID}, "include_names": SAID}),
    ("/rag/stream_events", {"input": {"question": SAID}, "version": SAID}),
    ("/v1/chat/completions", {"model": "warrant", "messages": [{"role": SAID, "content": SAID}]}),
    ("/v1/chat/completions", {"model": "warrant", "messages": SAID, "stream": SAID}),
    ("/v1/responses", {"model": "warrant", "input": [{"type": SAID, "content": [{"text": SAID}]}]}),
    ("/feedback", {"request_id": SAID, "rating": SAID, "comment": [SAID]}),
]


def test_nothing_that_a_client_sends_is_logged_by_any_library(
    quick_handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, headers = app_over(quick_handbook, tmp_path, QUICK), {"accept": "application/json, text/event-stream"}

    @app.get("/leaks")
    async def leaks() -> None:
        logging.getLogger("a.library").error("asked %s", SAID, extra={"request": SAID})
        warnings.warn(f"serialized {SAID}", stacklevel=1)
        try:
            raise ValueError(SAID)
        except ValueError as error:
            raise KeyError(SAID) from error

    with logged(monkeypatch, log_level="debug") as written, serving(app) as url, warnings.catch_warnings():
        warnings.simplefilter("always")
        for path, body in MALFORMED:
            content = body if isinstance(body, str) else json.dumps(body)
            httpx.post(
                f"{url}{path}", timeout=60, content=content, headers={**headers, "content-type": "application/json"}
            )
        httpx.get(f"{url}/leaks", timeout=60)
    records = lines(written)
    assert {"a.library", "py.warnings", "warrant.access"} <= {each["logger"] for each in records}
    assert "KeyError" in next(each["exc_info"] for each in records if each["message"] == "a request failed")
    assert [each for each in records if SAID in json.dumps(each)] == []
    assert SAID not in written.getvalue()
