"""How versions did on live questions, and whether a difference is more than chance."""

import json
import random
from contextlib import closing
from pathlib import Path

import httpx
import numpy as np
import pytest
from server_under_test import app_over, serving
from support import QUICK

import warrant
from server.observability.answer_store import open_answer_store
from server.observability.outcomes import MetricComparison, Outcomes, compare, read_outcomes


def outcomes(version: str = "1", **more: object) -> Outcomes:
    defaults = {"statuses": [], "rungs": [], "ratings": [], "latencies": np.array([])}
    return Outcomes(version, **{**defaults, **more})  # type: ignore[arg-type]


def metric(name: str, first: Outcomes, second: Outcomes) -> MetricComparison:
    return next(each for each in compare(first, second) if each.metric == name)


def test_a_share_has_wilsons_interval_and_a_difference_newcombes() -> None:
    # Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10: 56/70 against 48/80.
    one = outcomes(statuses=["declined"] * 48 + ["answered"] * 32)
    other = outcomes(statuses=["declined"] * 56 + ["answered"] * 14)
    found = metric("declined", one, other)
    assert found.difference.value == pytest.approx(20.0)
    assert found.difference.low == pytest.approx(5.24, abs=0.01)
    assert found.difference.high == pytest.approx(33.39, abs=0.01)
    assert found.first.low is not None
    assert found.first.high is not None
    assert found.first.low < 60.0 < found.first.high


def test_where_there_is_nothing_there_is_no_number() -> None:
    for each in compare(outcomes(), outcomes(statuses=["answered"])):
        assert each.first.value is None
        assert each.difference.value is None


def test_few_latencies_have_no_interval() -> None:
    found = metric("median latency", *[outcomes(latencies=np.arange(3.0))] * 2)
    assert (found.first.value, found.first.low) == (1.0, None)


def test_a_slower_version_is_told_from_chance() -> None:
    chance = np.random.default_rng(1)
    fast, slow = (outcomes(latencies=chance.gamma(4.0, scale, 300)) for scale in (25.0, 40.0))
    for name in ("median latency", "95th percentile"):
        apart, same = metric(name, fast, slow).difference, metric(name, fast, fast).difference
        assert apart.low is not None
        assert apart.low > 0
        assert same.low is not None
        assert same.high is not None
        assert same.low < 0 < same.high


def test_rungs_count_among_answers_and_ratings_among_the_rated() -> None:
    one = outcomes(
        statuses=["answered"] * 4, rungs=["primary", "hedge", "backup", "extractive"], ratings=["up", "down"]
    )
    shares = {each.metric: each.first.value for each in compare(one, one)}
    assert shares["fell back"] == 50.0
    assert shares["thumbs down"] == 50.0
    assert shares["failed"] == 0.0


def fill(state: Path, version: str, declined: float, ms: float, count: int) -> None:
    chance = random.Random(version)
    with closing(open_answer_store(state)) as connection, connection:
        for number in range(count):
            status = "declined" if chance.random() < declined else "answered"
            row = (
                f"{version}-{number:05}",
                2e9,
                "ann",
                "",
                "r@1",
                "s",
                status,
                version,
                chance.gauss(ms, 10),
                "primary",
            )
            connection.execute(
                "INSERT INTO questions (request_id, at, caller, session, release, snapshot, status, version, ms, rung) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )


def test_the_command_compares_what_was_asked_lately(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path, "1", 0.1, 100.0, 200)
    fill(tmp_path, "2", 0.3, 200.0, 100)
    assert warrant.main(["release", "compare", "v1", "2", "--state", str(tmp_path), "--json"]) in (0, None)
    report = json.loads(capsys.readouterr().out)
    assert report["questions"] == {"v1": 200, "v2": 100}
    found = {each["metric"]: each["difference"] for each in report["metrics"]}
    assert found["declined"]["low"] > 5.0
    assert 90 < found["median latency"]["value"] < 110
    assert warrant.main(["release", "compare", "v1", "v2", "--state", str(tmp_path)]) in (0, None)
    assert "200 questions" in capsys.readouterr().out


def test_a_version_that_was_asked_nothing_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert warrant.main(["release", "compare", "v1", "v2", "--state", str(tmp_path)]) == 2
    assert "v1 was asked nothing" in capsys.readouterr().err


def test_the_server_keeps_how_each_question_went(quick_handbook: Path, tmp_path: Path) -> None:
    with serving(app_over(quick_handbook, tmp_path, QUICK)) as url:
        for question in ("What is the hotel limit in the EU?", "?"):
            httpx.post(f"{url}/rag/invoke", timeout=60, json={"input": {"question": question}})
    found = read_outcomes(tmp_path, "", 0.0)
    assert sorted(found.statuses) == ["answered", "question_invalid"]
    assert found.rungs == ["primary"]
    assert len(found.latencies) == 2
