"""A run in MLflow: whole, once, finished only when everything is there; and its verdicts, each in a folder."""

from pathlib import Path
from typing import Any

import pytest
from report_under_test import LIMITS, good, reported_run, run_of, samples, verdict_of, worse
from versions_under_test import Made, command

from evals.dataset import Dataset, Sample
from evals.gate.verdict import Verdict
from evals.report import FILES, write_report
from evals.report.contents import report_of
from evals.runs import ANSWERS, EvalRun, PackagedRelease, SampleFailure, SampleOutcome, open_run
from evals.scores import SCORES, Score, ScoresFile
from evals.tracking import EVIDENCE, SAYS, VerdictFiles, attach_verdict, log_run, means
from graph.errors import RegistryUnavailable
from warrant import main

pytestmark = pytest.mark.slow

SUBJECT = PackagedRelease(Path(), "default@abc", "d" * 64, "s1", version=3)
SAMPLES = (Sample(id="a", question="Who?", answerable=True), Sample(id="b", question="Whom?", answerable=True))
FOUND = (
    Score(sample="a", metric="answered", values=(1.0,)),
    Score(sample="b", metric="answered", reason="it failed: TimeoutError"),
    Score(sample="b", metric="token_f1", reason="it failed: TimeoutError"),
)


@pytest.fixture
def run(tmp_path: Path) -> EvalRun:
    made = open_run(tmp_path / "runs", Dataset("d", SAMPLES), SUBJECT, 1)
    made.keep(SampleOutcome(sample="a", answer={"text": "Ann"}, passages=[], seconds=0.5))
    made.keep(SampleOutcome(sample="b", trouble=SampleFailure(kind="TimeoutError", message="late"), seconds=30))
    (made.path / SCORES).write_text(ScoresFile(key="k", scores=FOUND).model_dump_json())
    return made


DATASET = Dataset("d", samples())


@pytest.fixture
def worse_run(tmp_path: Path) -> EvalRun:
    return run_of(tmp_path / "runs", DATASET, "release@1", worse())


def reported(worse_run: EvalRun, place: Path, name: str = "champion@1") -> tuple[Verdict, Path]:
    """A verdict on a run and its report, both written."""
    release, champion = reported_run(worse_run), reported_run(run_of(place / "runs", DATASET, name, good()))
    verdict = verdict_of(release, champion)
    (place / f"{name}.json").write_text(verdict.text(), "utf-8")
    return verdict, write_report(report_of(verdict, release, champion), place / name).parent


def test_means_are_over_what_has_a_value_and_say_what_has_none() -> None:
    assert means(FOUND) == {"answered": 1.0, "answered.without": 1, "token_f1.without": 1}


def test_a_run_is_logged_whole_and_once(made: Made, run: EvalRun) -> None:
    name, new = log_run(run, FOUND, made.uri, "warrant", "ann@host")
    assert new
    found = made.client.get_run(name)
    assert (found.info.status, found.data.tags["warrant.digest"]) == ("FINISHED", "d" * 64)
    assert found.data.metrics == {"answered": 1.0, "answered.without": 1.0, "token_f1.without": 1.0}
    assert found.data.params["dataset_digest"] == run.info.dataset_digest
    assert (found.data.params["label"], found.data.params["version"]) == ("default@abc", "3")
    assert found.inputs
    [dataset] = found.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("d", run.info.dataset_digest[:36])
    kept = {each.path for each in made.client.list_artifacts(name)}
    assert kept == {"run.json", "samples.jsonl", "answers.jsonl", "scores.json"}
    text = Path(made.client.download_artifacts(name, ANSWERS)).read_bytes()
    assert text == (run.path / ANSWERS).read_bytes()
    assert log_run(run, FOUND, made.uri, "warrant", "ann@host") == (name, False)


def test_one_that_was_broken_off_is_finished_and_a_change_is_another(made: Made, run: EvalRun) -> None:
    name, _ = log_run(run, FOUND, made.uri, "warrant", "ann@host")
    made.client.update_run(name, status="RUNNING")
    assert log_run(run, FOUND, made.uri, "warrant", "ann@host") == (name, True)
    run.keep(SampleOutcome(sample="c", answer={}, seconds=1))
    assert log_run(run, FOUND, made.uri, "warrant", "ann@host")[0] != name


def test_an_mlflow_that_is_away_is_told(run: EvalRun, worse_run: EvalRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RegistryUnavailable, match="localhost:9"):
        log_run(run, FOUND, "http://localhost:9", "warrant", "ann@host")
    with pytest.raises(RegistryUnavailable, match="localhost:9"):
        attach_verdict("0" * 32, VerdictFiles(verdict_of(reported_run(worse_run), None)), "http://localhost:9")


def test_the_command_prints_the_run(made: Made, run: EvalRun) -> None:
    done: Any = command("eval", "log", run.path, "--registry", made.uri, place=made.place)
    assert done.returncode == 0, done.stderr
    logged = made.client.get_run(done.stdout.strip())
    assert (logged.info.status, logged.data.metrics["citation_recall.without"]) == ("FINISHED", 2)
    assert "Logged." in done.stderr
    assert "It is there already." in command("eval", "log", run.path, "--registry", made.uri, place=made.place).stderr


def kept(made: Made, name: str) -> set[str]:
    folders = made.client.list_artifacts(name, "verdicts")
    return {file.path for folder in folders for file in made.client.list_artifacts(name, folder.path)}


def test_a_verdict_and_its_report_stay_beside_the_run(made: Made, worse_run: EvalRun, tmp_path: Path) -> None:
    name, _ = log_run(worse_run, (), made.uri, "warrant", "ann@host")
    verdict, report = reported(worse_run, tmp_path)
    attached = VerdictFiles(verdict, report)
    assert attach_verdict(name, attached, made.uri)
    folder = f"verdicts/{verdict.digest[:12]}"
    assert kept(made, name) == {f"{folder}/{file}" for file in ("verdict.json", *FILES)}
    tags = made.client.get_run(name).data.tags
    assert (tags[SAYS], tags[EVIDENCE]) == ("fail", attached.digest)
    assert Path(made.client.download_artifacts(name, f"{folder}/verdict.json")).read_text("utf-8") == verdict.text()
    assert not attach_verdict(name, attached, made.uri)
    made.client.delete_tag(name, EVIDENCE)
    assert attach_verdict(name, attached, made.uri)
    assert len(kept(made, name)) == 5


def test_a_later_verdict_takes_nothing_away(made: Made, worse_run: EvalRun, tmp_path: Path) -> None:
    name, _ = log_run(worse_run, (), made.uri, "warrant", "ann@host")
    verdict, _ = reported(worse_run, tmp_path)
    alone = verdict_of(reported_run(worse_run), None, LIMITS)
    assert [attach_verdict(name, VerdictFiles(each), made.uri) for each in (verdict, alone, alone)] == [
        True,
        True,
        False,
    ]
    assert kept(made, name) == {f"verdicts/{each.digest[:12]}/verdict.json" for each in (verdict, alone)}
    assert made.client.get_run(name).data.tags[SAYS] == "cannot tell"


def test_the_command_logs_all_and_refuses_what_is_about_something_else(
    made: Made, worse_run: EvalRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, report = reported(worse_run, tmp_path)
    _, other = reported(worse_run, tmp_path, "another@1")
    line = ["eval", "log", str(worse_run.path), "--registry", made.uri]
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
