"""What the server records: refused access, admin acts, questions where it is told to; and what it refuses without."""

import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_under_test import app_over, key_file, serving
from support import QUICK

from graph.audit import AuditRecord, read_records, verify_log
from server.audit import REFUSALS_PER_SECOND

HOTEL = {"input": {"question": "What is the hotel limit in the EU?"}}
ANN, CHIEF = ({"authorization": f"Bearer key-of-{name}"} for name in ("ann", "chief"))


def recorded(state: Path) -> list[AuditRecord]:
    assert verify_log(state / "audit.jsonl") is None
    return [*read_records(state / "audit.jsonl")]


def served(index: Path, state: Path, **settings: Any) -> Any:
    keys = key_file(state / "keys.yaml", ann="key-of-ann", chief="key-of-chief")
    return serving(app_over(index, state, QUICK, keys=keys, **settings))


def test_refusals_and_admin_acts_are_recorded_and_questions_only_where_configured(
    quick_handbook: Path, tmp_path: Path
) -> None:
    with served(quick_handbook, tmp_path) as url:
        httpx.post(f"{url}/rag/invoke", json=HOTEL, timeout=60)
        httpx.post(f"{url}/rag/invoke", json=HOTEL, headers={"x-api-key": "wrong"}, timeout=60)
        httpx.post(f"{url}/admin/reload", json={}, headers=ANN, timeout=60)
        httpx.post(f"{url}/staging/rag/invoke", json=HOTEL, headers=ANN, timeout=60)
        assert httpx.post(f"{url}/admin/reload", json={}, headers=CHIEF, timeout=60).status_code == 200
        assert httpx.post(f"{url}/rag/invoke", json=HOTEL, headers=ANN, timeout=60).status_code == 200
    found = [
        (each.actor, each.act, each.target, each.outcome, each.detail.get("status")) for each in recorded(tmp_path)
    ]
    assert found == [
        ("anonymous", "access", "/rag/invoke", "refused", 401),
        ("anonymous", "access", "/rag/invoke", "refused", 401),
        ("ann", "access", "/admin/reload", "refused", 403),
        ("ann", "access", "/staging/rag/invoke", "refused", 403),
        ("chief", "reload", "releases", "allowed", None),
    ]
    assert "key-of" not in (tmp_path / "audit.jsonl").read_text("utf-8")


def test_a_question_is_recorded_before_it_is_answered_where_configured(quick_handbook: Path, tmp_path: Path) -> None:
    with served(quick_handbook, tmp_path, audit_questions=True) as url:
        reply = httpx.post(f"{url}/rag/invoke", json=HOTEL, headers=ANN, timeout=60).json()
        [record] = recorded(tmp_path)
        assert (record.actor, record.act, record.target) == ("ann", "ask", "production")
        assert record.detail == {"request_id": reply["output"]["request_id"]}
        assert "hotel" not in record.line().decode()


def test_what_cannot_be_recorded_is_not_done(quick_handbook: Path, tmp_path: Path) -> None:
    audit = tmp_path / "audit"
    with served(quick_handbook, tmp_path, audit_questions=True, audit=audit / "log.jsonl") as url:
        assert httpx.post(f"{url}/admin/reload", json={}, headers=CHIEF, timeout=60).status_code == 200
        shutil.rmtree(audit)
        audit.write_text("in the way", "utf-8")
        for path, body, headers in (("/admin/reload", {}, CHIEF), ("/rag/invoke", HOTEL, ANN)):
            reply = httpx.post(f"{url}{path}", json=body, headers=headers, timeout=60)
            assert (reply.status_code, reply.json()["error"]["code"]) == (503, "audit_unavailable")
        assert httpx.post(f"{url}/rag/invoke", json=HOTEL, timeout=60).status_code == 401


def test_a_flood_of_refusals_does_not_fill_the_log(quick_handbook: Path, tmp_path: Path) -> None:
    with served(quick_handbook, tmp_path) as url, httpx.Client(base_url=url, timeout=60) as client:
        sent = 0
        while not any(each.detail.get("unrecorded") for each in (recorded(tmp_path) if sent else [])):
            for _ in range(5 * REFUSALS_PER_SECOND):
                client.get("/conversations")
            sent += 5 * REFUSALS_PER_SECOND
            assert sent < 10_000
    found = recorded(tmp_path)
    assert len(found) < sent
    assert len(found) + sum(each.detail.get("unrecorded", 0) for each in found) <= sent


@pytest.mark.parametrize("path", ["/" + "x" * 5000, "/\u202e"])
def test_whatever_path_is_refused_is_recorded_short(quick_handbook: Path, tmp_path: Path, path: str) -> None:
    with served(quick_handbook, tmp_path) as url:
        assert httpx.get(f"{url}{path}", timeout=60).status_code == 401
    assert len(recorded(tmp_path)[0].target) <= 200
