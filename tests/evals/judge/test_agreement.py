"""How far scores agree with people: figures worked out by hand, and the command over a small set of our own."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from judge_under_test import Script, judging_at
from support import ROOT

from evals.errors import DatasetInvalid, LabelsInvalid
from evals.judge.agreement import agreement, auroc, read_labels, spearman, with_itself
from evals.scores import Score
from warrant import warrant

pytestmark = pytest.mark.slow

LABELLED = ROOT / "tests" / "evals" / "judge" / "labelled"


def test_correlation_and_separation_are_those_of_the_textbook() -> None:
    scores, truth = np.array([0.1, 0.4, 0.35, 0.8]), np.array([0.0, 0.0, 1.0, 1.0])
    assert auroc(scores, truth) == 0.75
    assert spearman(scores, np.array([1.0, 3.0, 2.0, 4.0])) == 1.0
    assert auroc(scores, np.ones(4)) is None
    assert spearman(np.ones(4), truth) is None


def test_a_judge_agrees_with_itself_or_not() -> None:
    assert with_itself([(1.0,), (0.0,)]) == (None, None)
    same, among = with_itself([(1.0, 1.0), (0.0, 0.0), (0.5, 0.7), (0.2, 0.1)])
    assert same == 0.5
    assert among == 1.0


def test_what_has_no_score_is_counted_and_left_out() -> None:
    scores = [Score(sample=str(n), metric="faithfulness", values=(n / 9,)) for n in range(9)]
    scores.append(Score(sample="x", metric="faithfulness", reason="junk"))
    found = agreement(scores, [*range(9), 0], [str(n) for n in range(10)], 5.0)
    assert (found.answers, found.unscored, found.reasons) == (9, 1, {"junk": 1})
    assert found.spearman
    assert found.auroc
    assert (found.spearman.value, found.auroc.value) == (1.0, 1.0)
    assert found.spearman.low == pytest.approx(1.0)


def test_labels_are_read_and_what_is_wrong_with_them_is_told(tmp_path: Path) -> None:
    found = read_labels(LABELLED)
    assert len(found) == 10
    assert {each.line.model for each in found} == {"one", "two"}
    assert (found[2].median, found[2].conversation, len(found[2].sample.history)) == (4.0, "c1", 2)
    assert [each.line.id for each in read_labels(LABELLED, 3)] == [
        each.line.id for each in read_labels(LABELLED, 4)[:3]
    ]
    with pytest.raises(DatasetInvalid, match=r"corpus\.jsonl"):
        read_labels(tmp_path)
    shutil.copytree(LABELLED, tmp_path / "mtrag")
    file = tmp_path / "mtrag" / "human_judged_answers.jsonl"
    file.write_text(file.read_text() + '{"id": 1}\n')
    with pytest.raises(LabelsInvalid, match=r"answers\.jsonl:12: id: Input should be a valid string"):
        read_labels(tmp_path)


def test_the_command_measures_the_verifier_and_a_judge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["eval", "judge-check", "--data", str(LABELLED)]
    with judging_at(Script(faults=["no_key"])) as endpoint:
        env = {"WARRANT_JUDGE_URL": endpoint.url, "COLUMNS": "200", "WARRANT_JUDGE_AT_ONCE": "1"}
        told = CliRunner().invoke(warrant, [*arguments, "--judge", "wise", "--judge-repeats", "2", "--json"], env=env)
        assert told.exit_code == 0, told.output
        asked = len(endpoint.served)
        again = CliRunner().invoke(warrant, [*arguments, "--judge", "wise", "--judge-repeats", "2"], env=env)
        assert again.exit_code == 0, again.output
    verifier, judge = json.loads(told.stdout).values()
    assert (verifier["answers"], verifier["unscored"]) == (10, 0)
    assert verifier["auroc"]["value"] >= 0.9
    assert verifier["spearman"]["low"] <= verifier["spearman"]["value"] <= verifier["spearman"]["high"]
    assert (judge["answers"], judge["unscored"], judge["repeats_same"]) == (9, 1, 1.0)
    assert "Error code: 401" in next(iter(judge["reasons"]))
    assert judge["auroc"]["value"] == 1.0
    assert asked < len(endpoint.served) <= asked + 4, "only what was not replied is asked again"
    assert "100% / 1.000" in again.stdout
    assert "wise at 127.0.0.1" in again.stdout
    assert "fitted on mtrag" in again.stderr
