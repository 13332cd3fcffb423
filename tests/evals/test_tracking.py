"""A run in MLflow: whole, once, finished only when everything is there; and its verdicts, each in a folder."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from report_under_test import good, reported_run, run_of, samples, verdict_of, worse
from versions_under_test import Made

from evals.dataset import Dataset, Sample
from evals.gate.verdict import Verdict
from evals.judge.config import JudgeIdentity, JudgeUsage
from evals.judge.scores import JUDGEMENTS, JudgedScores
from evals.metrics.for_mlflow import supported
from evals.report import FILES, write_files
from evals.report.contents import report_of
from evals.runs import ANSWERS, EvalRun, PackagedRelease, SampleFailure, SampleOutcome, open_run, plain_passage
from evals.scores import SCORES, Score, ScoresFile
from evals.tracking import EVIDENCE, SAYS, attach_report, log_run, means
from graph.errors import RegistryUnavailable
from graph.registry.log_model import tracking
from graph.release import Release
from warrant import main

pytestmark = pytest.mark.slow

Logged = tuple[Made, EvalRun, str]
SUBJECT = PackagedRelease(root=Path(), label="default@abc", release="d" * 64, snapshot="s1", commit="c" * 40)
ASKED = '{"question": "Who?", "history": [], "filters": {}, "groups": []}'
SAMPLES = (
    Sample(id="a", question="Who?", answerable=True, reference="Ann"),
    Sample(id="b", question="Whom?", answerable=True),
)
FOUND = (
    Score(sample="a", metric="answered", values=(1.0,)),
    Score(sample="b", metric="answered", reason="it failed: TimeoutError"),
    Score(sample="b", metric="token_f1", reason="it failed: TimeoutError"),
)


@pytest.fixture
def run(tmp_path: Path) -> EvalRun:
    return run_in(tmp_path)


def run_in(place: Path) -> EvalRun:
    """A run of which one sample was answered and the other failed."""
    made = open_run(place / "runs", Dataset("d", SAMPLES), SUBJECT, 1)
    made.keep(SampleOutcome(sample="a", answer={"text": "Ann"}, passages=[], seconds=0.5))
    made.keep(SampleOutcome(sample="b", trouble=SampleFailure(kind="TimeoutError", message="late"), seconds=30))
    ScoresFile(key="k", scores=FOUND).write(made.path / SCORES)
    return made


@pytest.fixture(scope="module")
def logged(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Logged:
    """What several tests only look at."""
    place = tmp_path_factory.mktemp("logged")
    shutil.copy(empty, place / "mlflow.db")
    made, run = Made(place), run_in(place)
    name, new = log_run(run, FOUND, made.uri, "warrant", "ann@host")
    assert new
    return made, run, name


DATASET = Dataset("d", samples())


@pytest.fixture
def worse_run(tmp_path: Path) -> EvalRun:
    return run_of(tmp_path / "runs", DATASET, "release@1", worse())


def reported(worse_run: EvalRun, place: Path, *, alone: bool = False) -> tuple[Verdict, Path]:
    """A verdict on a run and its report, both written."""
    release, other = reported_run(worse_run), reported_run(run_of(place / "runs", DATASET, "champion@1", good()))
    champion = None if alone else other
    verdict = verdict_of(release, champion)
    return verdict, write_files(report_of(verdict, release, champion), place / str(alone)).parent


def test_means_are_over_what_has_a_value_and_say_what_has_none() -> None:
    assert means(FOUND) == {"answered": 1.0, "answered.without": 1, "token_f1.without": 1}


def test_a_run_is_logged_whole_and_once(logged: Logged) -> None:
    made, run, name = logged
    found = made.client.get_run(name)
    assert (found.info.status, found.data.tags["warrant.digest"]) == ("FINISHED", "d" * 64)
    assert found.data.metrics == {"answered": 1.0, "answered.without": 1.0, "token_f1.without": 1.0}
    assert found.data.params["dataset_digest"] == run.info.dataset_digest
    assert (found.data.params["label"], found.data.params["commit"]) == ("default@abc", "c" * 40)
    assert found.inputs
    [dataset] = found.inputs.dataset_inputs
    assert (dataset.dataset.name, dataset.dataset.digest) == ("d", run.info.dataset_digest[:36])
    kept = {each.path for each in made.client.list_artifacts(name)}
    assert kept == {"run.json", "samples.jsonl", "answers.jsonl", "scores.json"}
    text = Path(made.client.download_artifacts(name, ANSWERS)).read_bytes()
    assert text == (run.path / ANSWERS).read_bytes()
    assert log_run(run, FOUND, made.uri, "warrant", "ann@host") == (name, False)


def traces_of(made: Made, name: str) -> dict[str, Any]:
    """The traces of a run by sample."""
    experiment = made.client.get_run(name).info.experiment_id
    found = made.client.search_traces(locations=[experiment], run_id=name)
    return {str(trace.info.client_request_id): trace for trace in found}


def test_each_answer_is_a_trace_with_its_scores(logged: Logged) -> None:
    made, _, name = logged
    found = traces_of(made, name)
    assert {sample: trace.info.state.value for sample, trace in found.items()} == {"a": "OK", "b": "ERROR"}
    assert (found["a"].data.request, found["a"].info.response_preview) == (ASKED, "Ann")
    assert found["a"].info.execution_duration == 500
    assert found["b"].info.response_preview == "TimeoutError: late"
    scores = {each.name: each for each in found["b"].info.assessments if each.feedback}
    assert {name: each.feedback.error.error_message for name, each in scores.items()} == dict.fromkeys(
        ("answered", "token_f1"), "it failed: TimeoutError"
    )
    [answered] = [each for each in found["a"].info.assessments if each.feedback]
    assert (answered.name, answered.feedback.value, answered.source.source_type) == ("answered", 1.0, "CODE")
    expected = {each.name: each.expectation.value for each in found["a"].info.assessments if each.expectation}
    assert expected == {"answerable": True, "expected_response": "Ann"}


def test_passages_and_steps_are_spans(made: Made, tmp_path: Path) -> None:
    run = open_run(tmp_path / "runs", Dataset("d", SAMPLES), SUBJECT, 1)
    passage = plain_passage("travel.md", "EUR 145 a night.", "Travel")
    answer = {"text": "It is EUR 145 a night. [1]", "timings": {"retrieve": 20.0, "cite": 5.0}}
    run.keep(SampleOutcome(sample="a", answer=answer, passages=[passage], seconds=0.03))
    name, _ = log_run(run, (), made.uri, "warrant", "ann@host")
    trace = traces_of(made, name)["a"]
    root, retrieve, cite = trace.data.spans
    assert [root.name, retrieve.span_type, cite.parent_id] == ["warrant", "RETRIEVER", root.span_id]
    assert cite.start_time_ns - root.start_time_ns == 20_000_000
    [document] = retrieve.outputs
    assert (document["page_content"], document["metadata"]["doc_uri"]) == ("EUR 145 a night.", "travel.md")
    scored: Any = supported(inputs=root.inputs, outputs=root.outputs, trace=trace)
    assert scored.value == 1.0


@pytest.mark.filterwarnings("ignore")
def test_a_store_without_datasets_and_spans_has_the_run_all_the_same(
    run: EvalRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "store").as_uri()
    name, _ = log_run(run, FOUND, uri, "warrant", "ann@host")
    client = MlflowClient(uri, uri)
    found = client.get_run(name)
    assert found.inputs
    assert [each.dataset.name for each in found.inputs.dataset_inputs] == ["d"]
    traces = client.search_traces(locations=[found.info.experiment_id], run_id=name)
    assert sorted(span.name for trace in traces for span in trace.data.spans) == ["warrant", "warrant"]


def test_the_run_names_its_maker_its_model_and_its_dataset(logged: Logged) -> None:
    made, _, name = logged
    found = made.client.get_run(name)
    origin = {tag: found.data.tags[f"mlflow.{tag}"] for tag in ("user", "source.name", "source.git.commit", "runType")}
    assert origin == {
        "user": "ann@host",
        "source.name": "warrant eval log",
        "source.git.commit": "c" * 40,
        "runType": "genai_evaluate",
    }
    assert found.inputs
    [model] = found.inputs.model_inputs
    assert made.client.get_logged_model(model.model_id).name == "default-abc"
    [dataset] = made.client.search_datasets([found.info.experiment_id])
    with tracking(made.uri):
        records = {each.tags["sample"]: each for each in dataset.records}
    assert records["a"].inputs == {"question": "Who?"}
    assert records["a"].expectations == {"answerable": True, "expected_response": "Ann"}
    [given] = found.inputs.dataset_inputs
    assert dataset.dataset_id in given.dataset.source


def test_the_model_is_the_registered_one_where_the_release_is_a_version(made: Made, tmp_path: Path) -> None:
    number = made.add(Release())
    version = made.client.get_model_version("warrant", str(number))
    for by_number in (number, None):
        told = {"release": version.tags["warrant.digest"], "snapshot": f"s{by_number}", "version": by_number}
        place = SUBJECT.model_copy(update={**told, "commit": ""})
        run = open_run(tmp_path / f"runs-{by_number}", Dataset("d", SAMPLES), place, 1)
        run.keep(SampleOutcome(sample="a", answer={"text": str(by_number)}, seconds=0.1))
        name, _ = log_run(run, (), made.uri, "warrant", "ann@host")
        found = made.client.get_run(name)
        assert found.inputs
        assert [f"models:/{each.model_id}" for each in found.inputs.model_inputs] == [version.source]
        assert found.data.tags["mlflow.source.git.commit"] == "f" * 40


def test_what_a_judge_said_is_its_own(made: Made, run: EvalRun) -> None:
    said = Score(sample="a", metric="faithfulness", values=(1.0, 0.5))
    (run.path / JUDGEMENTS).write_text("{}\n")
    judge = JudgeIdentity(model="gpt-4o", host="localhost", temperature=0, ragas="1", prompts="p" * 64)
    judged_scores = JudgedScores(key="k", judge=judge, spent=JudgeUsage(calls=2), whole=True, scores=(said,))
    name, _ = log_run(run, FOUND, made.uri, "warrant", "ann@host", judged_scores)
    [judged] = [each for each in traces_of(made, name)["a"].info.assessments if each.name == "faithfulness"]
    assert (judged.feedback.value, judged.source.source_type) == (0.75, "LLM_JUDGE")
    assert judged.source.source_id == judged_scores.judge.label
    assert judged.metadata["values"] == "1, 0.5"
    assert made.client.get_run(name).data.metrics["faithfulness"] == 0.75


def counted(made: Made, name: str) -> tuple[int, int, int]:
    """How many traces, spans and assessments a run has."""
    traces = traces_of(made, name).values()
    spans = sum(len(trace.data.spans) for trace in traces)
    return len(traces), spans, sum(len(trace.info.assessments) for trace in traces)


def test_one_that_was_broken_off_is_finished_and_a_change_is_another(made: Made, run: EvalRun) -> None:
    name, _ = log_run(run, FOUND, made.uri, "warrant", "ann@host")
    before = counted(made, name)
    made.client.update_run(name, status="RUNNING")
    assert log_run(run, FOUND, made.uri, "warrant", "ann@host") == (name, True)
    assert counted(made, name) == before == (2, 2, 6)
    run.keep(SampleOutcome(sample="c", answer={}, seconds=1))
    assert log_run(run, FOUND, made.uri, "warrant", "ann@host")[0] != name


def test_an_mlflow_that_is_away_is_told(run: EvalRun, worse_run: EvalRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(RegistryUnavailable, match="localhost:9"):
        log_run(run, FOUND, "http://localhost:9", "warrant", "ann@host")
    with pytest.raises(RegistryUnavailable, match="localhost:9"):
        attach_report("0" * 32, verdict_of(reported_run(worse_run), None), Path(), "http://localhost:9")


def test_the_command_prints_the_run(made: Made, run: EvalRun, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["eval", "log", str(run.path), "--registry", made.uri]
    assert main(line) is None
    printed = capsys.readouterr()
    logged = made.client.get_run(printed.out.strip())
    assert (logged.info.status, logged.data.metrics["citation_recall.without"]) == ("FINISHED", 2)
    assert "Logged." in printed.err
    assert main(line) is None
    assert "It is there already." in capsys.readouterr().err


def kept(made: Made, name: str) -> set[str]:
    folders = made.client.list_artifacts(name, "verdicts")
    return {file.path for folder in folders for file in made.client.list_artifacts(name, folder.path)}


def test_a_verdict_and_its_report_stay_beside_the_run(made: Made, worse_run: EvalRun, tmp_path: Path) -> None:
    name, _ = log_run(worse_run, (), made.uri, "warrant", "ann@host")
    verdict, report = reported(worse_run, tmp_path)
    assert attach_report(name, verdict, report, made.uri)
    folder = f"verdicts/{verdict.digest[:12]}"
    assert kept(made, name) == {f"{folder}/{file}" for file in FILES}
    assert made.client.get_run(name).data.tags[SAYS] == "fail"
    assert Path(made.client.download_artifacts(name, f"{folder}/verdict.json")).read_text("utf-8") == verdict.text()
    assert not attach_report(name, verdict, report, made.uri)
    made.client.delete_tag(name, EVIDENCE)
    assert attach_report(name, verdict, report, made.uri)
    assert len(kept(made, name)) == len(FILES)


def test_a_run_is_logged_to_a_file_that_is_not_there_yet(run: EvalRun, tmp_path: Path) -> None:
    """Nobody has to log a release to look at a run in MLflow."""
    assert log_run(run, FOUND, f"sqlite:///{tmp_path / 'new.db'}", "warrant", "ann@host")[1]


def test_a_later_verdict_takes_nothing_away(made: Made, worse_run: EvalRun, tmp_path: Path) -> None:
    name, _ = log_run(worse_run, (), made.uri, "warrant", "ann@host")
    first, second = reported(worse_run, tmp_path), reported(worse_run, tmp_path, alone=True)
    assert [attach_report(name, *each, made.uri) for each in (first, second, second)] == [True, True, False]
    assert len(kept(made, name)) == 2 * len(FILES)
    assert made.client.get_run(name).data.tags[SAYS] == "cannot tell"


def test_the_command_logs_all_and_refuses_what_is_about_something_else(
    made: Made, worse_run: EvalRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, report = reported(worse_run, tmp_path)
    line = ["eval", "log", "--registry", made.uri, "--report", str(report)]
    assert main([*line, str(worse_run.path)]) is None
    printed = capsys.readouterr()
    assert "Logged." in printed.err
    assert len(kept(made, printed.out.strip())) == len(FILES)
    other = run_of(tmp_path, DATASET, "other@1", good())
    assert main([*line, str(other.path)]) == 2
    assert "The verdict is about release@1" in capsys.readouterr().err
