"""A verdict that is offered for a promotion is what its runs say, where these are there."""

from pathlib import Path

import pytest
from report_under_test import LIMITS, good, run_of, samples, worse

from evals.cli.promote import read_offered
from evals.dataset import Dataset
from evals.errors import VerdictInvalid
from evals.gate.decision import compare_runs
from evals.gate.verdict import Verdict
from evals.scores import score_run
from graph.files import write_whole
from graph.settings import Settings


@pytest.fixture
def gated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Verdict]:
    """A verdict on two runs where `warrant eval run` keeps them."""
    monkeypatch.chdir(tmp_path)
    dataset, home = Dataset("d", samples()), tmp_path / ".warrant" / "evals"
    sides = run_of(home, dataset, "release@1", worse()), run_of(home, dataset, "champion@1", good())
    found = compare_runs(*sides, LIMITS, lambda run: score_run(run, {}, 1))
    write_whole(tmp_path / "v.json", found.text())
    return tmp_path / "v.json", found


@pytest.mark.parametrize(
    ("before", "after"), [('"says": "fail"', '"says": "pass"'), ('"value": 0.', '"value": 1.'), ("", "")]
)
def test_an_edited_verdict_is_not_what_its_runs_say(gated: tuple[Path, Verdict], before: str, after: str) -> None:
    path, found = gated
    assert before in found.text()
    path.write_text(found.text().replace(before, after), "utf-8")
    if before:
        with pytest.raises(VerdictInvalid, match="is not what the runs in"):
            read_offered(path, LIMITS, Settings())
        return
    assert read_offered(path, LIMITS, Settings()) == found


def test_a_verdict_without_its_runs_is_read_and_that_is_told(
    gated: tuple[Path, Verdict], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, found = gated
    elsewhere = path.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert read_offered(path, LIMITS, Settings()) == found
    assert "The runs of" in capsys.readouterr().err
