"""An evaluation in Python, as a notebook and the commands do it: dataset, run, scores, verdict, report (docs/evals.md).

Everything is kept in files: what was asked or judged before is not again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from rich.console import Console

from evals.dataset import Dataset, Sample, read_dataset, write_dataset
from evals.gate.counted import keep_access
from evals.gate.decision import compare_runs
from evals.gate.thresholds import DEFAULT, Thresholds, read_thresholds
from evals.gate.verdict import KEYLESS, Verdict
from evals.judge.config import JudgeConfig, judge_config
from evals.judge.scores import JudgedScores, judge_run, kept_judged_scores
from evals.metrics.catalog import add_metric
from evals.metrics.metric import Metric
from evals.report import write_files
from evals.report.contents import ReportedRun, report_of
from evals.report.trend import draw, trends
from evals.runner import ask_all, packed, registered
from evals.runs import EvalRun, PackagedRelease, open_run
from evals.scores import Score, score_frame, score_run
from graph.cli.options import settings_with
from graph.cli.terminal import Terminal, progress_bar
from graph.registry.package import open_package
from graph.registry.stages import number_of
from graph.release_yaml import load_release
from graph.settings import Settings, bound_mlflow, no_kept_answers

if TYPE_CHECKING:
    import pandas as pd

    from graph.registry.client import Registry

__all__ = ["Dataset", "EvalRun", "Metric", "Sample", "Verdict", "add_metric", "read_dataset", "write_dataset"]
HOME, AT_ONCE = Path(".warrant/evals"), 4
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
        return ask_releases([package], dataset, Path(home))[0]


@outside_event_loop
def score(run: EvalRun, judge: str | None = None) -> "pd.DataFrame":
    """A row for each sample and metric of a run: the `value`, or the `reason` why there is none.

    With a `judge`, or WARRANT_JUDGE_MODEL, the judged metrics too.
    """
    settings = settings_with(judge_model=judge)
    return score_frame(run, scores_of(run, settings, judge_config(settings)))


@outside_event_loop
def gate_run(run: EvalRun, champion: EvalRun | None = None, thresholds: Place = DEFAULT) -> Verdict:
    """Whether the release of a run is good enough, beside its champion if there is one; raises ThresholdsInvalid."""
    return compare(run, champion, read_thresholds(Path(thresholds)), settings_with())


@outside_event_loop
def write_report(
    verdict: Verdict,
    run: EvalRun,
    champion: EvalRun | None = None,
    out: Place = "report",
    notes: tuple[str, ...] = (),
) -> Path:
    """Write report.html, verdict.json and the files beside them into a folder; the path of the page.

    `notes` are what the report says first. Raises VerdictInvalid when the verdict is not on these runs.
    """
    report = report_of(verdict, reported(run), reported(champion) if champion else None, notes)
    return write_files(report, Path(out))


@outside_event_loop
def draw_trend(*runs: EvalRun, out: Place = "trend.png") -> Path:
    """Draw each metric over several runs of one dataset, as PNG; raises RunInvalid."""
    read = [reported(run) for run in runs]
    path = Path(out)
    path.write_bytes(draw(trends(read), [run.info.label for run in read]))
    return path


def ask_releases(
    packages: Sequence[PackagedRelease],
    dataset: Dataset,
    home: Path,
    at_once: int = AT_ONCE,
    *,
    repeats: int = 1,
    again: bool = False,
) -> list[EvalRun]:
    """The run of a dataset and each package below `home`, with every outcome; an interrupted one is resumed.

    The times of several are taken in turn. `again` lets the samples that failed be asked once more. Raises RunInvalid
    when another process is at it.
    """
    console = Terminal(stderr=True)
    if drafts := sum(sample.is_draft for sample in dataset.samples):
        console.print(f"{drafts} of {len(dataset.samples)} samples are drafts that nobody has checked.", style="yellow")
    runs = [open_run(home, dataset, package, at_once, repeats) for package in packages]
    with ExitStack() as held:
        for run, package in zip(runs, packages, strict=True):
            held.enter_context(run.writing())
            keep_access(run, package.root)
            if again and (forgotten := run.forget_failures()):
                console.print(f"{forgotten} samples failed and are asked again.")
        asyncio.run(_ask_missing(packages, runs, console))
    for run in runs:
        console.print(_counted(run))
    return runs


def registry_of(settings: Settings) -> "Registry":
    """The registry that the settings name."""
    bound_mlflow()
    from graph.registry.client import open_registry

    return open_registry(settings.registry_uri, settings.registered_model)


def scores_of(run: EvalRun, settings: Settings, judge: JudgeConfig | None) -> tuple[Score, ...]:
    """The scores of a run, with those of a judge if there is one."""
    scores = score_run(run, settings.prices, settings.cores)
    return (*scores, *judge_with_progress(run, judge).scores) if judge else scores


def kept_scores(run: EvalRun) -> tuple[Score, ...]:
    """The scores of a run, with those of a judge where it was judged."""
    settings, judged = settings_with(), kept_judged_scores(run)
    return (*score_run(run, settings.prices, settings.cores), *(judged.scores if judged else ()))


def judge_with_progress(run: EvalRun, config: JudgeConfig) -> JudgedScores:
    """The judged scores of a run, with a progress bar; says what to do where the judge did not reply."""
    console = Terminal(stderr=True)
    with progress_bar(console) as progress:
        task = progress.add_task("Judging", total=None)
        found = judge_run(run, config, lambda done, total: progress.update(task, completed=done, total=total))
    if not found.whole:
        missing = sum(not score.values for score in found.scores)
        console.print(f"The judge did not always reply; {missing} scores are missing. Give the command again to go on.")
    return found


def compare(run: EvalRun, champion: EvalRun | None, thresholds: Thresholds, settings: Settings) -> Verdict:
    """The gate's verdict on a run against the champion's, with the judge that is configured, if one is."""
    config = judge_config(settings)
    label = config.identity.label if config else KEYLESS
    return compare_runs(run, champion, thresholds, lambda run: scores_of(run, settings, config), label)


def reported(run: EvalRun) -> ReportedRun:
    """A run with its scores as reports take it."""
    return ReportedRun.of_run(run, kept_scores(run))


async def _ask_missing(packages: Sequence[PackagedRelease], runs: Sequence[EvalRun], console: Console) -> None:
    missing = [len(run.missing) for run in runs]
    if not any(missing):
        return
    todo = zip(packages, runs, missing, strict=True)
    with no_kept_answers():
        sides = [(await open_package(package.root, package.release), run) for package, run, many in todo if many]
    with progress_bar(console) as progress:
        task = progress.add_task("Asking", total=sum(missing))
        await ask_all(sides, lambda _: progress.advance(task))


def _counted(run: EvalRun) -> str:
    outcomes = run.all_outcomes
    counted = Counter(outcome.answer["status"] if outcome.answer else "failed" for outcome in outcomes)
    found = ", ".join(f"{number} {status}" for status, number in sorted(counted.items()))
    return f"{run.info.label} on {run.info.dataset}: {found}"


@contextmanager
def package_of(settings: Settings, version: str | None) -> Iterator[PackagedRelease]:
    """The package that is asked; raises a RegistryError or a SnapshotError."""
    if not version:
        with packed(load_release(settings.release), settings.index) as package:
            yield package
        return
    found = registry_of(settings)
    yield registered(found, number_of(version, found.placement()), HOME / "packages")
