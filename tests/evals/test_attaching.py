"""A verdict and its report in MLflow: beside their run, once, and each verdict in a folder of its own."""

from pathlib import Path

import pytest
from report_under_test import LIMITS, asked_of, good, run_of, samples, verdict_of, worse
from versions_under_test import Made

from evals.attaching import EVIDENCE, SAYS, Attached, attach
from evals.gating.verdict import Verdict
from evals.report.contents import report_of
from evals.report.files import FILES, write_report
from evals.runs import Run
from evals.samples import Dataset
from evals.tracking import log_run
from graph.errors import RegistryUnavailable
from warrant import main

DATASET = Dataset("d", samples())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return run_of(tmp_path / "runs", DATASET, "release@1", worse())


def reported(run: Run, place: Path, name: str = "champion@1") -> tuple[Verdict, Path]:
    """A verdict on a run and its report, both written."""
    release, champion = asked_of(run), asked_of(run_of(place / "runs", DATASET, name, good()))
    verdict = verdict_of(release, champion)
    (place / f"{name}.json").write_text(verdict.text(), "utf-8")
    return verdict, write_report(report_of(verdict, release, champion), place / name).parent


def kept(made: Made, name: str) -> set[str]:
    folders = made.client.list_artifacts(name, "verdicts")
    return {file.path for folder in folders for file in made.client.list_artifacts(name, folder.path)}


def test_a_verdict_and_its_report_stay_beside_the_run(made: Made, run: Run, tmp_path: Path) -> None:
    name, _ = log_run(run, (), made.uri, "warrant")
    verdict, report = reported(run, tmp_path)
    attached = Attached(verdict, report)
    assert attach(name, attached, made.uri)
    folder = f"verdicts/{verdict.digest[:12]}"
    assert kept(made, name) == {f"{folder}/{file}" for file in ("verdict.json", *FILES)}
    tags = made.client.get_run(name).data.tags
    assert (tags[SAYS], tags[EVIDENCE]) == ("fail", attached.digest)
    assert Path(made.client.download_artifacts(name, f"{folder}/verdict.json")).read_text("utf-8") == verdict.text()
    assert not attach(name, attached, made.uri)
    made.client.delete_tag(name, EVIDENCE)
    assert attach(name, attached, made.uri)
    assert len(kept(made, name)) == 5


def test_a_later_verdict_takes_nothing_away(made: Made, run: Run, tmp_path: Path) -> None:
    name, _ = log_run(run, (), made.uri, "warrant")
    verdict, _ = reported(run, tmp_path)
    alone = verdict_of(asked_of(run), None, LIMITS)
    assert [attach(name, Attached(each), made.uri) for each in (verdict, alone, alone)] == [True, True, False]
    assert kept(made, name) == {f"verdicts/{each.digest[:12]}/verdict.json" for each in (verdict, alone)}
    assert made.client.get_run(name).data.tags[SAYS] == "cannot tell"


def test_an_mlflow_that_is_away_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RegistryUnavailable, match="localhost:9"):
        attach("0" * 32, Attached(verdict_of(asked_of(run), None)), "http://localhost:9")


def test_the_command_logs_all_and_refuses_what_is_about_something_else(
    made: Made, run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, report = reported(run, tmp_path)
    _, other = reported(run, tmp_path, "another@1")
    line = ["eval", "log", str(run.place), "--registry", made.uri]
    verdict = ["--verdict", str(tmp_path / "champion@1.json")]
    assert main([*line, *verdict, "--report", str(report)]) is None
    printed = capsys.readouterr()
    assert "Logged." in printed.err
    assert len(kept(made, printed.out.strip())) == 5
    for told, match in (
        ([*verdict, "--report", str(other)], "is of another verdict"),
        (["--report", str(report)], "give the"),
    ):
        assert main([*line, *told]) == 2
        assert match in capsys.readouterr().err
