"""Scoring a run: a value or a reason, never a number in place of what is missing."""

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from evals.dataset import Dataset, Sample
from evals.metrics.catalog import KEYLESS
from evals.metrics.metric import Metric
from evals.runs import ANSWERS, EvalRun, PackagedRelease, SampleFailure, SampleOutcome, open_run
from evals.scores import SCORES, Score, ScoresFile, by_metric, score_run, scored
from warrant import warrant

SUBJECT = PackagedRelease(root=Path(), label="default@abc", release="d" * 64, snapshot="s1")
SAMPLES = (
    Sample(id="good", question="Who?", answerable=True, reference="Ann", documents=("x.md",)),
    Sample(id="broken", question="Whom?", answerable=True, reference="Ann", documents=("x.md",)),
    Sample(id="unasked", question="Whose?", answerable=False),
)
ANSWER: dict[str, Any] = {"text": "Ann. [1]", "status": "answered", "route": "simple", "usage": {"calls": 0}}
PASSAGES: list[dict[str, Any]] = [{"document": "x.md", "text": "Ann is it."}]


WIDE = {"COLUMNS": "200"}


@pytest.fixture
def run(tmp_path: Path) -> EvalRun:
    made = open_run(tmp_path, Dataset("d", SAMPLES), SUBJECT, 1)
    made.keep(SampleOutcome(sample="good", answer=ANSWER, passages=PASSAGES, seconds=0.5))
    made.keep(SampleOutcome(sample="broken", trouble=SampleFailure(kind="TimeoutError", message="late"), seconds=30))
    return made


def score(run: EvalRun) -> dict[str, dict[str, Score]]:
    return by_metric(score_run(run, {}, 1))


def test_a_sample_has_a_value_or_the_reason_why_there_is_none(run: EvalRun) -> None:
    found = score(run)
    assert found["exact_match"]["good"].value == 1.0
    assert found["context_recall"]["good"].value == 1.0
    assert found["latency_ms"]["good"].value == 500.0
    for name in ("exact_match", "context_recall", "answered", "latency_ms", "cost_usd"):
        assert found[name]["broken"] == Score(sample="broken", metric=name, reason="it failed: TimeoutError")
    assert found["declined_rightly"] == {
        "unasked": Score(sample="unasked", metric="declined_rightly", reason="it was not asked")
    }
    assert "unasked" not in found["exact_match"]
    assert {each.sample for each in found["cost_usd"].values() if each.reason} == {"broken", "unasked"}


def test_which_metrics_apply_is_not_for_the_outcome_to_say(run: EvalRun, tmp_path: Path) -> None:
    empty = open_run(tmp_path / "empty", Dataset("d", SAMPLES), SUBJECT, 1)
    applied = {(each.metric, name) for found in score(run).values() for name, each in found.items()}
    assert {(each.metric, name) for found in score(empty).values() for name, each in found.items()} == applied


def test_what_has_not_changed_is_read_again_and_what_has_is_scored_again(run: EvalRun) -> None:
    first = score(run)
    kept = ScoresFile.read(run.path / SCORES)
    assert kept
    few = tuple(each for each in kept.scores if each.metric == "ndcg")
    kept.model_copy(update={"scores": few}).write(run.path / SCORES)
    assert set(score(run)) == {"ndcg"}
    run.keep(SampleOutcome(sample="unasked", answer={**ANSWER, "status": "declined"}, passages=[], seconds=1))
    assert set(score(run)) == set(first)
    assert score(run)["declined_rightly"]["unasked"].value == 1.0
    for altered in ("{", (run.path / SCORES).read_text("utf-8").replace("[1.0]", "[0.0]")):
        (run.path / SCORES).write_text(altered, "utf-8")
        assert score(run)["exact_match"]["good"].value == 1.0


def test_scores_that_are_there_are_read_without_ragas(run: EvalRun, monkeypatch: pytest.MonkeyPatch) -> None:
    score(run)
    monkeypatch.setitem(sys.modules, "evals.metrics.from_ragas", None)
    assert score(run)["exact_match"]["good"].value == 1.0


def test_the_command_prints_means_and_what_has_no_score(run: EvalRun) -> None:
    told = CliRunner().invoke(warrant, ["eval", "score", str(run.path)], env={"COLUMNS": "120"})
    assert told.exit_code == 0, told.output
    line = next(line for line in told.output.splitlines() if line.startswith(" exact_match"))
    assert [part.strip() for part in line.split("│")] == ["exact_match", "1", "1", "1 it failed: TimeoutError"]
    lines = CliRunner().invoke(warrant, ["eval", "score", str(run.path), "--json"]).output.splitlines()
    assert {json.loads(line)["metric"] for line in lines} == set(score(run))


def test_metrics_are_explained_without_a_run() -> None:
    told = CliRunner().invoke(warrant, ["eval", "score", "--explain"], env=WIDE)
    assert (told.exit_code, "share that was retrieved" in told.output, "a judge" in told.output) == (0, True, True)


def test_scoring_needs_a_run() -> None:
    told = CliRunner().invoke(warrant, ["eval", "score"])
    assert (told.exit_code, "Give the directory of a RUN" in told.output) == (2, True)


def test_a_run_without_answers_has_no_mean(tmp_path: Path) -> None:
    empty = open_run(tmp_path, Dataset("d", SAMPLES), SUBJECT, 1)
    told = CliRunner().invoke(warrant, ["eval", "score", str(empty.path)], env={"COLUMNS": "120"}).output
    line = next(line for line in told.splitlines() if line.startswith(" answered"))
    assert [part.strip() for part in line.split("│")] == ["answered", "0", "-", "2 it was not asked"]
    assert not (empty.path / ANSWERS).exists()


SHARE = Metric("share", "a share")


@given(st.floats())
def test_no_number_ever_stands_for_what_is_not_one(value: float) -> None:
    found = scored("a", SHARE, value)
    good = 0 <= value <= 1
    assert found.value == (value if good else None)
    assert bool(found.reason) != good


@pytest.mark.parametrize("told", [{}, {"values": (1.0,), "reason": "x"}, {"values": (math.nan,)}])
def test_a_score_is_one_or_the_other(told: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Score(sample="a", metric="b", **told)


def test_metrics_have_names_of_their_own() -> None:
    assert len({metric.name for metric in KEYLESS}) == len(KEYLESS)
