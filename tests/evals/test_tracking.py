"""A run in MLflow: whole, once, and finished only when everything is there."""

from pathlib import Path
from typing import Any

import pytest
from versions_under_test import Made, command

from evals.runs import ANSWERS, Outcome, Run, Trouble, open_run
from evals.samples import Dataset, Sample
from evals.scores import Score
from evals.scoring import SCORES, Scores
from evals.subjects import Subject
from evals.tracking import log_run, means
from graph.errors import RegistryUnavailable

SUBJECT = Subject(Path(), "default@abc", "d" * 64, "s1", version=3)
SAMPLES = (Sample(id="a", question="Who?", answerable=True), Sample(id="b", question="Whom?", answerable=True))
FOUND = (
    Score(sample="a", metric="answered", values=(1.0,)),
    Score(sample="b", metric="answered", reason="it failed: TimeoutError"),
    Score(sample="b", metric="token_f1", reason="it failed: TimeoutError"),
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = open_run(tmp_path / "runs", Dataset("d", SAMPLES), SUBJECT, 1)
    made.keep(Outcome(sample="a", answer={"text": "Ann"}, passages=[], seconds=0.5))
    made.keep(Outcome(sample="b", trouble=Trouble(kind="TimeoutError", message="late"), seconds=30))
    (made.place / SCORES).write_text(Scores(key="k", scores=FOUND).model_dump_json())
    return made


def test_means_are_over_what_has_a_value_and_say_what_has_none() -> None:
    assert means(FOUND) == {"answered": 1.0, "answered.without": 1, "token_f1.without": 1}


def test_a_run_is_logged_whole_and_once(made: Made, run: Run) -> None:
    name, new = log_run(run, FOUND, made.uri, "warrant")
    assert new
    found = made.client.get_run(name)
    assert (found.info.status, found.data.tags["warrant.digest"]) == ("FINISHED", "d" * 64)
    assert found.data.metrics == {"answered": 1.0, "answered.without": 1.0, "token_f1.without": 1.0}
    assert found.data.params["dataset_digest"] == run.about.dataset_digest
    assert (found.data.params["label"], found.data.params["version"]) == ("default@abc", "3")
    assert found.inputs
    [dataset] = found.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("d", run.about.dataset_digest[:36])
    kept = {each.path for each in made.client.list_artifacts(name)}
    assert kept == {"run.json", "samples.jsonl", "answers.jsonl", "scores.json"}
    text = Path(made.client.download_artifacts(name, ANSWERS)).read_bytes()
    assert text == (run.place / ANSWERS).read_bytes()
    assert log_run(run, FOUND, made.uri, "warrant") == (name, False)


def test_one_that_was_broken_off_is_finished_and_a_change_is_another(made: Made, run: Run) -> None:
    name, _ = log_run(run, FOUND, made.uri, "warrant")
    made.client.update_run(name, status="RUNNING")
    assert log_run(run, FOUND, made.uri, "warrant") == (name, True)
    run.keep(Outcome(sample="c", answer={}, seconds=1))
    assert log_run(run, FOUND, made.uri, "warrant")[0] != name


def test_an_mlflow_that_is_away_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RegistryUnavailable, match="localhost:9"):
        log_run(run, FOUND, "http://localhost:9", "warrant")


def test_the_command_prints_the_run(made: Made, run: Run) -> None:
    done: Any = command("eval", "log", run.place, "--registry", made.uri, place=made.place)
    assert done.returncode == 0, done.stderr
    logged = made.client.get_run(done.stdout.strip())
    assert (logged.info.status, logged.data.metrics["citation_recall.without"]) == ("FINISHED", 2)
    assert "Logged." in done.stderr
    assert "It is there already." in command("eval", "log", run.place, "--registry", made.uri, place=made.place).stderr
