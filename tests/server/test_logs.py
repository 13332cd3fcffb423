"""Logs are JSON lines with the request's id, without texts unless they are wanted, and never with a key."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_under_test import app_over, key_file, serving
from support import QUICK

from server.settings import ServerSettings
from server.watching.logs import set_up_logs

KEY = "key-of-ann-which-nobody-may-read"
QUESTION = "What is the hotel limit in the EU?"
ASKED = {"input": {"question": QUESTION}}


@contextmanager
def logged(monkeypatch: pytest.MonkeyPatch, **settings: object) -> Iterator[io.StringIO]:
    """What set_up_logs lets through, instead of what pytest catches."""
    root, written = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", written)
    set_up_logs(ServerSettings(**settings))  # type: ignore[arg-type]
    try:
        yield written
    finally:
        root.handlers[:], root.level = before[0], before[1]


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    """Every line; fails when one is not JSON."""
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_a_question_is_two_lines_with_its_ids_and_no_text(
    quick_handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logged(monkeypatch) as written, serving(app_over(quick_handbook, tmp_path, QUICK)) as url:
        reply = httpx.post(f"{url}/rag/invoke", json=ASKED, headers={"x-request-id": "a-request-of-mine"})
        answer = reply.json()["output"]
    asked, request = (each for each in lines(written) if each.get("request_id") == answer["request_id"])
    assert asked["client_request_id"] == request["client_request_id"] == "a-request-of-mine"
    assert (asked["logger"], asked["code"], asked["rung"]) == ("warrant.questions", "answered", "primary")
    assert (request["logger"], request["status"], request["path"]) == ("warrant.access", 200, "/rag/invoke")
    assert request["ms"] >= request["graph_ms"] > 0
    assert asked["level"] == "INFO"
    assert asked["timestamp"].endswith("+00:00")
    assert QUESTION not in written.getvalue()
    assert answer["text"] not in written.getvalue()


def test_texts_are_logged_when_they_are_wanted(
    quick_handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = app_over(quick_handbook, tmp_path, QUICK, log_questions=True)
    with logged(monkeypatch) as written, serving(app) as url:
        answer = httpx.post(f"{url}/rag/invoke", json=ASKED).json()["output"]
    [asked] = [each for each in lines(written) if each["logger"] == "warrant.questions"]
    assert (asked["question"], asked["answer"]) == (QUESTION, answer["text"])


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
                httpx.post(f"{url}{path}", json=ASKED, headers=headers)
                httpx.get(f"{url}{path}", headers=headers)
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
        reply = httpx.get(f"{url}/breaks")
    [failure] = [each for each in lines(written) if each["level"] == "ERROR"]
    assert failure["request_id"] == reply.headers["x-request-id"] == reply.json()["error"]["request_id"]
    assert "ZeroDivisionError: something of ours" in failure["exc_info"]
    assert "something of ours" not in reply.text
