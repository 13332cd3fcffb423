"""Metrics from outside: a function by entry point, and ragas' own by a file, scored and gated as any other."""

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from judge_under_test import Script, judging_at
from support import ROOT
from versions_under_test import command

from evals.dataset import Dataset, Sample
from evals.errors import MetricInvalid
from evals.judge.metrics import JudgeSession
from evals.metrics import keyless
from evals.metrics.catalog import METRICS, PLUGGED, add_metric, of_folder
from evals.metrics.from_ragas import RagasMetric
from evals.metrics.metric import Metric
from evals.metrics.vectors import Vectors
from evals.runs import EvalRun, PackagedRelease, SampleOutcome, open_run, plain_passage

pytestmark = pytest.mark.anyio
VECTORS = Vectors(lambda texts: np.ones((len(texts), 1), np.float32))
SUBJECT = PackagedRelease(root=Path(), label="r@1", release="d" * 64, snapshot="s1")
SAMPLES = (
    Sample(id="a", question="How often?", answerable=True, reference="Every 4 years"),
    Sample(id="b", question="Who pays?", answerable=False),
)
OWN = """
[quoting]
ragas = "QuotedSpansAlignment"
judged = false
parameters = { min_span_words = 2 }

[noise]
ragas = "NoiseSensitivity"
better = "lower"
parameters = { mode = "irrelevant" }
"""
PLUGIN = '''
async def brevity(sample, outcome):
    """1 for an answer of at most five words."""
    return float(len(outcome.answer["text"].split()) <= 5) if sample.answerable else None
'''
LIMITS = """
[[threshold]]
metric = "brevity"
floor = 0.3
[[threshold]]
metric = "noise"
ceiling = 0.5
"""


@pytest.fixture
def run(tmp_path: Path) -> EvalRun:
    """A run whose first answer quotes two words that no passage has; beside it, a package and a folder of metrics."""
    made = open_run(tmp_path / "runs", Dataset("d", SAMPLES), SUBJECT, 1)
    usage = {"calls": 0, "model": "", "input_tokens": 0, "output_tokens": 0}
    answer = {"text": 'Laptops come "every 5" years, all of them.', "status": "answered", "route": "simple"}
    for sample in SAMPLES:
        passages = [plain_passage("x", "Laptops come every 4 years.")]
        kept = {**answer, "usage": usage, "citations": [], "rung": "primary"}
        made.keep(SampleOutcome(sample=sample.id, answer=kept, passages=passages, seconds=1))
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "metrics.toml").write_text(OWN, "utf-8")
    package = tmp_path / "site" / "acme-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n", "utf-8")
    (package / "entry_points.txt").write_text("[warrant.metrics]\nbrevity = acme:brevity\n", "utf-8")
    (tmp_path / "site" / "acme.py").write_text(PLUGIN, "utf-8")
    return made


def warrant(place: Path, *arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    world = {"PYTHONPATH": f"{ROOT}:{place / 'site'}", "WARRANT_EVALS": "own", "WARRANT_THREADS": "1", **more}
    return command("eval", *arguments, place=place, **world)


def scores(place: Path, run: EvalRun, *more: str, **world: str) -> dict[tuple[str, str], dict[str, Any]]:
    done = warrant(place, "score", run.path, "--json", *more, **world)
    assert done.returncode == 0, done.stderr
    return {(each["metric"], each["sample"]): each for each in map(json.loads, done.stdout.splitlines())}


@pytest.mark.slow
def test_metrics_from_outside_are_scored_and_gated_as_any_other(run: EvalRun, tmp_path: Path) -> None:
    with judging_at(Script()) as endpoint:
        judge = {"WARRANT_JUDGE_MODEL": "wise", "WARRANT_JUDGE_URL": endpoint.url}
        found = scores(tmp_path, run, **judge)
        assert found["brevity", "a"]["values"] == [0.0]
        assert ("brevity", "b") not in found, "the function says that it does not apply"
        assert found["quoting", "a"]["values"] == [0.0], "of less than three words by ragas' default"
        assert scores(tmp_path, run)["quoting", "a"]["values"] == [0.0], "the same again from the file"
        assert found["noise", "a"]["values"] == [0.0]
        (tmp_path / "limits.toml").write_text(LIMITS, "utf-8")
        done = warrant(tmp_path, "gate", run.path, "--thresholds", "limits.toml", "--json", **judge)
    findings = {each["metric"]: each for each in json.loads(done.stdout)["findings"]}
    assert findings["brevity"]["value"] == 0.0
    assert findings["noise"]["value"] == 0.0
    acme = tmp_path / "site" / "acme.py"
    acme.write_text(PLUGIN.replace("<= 5", "<= 50"), "utf-8")
    assert scores(tmp_path, run)["brevity", "a"]["values"] == [1.0], "another function scores anew"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("[m]\nragas = 'Rouge'", "ragas has no 'Rouge'"),
        ("[m]\nragas = 'QuotedSpansAlignment'", "set judged to false for QuotedSpansAlignment"),
        ("[m]\nragas = 'Faithfulness'\njudged = false", "set judged to true for Faithfulness"),
        ("[m]\nragas = 'ToolCallF1'\njudged = false", "ToolCallF1 needs reference_tool_calls, which samples do not"),
        ("[m]\nbetter = 'lower'", "The metric m in .* is wrong: ragas is missing"),
        (
            "[m]\nragas = 'QuotedSpansAlignment'\nbetter = 'more'",
            "The metric m in .* is wrong: better must be 'higher' or 'lower', not \"more\"",
        ),
        ("[m]\nragas = 'RougeScore'\nparamters = {}", "The metric m in .* is wrong: there is no field paramters"),
        ("[m]\nragas = 'NoiseSensitivity'\nparameters = { mod = 1 }", "NoiseSensitivity has no parameter 'mod'"),
        ("m = 1", "The metric m in .* is wrong"),
        ("[m", "cannot be read"),
    ],
)
def test_a_metric_that_ragas_cannot_compute_is_refused(tmp_path: Path, table: str, told: str) -> None:
    (tmp_path / "metrics.toml").write_text(table, "utf-8")
    with pytest.raises(MetricInvalid, match=told):
        [RagasMetric(metric, VECTORS) for metric in of_folder(tmp_path)]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MetricInvalid, match=r"WARRANT_EVALS names .*nowhere, which is no folder"):
        list(of_folder(tmp_path / "nowhere"))


def test_a_metric_from_outside_may_be_defined_again() -> None:
    for about in ("one", "other"):
        add_metric(Metric("mine", about, value=lambda sample, outcome: 1.0))
        assert [metric.about for metric in PLUGGED if metric.name == "mine"] == [about] == [METRICS["mine"].about]
    PLUGGED.remove(METRICS.pop("mine"))


async def test_a_value_that_ragas_does_not_take_is_told(run: EvalRun) -> None:
    odd, nobody = Metric("odd", "", judged=True, ragas="NoiseSensitivity", parameters={"mode": "odd"}), JudgeSession
    with pytest.raises(MetricInvalid, match="odd does not take its parameters"):
        await RagasMetric(odd, VECTORS).value(SAMPLES[0], run.outcomes["a"], nobody.__new__(nobody))


async def test_what_ragas_needs_and_is_not_installed_is_told(run: EvalRun) -> None:
    rouge = RagasMetric(Metric("rouge", "", ragas="RougeScore"), VECTORS)
    with pytest.raises(MetricInvalid, match="rouge cannot be computed: rouge_score is required"):
        await rouge.value(SAMPLES[0], run.outcomes["a"])


@pytest.mark.parametrize(
    "metric",
    [
        Metric("faithfulness", "another", ragas="Faithfulness"),
        Metric("two words", "", ragas="Faithfulness"),
        Metric("m", ""),
        Metric("m", "", keyless.ndcg, ragas="Faithfulness"),
    ],
)
def test_a_metric_needs_a_name_and_one_way_to_be_computed(metric: Metric) -> None:
    before = dict(METRICS)
    with pytest.raises(MetricInvalid):
        add_metric(metric)
    assert before == METRICS
