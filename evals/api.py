"""An evaluation in Python, as a notebook does it: dataset, run, scores, verdict, report (docs/evals.md).

Everything is kept in files as the commands of `warrant eval` keep it: what was asked or judged before is not again.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import pandas as pd

from evals.cli.run import package_of
from evals.cli.steps import (
    HOME,
    Comparison,
    ask_releases,
    compare,
    judge_with_progress,
    reported,
    write_comparison,
)
from evals.dataset import Dataset, Sample, read_dataset, write_dataset
from evals.gate.thresholds import DEFAULT, read_thresholds
from evals.gate.verdict import Verdict
from evals.judge.config import judge_config
from evals.metrics.catalog import Metric, add_metric
from evals.report.trend import draw, trends
from evals.runs import EvalRun
from evals.scores import score_frame, score_run
from graph.cli.options import settings_with
from graph.cli.terminal import Terminal

__all__ = ["Dataset", "EvalRun", "Metric", "Sample", "Verdict", "add_metric", "read_dataset", "write_dataset"]
Given = ParamSpec("Given")
Result = TypeVar("Result")
Place = str | Path


def outside_event_loop(function: Callable[Given, Result]) -> Callable[Given, Result]:
    """Run a function that starts an event loop in a thread where one is running already, as in a notebook."""

    @wraps(function)
    def called(*arguments: Given.args, **options: Given.kwargs) -> Result:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return function(*arguments, **options)
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(function, *arguments, **options).result()

    return called


@outside_event_loop
def ask(
    dataset: Dataset,
    *,
    release: Place | None = None,
    index: Place | None = None,
    version: str | None = None,
    home: Place = HOME,
) -> EvalRun:
    """The run of every sample and a release: of release.yaml and an index, or of a registered version.

    An interrupted run is resumed. Raises a SnapshotError, ReleaseInvalid or a RegistryError.
    """
    settings = settings_with(release=release and Path(release), index=index and Path(index))
    with package_of(settings, version) as package:
        return ask_releases([package], dataset, Path(home), Terminal(stderr=True))[0]


@outside_event_loop
def score(run: EvalRun, judge: str | None = None, repeats: int | None = None) -> pd.DataFrame:
    """A row for each sample and metric of a run: the `value`, or the `reason` why there is none.

    With a `judge`, or WARRANT_JUDGE_MODEL, the judged metrics too, each asked for `repeats` times.
    """
    settings = settings_with(judge_model=judge)
    config, scores = judge_config(settings, repeats), asyncio.run(score_run(run, settings.prices, settings.cores))
    if config:
        scores += asyncio.run(judge_with_progress(run, config, Terminal(stderr=True))).scores
    return score_frame(run, scores)


@outside_event_loop
def gate_run(run: EvalRun, champion: EvalRun | None = None, thresholds: Place = DEFAULT) -> Verdict:
    """Whether the release of a run is good enough, beside its champion if there is one; raises ThresholdsInvalid."""
    limits = read_thresholds(Path(thresholds))
    return compare(run, champion, limits, settings_with(), Terminal(stderr=True)).verdict


@outside_event_loop
def write_report(verdict: Verdict, run: EvalRun, champion: EvalRun | None = None, out: Place = "report") -> Path:
    """Write report.html and the files beside it into a folder; the path of the page."""
    return write_comparison(Comparison(verdict, run, champion), Path(out), settings_with())


@outside_event_loop
def draw_trend(*runs: EvalRun, out: Place = "trend.png") -> Path:
    """Draw each metric over several runs of one dataset, as PNG; raises RunInvalid."""
    read = [reported(run, settings_with()) for run in runs]
    path = Path(out)
    path.write_bytes(draw(trends(read), [run.info.label for run in read]))
    return path
