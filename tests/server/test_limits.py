"""Limits and quotas: exactly what is allowed is used, by however many ask at once, and it is counted for whom."""

import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from click.testing import CliRunner
from server_under_test import app_over, key_file, scripted, serving, until
from support import QUICK

from graph.audit import read_records
from graph.callers import Caller
from graph.errors import SettingsInvalid
from server.limits.rules import LimitRule, Unit, read_rules, rules_for
from server.limits.usage import LimitReached, Reservation, UsageKey, UsageStore
from warrant import warrant

HOTEL = {"input": {"question": "What is the hotel limit in the EU?"}}
ANN, BOB = ({"authorization": f"Bearer key-of-{name}"} for name in ("ann", "bob"))
ONE: dict[Unit, float] = {"requests": 1.0, "tokens": 0.0, "cost": 0.0}
NOW = datetime(2026, 2, 28, 23, 59, 30, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Where the counts are; an empty database for each test."""
    yield (found := request.getfixturevalue("postgres_url") if request.param == "postgres" else None)
    if found:
        with psycopg.connect(found) as connection:
            connection.execute("DROP TABLE limit_counts, usage_by_day")


def rule(**fields: Any) -> LimitRule:
    return LimitRule(**{"of": "caller", "requests": 10, "per": "minute", **fields})


def rules_file(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text(json.dumps(rows), "utf-8")
    return path


@pytest.mark.parametrize(
    ("per", "began", "ends"),
    [
        ("minute", datetime(2026, 2, 28, 23, 59, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        ("hour", datetime(2026, 2, 28, 23, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        ("day", datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        ("month", datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_period_is_one_of_the_calendar(per: Any, began: datetime, ends: datetime) -> None:
    assert rule(per=per).period(NOW) == (began, ends)


def test_a_rule_with_a_name_takes_the_place_of_the_one_without() -> None:
    rules = [
        rule(),
        rule(name="ann", requests=99),
        rule(of="team", requests=None, tokens=5, per="day"),
        rule(of="endpoint", name="openai"),
    ]
    ann, bob = Caller(name="ann", team="sales"), Caller(name="bob")
    assert [(each.most, subject) for each, subject in rules_for(rules, ann, "rag")] == [(99, "ann"), (5, "sales")]
    assert [(each.most, subject) for each, subject in rules_for(rules, bob, "openai")] == [(10, "bob"), (10, "openai")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[{of: caller, per: minute}]", "bounds one of"),
        ("[{of: caller, requests: 1, tokens: 1, per: minute}]", "bounds one of"),
        ("[{of: everybody, requests: 1, per: minute}]", "0.of must be 'caller', 'team' or 'endpoint'"),
        ("[{of: caller, requests: -1, per: minute}]", "0.requests must be at least 0, not -1"),
        ("[{of: caller, requests: 1, per: second}]", "0.per must be"),
        ("{", "cannot be read"),
    ],
)
def test_wrong_rules_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "limits.yaml").write_text(text, "utf-8")
    with pytest.raises(SettingsInvalid, match=message):
        read_rules(tmp_path / "limits.yaml")


def test_a_reservation_takes_from_every_rule_or_from_none(tmp_path: Path, url: str | None) -> None:
    store = UsageStore(url, tmp_path)
    wide, narrow = (rule(requests=3, per="day"), "ann"), (rule(of="team", requests=1, per="day"), "sales")
    assert isinstance(store.reserve([wide, narrow], ONE, NOW), Reservation)
    for _ in range(5):
        assert store.reserve([wide, narrow], ONE, NOW) == LimitReached(narrow[0], 30)
    assert [isinstance(store.reserve([wide], ONE, NOW), Reservation) for _ in range(3)] == [True, True, False]
    tomorrow = NOW + timedelta(minutes=1)
    assert isinstance(store.reserve([wide, narrow], ONE, tomorrow), Reservation)
    store.close()


def test_what_was_not_used_is_given_back_and_what_is_used_is_kept_by_a_restart(tmp_path: Path, url: str | None) -> None:
    tokens = [(rule(requests=None, tokens=100, per="day"), "ann")]
    store = UsageStore(url, tmp_path)
    taken = store.reserve(tokens, {**ONE, "tokens": 80})
    assert isinstance(taken, Reservation)
    assert isinstance(store.reserve(tokens, {**ONE, "tokens": 80}), LimitReached)
    spent: dict[Unit, float] = {"requests": 1, "tokens": 30, "cost": 0.5}
    store.settle(taken, spent)
    store.add({UsageKey("2026-11-30", "", "ann", "rag", "m"): spent})
    store.close()
    again = UsageStore(url, tmp_path)
    assert isinstance(again.reserve(tokens, {**ONE, "tokens": 71}), LimitReached)
    assert isinstance(again.reserve(tokens, {**ONE, "tokens": 70}), Reservation)
    [used] = again.used()
    assert (used["caller"], used["requests"], used["tokens"], used["cost"]) == ("ann", 1, 30, 0.5)
    again.close()


def test_stores_that_are_asked_at_once_give_out_exactly_what_there_is(tmp_path: Path, url: str | None) -> None:
    stores = [UsageStore(url, tmp_path) for _ in range(4)]
    ready = threading.Barrier(40)

    def take(number: int) -> bool:
        ready.wait()
        return isinstance(stores[number % 4].reserve([(rule(per="month"), "ann")], ONE, NOW), Reservation)

    with ThreadPoolExecutor(40) as pool:
        assert sum(pool.map(take, range(40))) == 10
    for store in stores:
        store.close()


def test_fifty_requests_at_once_against_a_quota_of_ten_are_answered_ten_times(
    quick_handbook: Path, tmp_path: Path
) -> None:
    keys = key_file(tmp_path / "keys.yaml", ann="key-of-ann", bob="key-of-bob")
    limits = rules_file(tmp_path / "limits.yaml", {"of": "caller", "requests": 10, "per": "month"})
    with serving(app_over(quick_handbook, tmp_path, QUICK, keys=keys, limits=limits)) as url:

        def ask(_: int) -> httpx.Response:
            return httpx.post(f"{url}/rag/invoke", json=HOTEL, headers=ANN, timeout=120)

        with ThreadPoolExecutor(50) as pool:
            replies = [*pool.map(ask, range(50))]
        assert sorted({reply.status_code for reply in replies}) == [200, 429]
        assert sum(reply.status_code == 200 for reply in replies) == 10
        refused = next(reply for reply in replies if reply.status_code == 429)
        assert refused.json()["error"]["code"] == "limit_reached"
        assert "10 requests a month" in refused.json()["error"]["message"]
        assert 0 < int(refused.headers["retry-after"]) <= 31 * 86_400
        other = httpx.post(f"{url}/rag/invoke", json=HOTEL, headers=BOB, timeout=60)
        assert (other.status_code, other.headers["ratelimit-limit"], other.headers["ratelimit-remaining"]) == (
            200,
            "10",
            "9",
        )


def test_a_clock_that_jumps_gives_nothing_twice_in_the_same_period(tmp_path: Path, url: str | None) -> None:
    store, once = UsageStore(url, tmp_path), [(rule(requests=1, per="day"), "ann")]
    clock = (NOW, NOW + timedelta(days=1), NOW - timedelta(days=1), NOW, NOW + timedelta(days=1))
    assert [isinstance(store.reserve(once, ONE, at), Reservation) for at in clock] == [True, True, True, False, False]
    store.close()


def test_while_usage_cannot_be_counted_limited_questions_are_refused_and_others_answered(
    quick_handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.limits.usage.BUSY_SECONDS", 0.05)
    keys = key_file(tmp_path / "keys.yaml", ann="key-of-ann", bob="key-of-bob")
    limits = rules_file(tmp_path / "limits.yaml", {"of": "caller", "name": "ann", "requests": 100, "per": "month"})
    with (
        serving(app_over(quick_handbook, tmp_path, QUICK, keys=keys, limits=limits)) as url,
        closing(sqlite3.connect(tmp_path / "usage.sqlite", isolation_level=None)) as locked,
    ):
        locked.execute("BEGIN EXCLUSIVE")
        replies = [httpx.post(f"{url}/rag/invoke", json=HOTEL, headers=who, timeout=60) for who in (ANN, BOB)]
        assert [reply.status_code for reply in replies] == [503, 200]
        assert replies[0].json()["error"]["code"] == "state_unavailable"
        locked.execute("ROLLBACK")
        assert httpx.post(f"{url}/rag/invoke", json=HOTEL, headers=ANN, timeout=60).status_code == 200


def test_every_item_of_a_batch_and_every_stream_counts(quick_handbook: Path, tmp_path: Path) -> None:
    limits = rules_file(tmp_path / "limits.yaml", {"of": "caller", "requests": 3, "per": "month"})
    with serving(app_over(quick_handbook, tmp_path, QUICK, limits=limits)) as url:
        batch = {"inputs": [HOTEL["input"]] * 2}
        assert httpx.post(f"{url}/rag/batch", json=batch, timeout=60).status_code == 200
        assert '"final"' in httpx.post(f"{url}/rag/stream", json=HOTEL, timeout=60).text
        assert '"limit_reached"' in httpx.post(f"{url}/rag/stream", json=HOTEL, timeout=60).text
        assert httpx.post(f"{url}/rag/invoke", json=HOTEL, timeout=60).status_code == 429
        assert httpx.post(f"{url}/rag/batch", json=batch, timeout=60).status_code == 429


@pytest.mark.parametrize("path", ["/verify", "/documents", "/mcp"])
def test_what_reads_documents_without_a_question_counts_too(quick_handbook: Path, tmp_path: Path, path: str) -> None:
    keys, audit = key_file(tmp_path / "keys.yaml", ann="key-of-ann"), tmp_path / "audit.jsonl"
    limits = rules_file(tmp_path / "limits.yaml", {"of": "caller", "requests": 2, "per": "month"})
    settings: dict[str, Any] = {"keys": keys, "limits": limits, "audit": audit, "audit_questions": True}
    search = {"name": "search", "arguments": {"query": "hotel"}}
    bodies = {
        "/verify": {"question": "How long?", "answer": "It is 5 m long. [1]", "passages": ["It is 5 m long."]},
        "/mcp": {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": search},
    }
    headers = {**ANN, "accept": "application/json, text/event-stream"}
    with (
        serving(app_over(quick_handbook, tmp_path / "state", QUICK, **settings)) as url,
        httpx.Client(base_url=url, timeout=60, headers=headers) as client,
    ):

        def ask() -> str:
            if path == "/documents":
                return client.get(path, params={"document": "handbook/policies/access-control.md"}).text
            return client.post(path, json=bodies[path]).text

        assert ["limit_reached" in ask() for _ in range(4)] == [False, False, True, True]
    assert [record.act for record in read_records(audit)] == [
        {"/documents": "read", "/mcp": "search"}.get(path, "verify")
    ] * 4


def test_usage_is_shown_by_team_model_and_day(
    quick_handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = scripted(
        tmp_path, {"reply": "The limit for a hotel in the EU, with breakfast, is EUR 145 per night. [1]"}
    )
    model = release.models.simple
    prices = {model: (1000.0, 2000.0)}
    with serving(app_over(quick_handbook, tmp_path, release, prices=prices)) as url:
        assert httpx.post(f"{url}/rag/invoke", json=HOTEL, timeout=60).status_code == 200
        store = UsageStore(None, tmp_path)
        [used] = until(store.used)
        store.close()
    assert (used["caller"], used["route"], used["model"], used["requests"]) == ("anonymous", "rag", model, 1)
    assert used["tokens"] > 0
    assert used["cost"] > 0
    monkeypatch.setenv("WARRANT_STATE", str(tmp_path))
    shown = CliRunner().invoke(warrant, ["usage", "--by", "caller", "--csv"], catch_exceptions=False).stdout
    assert shown.splitlines()[0] == "caller,requests,tokens,cost"
    assert shown.splitlines()[1].startswith(f"anonymous,1,{used['tokens']},")
    assert "anonymous" in CliRunner().invoke(warrant, ["usage", "--by", "caller"], catch_exceptions=False).stdout


def test_the_page_of_usage_has_bars_and_no_markup_of_a_team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = UsageStore(None, tmp_path)
    amounts: list[tuple[str, dict[Unit, float]]] = [
        ("<b>sales</b>", {"requests": 30, "tokens": 4000, "cost": 1.5}),
        ("support", {"requests": 10, "tokens": 0, "cost": 0.0}),
    ]
    store.add({UsageKey("2026-11-30", team, "ann", "rag", "m"): used for team, used in amounts})
    store.close()
    monkeypatch.setenv("WARRANT_STATE", str(tmp_path))
    page = tmp_path / "usage.html"
    command = ["usage", "--by", "team", "--page", str(page)]
    assert CliRunner().invoke(warrant, command, catch_exceptions=False).exit_code == 0
    text = page.read_text("utf-8")
    assert "<td>&lt;b&gt;sales&lt;/b&gt;</td>" in text
    assert '--share: 75.0%">30</td>' in text
    assert '--share: 100.0%">1.5000</td>' in text
    assert not re.search(r"(?:src|href)=|@import|url\(", text), "it needs another file"
