"""A run that is judged from the command line: what it costs, what is kept, and what reaches the Verdict."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from judge_under_test import Script, judging_at
from support import ROOT
from versions_under_test import Made

from evals.dataset import Dataset, Sample
from evals.errors import JudgeInvalid
from evals.gate.verdict import Verdict
from evals.judge.client import JudgeCall, JudgeReply, ReplyCache
from evals.judge.config import judge_config
from evals.judge.scores import JUDGEMENTS, kept_judged_scores
from evals.metrics.catalog import JUDGED
from evals.runs import ANSWERS, EvalRun, PackagedRelease, SampleFailure, SampleOutcome, open_run
from graph.settings import load_settings
from warrant import warrant

SUBJECT = PackagedRelease(root=Path(), label="default@abc", release="d" * 64, snapshot="s1")
KNOWN: dict[str, Any] = {"question": "How often?", "answerable": True, "reference": "Every 4 years"}
SAMPLES = (
    Sample(id="good", **KNOWN),
    Sample(id="said", **KNOWN),
    Sample(id="declined", **KNOWN),
    Sample(id="broken", **KNOWN),
    Sample(id="none", question="Who?", answerable=False),
)
FIELDS = ("id", "document", "file", "title", "section", "header")
PASSAGE: dict[str, Any] = {
    **dict.fromkeys(FIELDS, "x"),
    "text": "Laptops come every 4 years.",
    "page": None,
    "page_breaks": [],
}
PASSAGES: list[dict[str, Any]] = [
    {**PASSAGE, "start": 0, "end": 9, "metadata": {}, "score": 1, "lexical": 1, "vector": 1, "similar": []}
]
FLOOR = 'failed = 0.2\n[[threshold]]\nmetric = "faithfulness"\nfloor = 0.1\n'


def answer(name: str, text: str, status: str = "answered") -> SampleOutcome:
    usage = {"calls": 0, "model": "", "input_tokens": 0, "output_tokens": 0}
    told = {"text": text, "status": status, "route": "simple", "usage": usage, "citations": []}
    return SampleOutcome(sample=name, answer=told, passages=PASSAGES, seconds=1)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EvalRun:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("WARRANT_")]:
        monkeypatch.delenv(name)
    made = open_run(tmp_path / "runs", Dataset("d", SAMPLES), SUBJECT, 1)
    made.keep(answer("good", "Every 4 years [1]"))
    made.keep(answer("said", "Never on Mondays [1]"))
    made.keep(answer("declined", "Nothing.", "declined"))
    made.keep(SampleOutcome(sample="broken", trouble=SampleFailure(kind="TimeoutError", message="late"), seconds=30))
    made.keep(answer("none", "Ann pays"))
    return made


def command(run: EvalRun, url: str, *arguments: str, **env: str) -> Result:
    told = {"WARRANT_JUDGE_URL": url, "COLUMNS": "200", **env}
    return CliRunner().invoke(warrant, ["eval", *arguments, str(run.path)], env=told)


def scores(told: Result) -> dict[tuple[str, str], dict[str, Any]]:
    """The judged ones by metric and sample."""
    assert told.exit_code == 0, told.output
    names = {metric.name for metric in JUDGED}
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    return {(each["metric"], each["sample"]): each for each in lines if each["metric"] in names}


def test_a_run_is_judged_and_again_for_nothing(run: EvalRun) -> None:
    with judging_at(Script()) as endpoint:
        found = scores(command(run, endpoint.url, "score", "--judge", "openai:wise", "--json"))
        asked = len(endpoint.served)
        assert found["faithfulness", "good"]["values"] == [1.0]
        assert found["faithfulness", "said"]["values"] == [0.0]
        assert found["faithfulness", "declined"]["untested"] is True
        assert found["answer_accuracy", "declined"]["values"] == [0.0]
        assert found["judged_context_recall", "declined"]["values"] == [1.0]
        assert {found[metric.name, "broken"]["reason"] for metric in JUDGED} == {"it failed: TimeoutError"}
        assert {metric for metric, sample in found if sample == "none"} == {"faithfulness"}
        assert {served.model for served in endpoint.served} == {"wise"}
        again = command(run, endpoint.url, "score", "--judge", "wise", "--json")
        (run.path / JUDGEMENTS).unlink()
        anew = command(run, endpoint.url, "score", "--judge", "wise", "--json")
        assert scores(again) == scores(anew) == found
        assert len(endpoint.served) == asked


def test_each_repeat_of_a_run_is_judged_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = open_run(tmp_path / "runs", Dataset("d", SAMPLES[:1]), SUBJECT, 1, repeats=2)
    for repeat in range(2):
        run.keep(answer("good", "Every 4 years [1]").model_copy(update={"repeat": repeat}))
    with judging_at(Script()) as endpoint:
        found = scores(command(run, endpoint.url, "score", "--judge", "wise", "--json"))
        assert found["faithfulness", "good"]["values"] == [1.0, 1.0]
        assert len(endpoint.served) % 2 == 0


def test_who_judged_and_what_it_took_is_kept_and_told(run: EvalRun) -> None:
    prices = json.dumps({"wise": [1.0, 10.0]})
    with judging_at(Script()) as endpoint:
        told = command(run, endpoint.url, "score", "--judge", "wise", WARRANT_PRICES=prices, WARRANT_JUDGE_KEY="s3cret")
        calls = len(endpoint.served)
    host = endpoint.url.removeprefix("http://").removesuffix("/v1")
    assert f"Judge: wise at {host}, ragas 0.4.3, prompts" in told.stderr
    assert f"{calls} calls, {40 * calls} tokens sent, {5 * calls} received, $" in told.stderr
    kept = kept_judged_scores(run)
    assert kept is not None
    assert (kept.judge.model, kept.judge.host, kept.whole) == ("wise", host, True)
    assert kept.spent.usd == pytest.approx(calls * 90e-6)
    assert "s3cret" not in (run.path / JUDGEMENTS).read_text()
    run.keep(answer("none", "Bob pays"))
    assert kept_judged_scores(run) is None, "what was judged is not about these answers any more"


def test_a_judged_threshold_needs_a_judge_and_its_verdict_names_it(run: EvalRun, tmp_path: Path) -> None:
    limits, out = tmp_path / "limits.toml", tmp_path / "verdict.json"
    limits.write_text(FLOOR)
    told = command(run, "", "gate", "--thresholds", str(limits))
    assert told.exit_code == 3
    assert "configure one with --judge or WARRANT_JUDGE_MODEL" in told.output
    with judging_at(Script()) as endpoint:
        gated = command(
            run, endpoint.url, "gate", "--thresholds", str(limits), "--out", str(out), WARRANT_JUDGE_MODEL="wise"
        )
    assert "failed: ceiling: 1 of 5 samples failed" in " ".join(gated.output.split())
    verdict = Verdict.model_validate_json(out.read_text())
    assert verdict.judge.startswith("wise at 127.0.0.1:")
    found = {measure.metric: measure for measure in verdict.measures if not measure.slice}
    assert found["faithfulness"].mean
    assert found["faithfulness"].mean.value == pytest.approx(1 / 3)
    assert found["faithfulness"].without == 1


def test_what_the_judge_did_not_reply_is_asked_the_next_time(run: EvalRun) -> None:
    with judging_at(Script(always="no_key")) as endpoint:
        told = command(run, endpoint.url, "score", "--judge", "wise", "--json")
        assert "Give the command again" in told.stderr
        assert "Error code: 401" in scores(told)["faithfulness", "good"]["reason"]
    with judging_at(Script()) as other:
        found = scores(command(run, other.url, "score", "--judge", "wise", "--json"))
        assert found["faithfulness", "good"]["values"] == [1.0]
        assert other.served[0].key == "Bearer none"


def test_judged_scores_are_logged_with_who_judged(run: EvalRun, made: Made) -> None:
    with judging_at(Script()) as endpoint:
        assert command(run, endpoint.url, "score", "--judge", "wise").exit_code == 0
    told = CliRunner().invoke(warrant, ["eval", "log", str(run.path), "--registry", made.uri])
    found = made.client.get_run(told.stdout.strip())
    assert found.data.params["judge"].startswith("wise at 127.0.0.1:")
    assert found.data.metrics["faithfulness"] == pytest.approx(1 / 3)
    assert found.data.metrics["faithfulness.without"] == 2
    assert found.data.metrics["judge.calls"] > 0
    assert JUDGEMENTS in {each.path for each in made.client.list_artifacts(found.info.run_id)}


@pytest.mark.slow
def test_judging_that_was_killed_goes_on_where_it_was(run: EvalRun, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "WARRANT_JUDGE_MODEL": "wise", "WARRANT_JUDGE_AT_ONCE": "1"}
    arguments = [sys.executable, str(ROOT / "warrant.py"), "eval", "score", str(run.path), "--json"]
    script = Script()
    with judging_at(script) as endpoint:
        script.faults, script.always = ["good"] * 7, "hang"
        env["WARRANT_JUDGE_URL"] = endpoint.url
        with subprocess.Popen(arguments, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL) as process:
            until = time.monotonic() + 120
            while len(endpoint.served) < 8 and time.monotonic() < until:
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
        script.always, asked = "good", len(endpoint.served)
        assert asked == 8
        done = subprocess.run(arguments, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
        resumed = len(endpoint.served) - asked
        kept = kept_judged_scores(run)
        assert kept is not None
        assert resumed == kept.spent.calls - 7
    assert '"faithfulness"' in done.stdout
    assert list(home.rglob("*ragas*")) == [], "ragas' telemetry leaves nothing in the home directory"


def test_replies_are_kept_by_everything_that_was_asked(tmp_path: Path) -> None:
    path, reply = tmp_path / "a" / "replies.db", JudgeReply("yes", 1, 2)
    one, other = ReplyCache(path, ("m", "u", 0.0)), ReplyCache(path, ("m", "u", 0.0))
    call = JudgeCall("p", "s", 0)
    one.put(one.key(call), reply)
    assert other.get(other.key(call)) == reply
    keys = [
        one.key(each)
        for each in (JudgeCall("q", "s", 0), JudgeCall("p", "t", 0), JudgeCall("p", "s", 1), JudgeCall("p", "s", 0, 1))
    ]
    elsewhere = [("n", "u", 0.0), ("m", "v", 0.0), ("m", "u", 1.0)]
    keys += [ReplyCache(path, judge).key(call) for judge in elsewhere]
    assert [one.get(key) for key in keys] == [None] * 7


def test_a_file_that_holds_no_replies_is_told(tmp_path: Path) -> None:
    (tmp_path / "replies.db").write_text("no database" * 100)
    with pytest.raises(JudgeInvalid, match="move that file away"):
        ReplyCache(tmp_path / "replies.db", ("m", "u", 0.0))


def test_a_judge_elsewhere_is_not_sent_the_key_of_the_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shared = judge_config(load_settings(judge_model="m", chat_url="https://a.example/v1", chat_key="secret"))
    apart = judge_config(load_settings(judge_model="m", judge_url="https://u:p@b.example/v1?k=1", chat_key="secret"))
    own = judge_config(load_settings(judge_model="m", judge_url="https://b.example/v1", judge_key="own"))
    assert shared is not None
    assert apart is not None
    assert own is not None
    keys = [judging.key.get_secret_value() for judging in (shared, apart, own)]
    assert keys == ["secret", "none", "own"]
    assert [judging.identity.host for judging in (shared, apart)] == ["a.example", "b.example"]
    assert judge_config(load_settings()) is None


@pytest.mark.parametrize("told", [["--again"], ["--judge", "m"]])
def test_what_cannot_be_asked_is_refused(run: EvalRun, told: list[str]) -> None:
    found = command(run, "nowhere", "score", *told)
    assert isinstance(found.exception, JudgeInvalid)
    assert not (run.path / JUDGEMENTS).exists()
    assert (run.path / ANSWERS).exists()
