"""What several commands do: ask a release, have a run judged, compare two runs and write the report."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console

from evals.dataset import Dataset
from evals.documents import keep_access
from evals.gate.decision import RunJudge, compare_runs
from evals.gate.thresholds import DEFAULT, Thresholds
from evals.gate.verdict import Verdict
from evals.judge.config import JudgeConfig, judge_config
from evals.judge.scores import JudgedScores, judge_run, kept_judged_scores
from evals.report import write_report
from evals.report.contents import report_of
from evals.report.pairs import ReportedRun
from evals.runner import ask_all
from evals.runs import EvalRun, PackagedRelease, open_run
from evals.scores import score_run
from graph.cli.options import needs_mlflow
from graph.cli.terminal import progress_bar
from graph.files import write_whole
from graph.registry.package import open_package
from graph.settings import Settings, bound_mlflow, no_kept_answers

if TYPE_CHECKING:
    from graph.registry.client import Registry

FILE, FOLDER = click.Path(path_type=Path, dir_okay=False), click.Path(path_type=Path, file_okay=False)
REPEATS = click.IntRange(1, 20)
HOME = Path(".warrant/evals")
AT_ONCE = 4
VERDICT = "verdict.json"
Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Comparison:
    """The verdict on a release, its run, the champion's, and what the report says first."""

    verdict: Verdict
    run: EvalRun
    champion: EvalRun | None
    notes: tuple[str, ...] = ()


def ask_releases(
    packages: Sequence[PackagedRelease],
    dataset: Dataset,
    home: Path,
    console: Console,
    at_once: int = AT_ONCE,
    *,
    repeats: int = 1,
    again: bool = False,
) -> list[EvalRun]:
    """The run of a dataset and each package below `home`, with every outcome; an interrupted one is resumed.

    The times of several are taken in turn. `again` lets the samples that failed be asked once more. Raises RunInvalid
    when another process is at it.
    """
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
    """The registry that the settings name; raises ExtraMissing."""
    bound_mlflow()
    with needs_mlflow():
        from graph.registry.client import open_registry
    return open_registry(settings.registry_uri, settings.registered_model)


def takes_judge(command: Command) -> Command:
    """Give a command the options that name a judge."""
    repeats = click.option(
        "--judge-repeats", "repeats", type=REPEATS, help="How often the judge is asked. [default: 1]"
    )
    judge = click.option("--judge", help="A model as the judge, at WARRANT_JUDGE_URL. [default: WARRANT_JUDGE_MODEL]")
    return judge(repeats(command))


takes_thresholds = click.option("--thresholds", "-t", type=FILE, default=DEFAULT, help="What to reach.")
takes_repeats = click.option("--repeats", type=REPEATS, default=1, show_default=True, help="How often each is asked.")


async def judge_with_progress(run: EvalRun, config: JudgeConfig, console: Console) -> JudgedScores:
    """The judged scores of a run, with a progress bar; says what to do where the judge did not reply."""
    with progress_bar(console) as progress:
        task = progress.add_task("Judging", total=None)
        found = await judge_run(run, config, lambda done, total: progress.update(task, completed=done, total=total))
    if not found.whole:
        missing = sum(not score.values for score in found.scores)
        console.print(f"The judge did not always reply; {missing} scores are missing. Give the command again to go on.")
    return found


def compare(
    run: EvalRun,
    champion: EvalRun | None,
    thresholds: Thresholds,
    settings: Settings,
    console: Console,
    repeats: int | None = None,
) -> Comparison:
    """The gate's verdict on a run against the champion's, with the judge that is configured, if one is."""
    config = judge_config(settings, repeats)
    judge = RunJudge(config.identity.label, lambda run: judge_with_progress(run, config, console)) if config else None
    verdict = asyncio.run(compare_runs(run, champion, thresholds, settings.prices, settings.cores, judge))
    return Comparison(verdict, run, champion)


def write_comparison(comparison: Comparison, out: Path, settings: Settings) -> Path:
    """Write verdict.json and the report's files into a folder; gives the page's path."""
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / VERDICT, comparison.verdict.text())
    champion = reported(comparison.champion, settings) if comparison.champion else None
    report = report_of(comparison.verdict, reported(comparison.run, settings), champion)
    return write_report(replace(report, notes=comparison.notes), out)


def reported(run: EvalRun, settings: Settings) -> ReportedRun:
    """A run with its scores as reports take it, a judge's among them where it was judged."""
    scores, judged = asyncio.run(score_run(run, settings.prices, settings.cores)), kept_judged_scores(run)
    return ReportedRun.of_run(run, (*scores, *(judged.scores if judged else ())))


async def _ask_missing(packages: Sequence[PackagedRelease], runs: Sequence[EvalRun], console: Console) -> None:
    missing = [len(run.missing) for run in runs]
    if not any(missing):
        return
    todo = zip(packages, runs, missing, strict=True)
    with no_kept_answers():
        sides = [(await open_package(package.root, package.digest), run) for package, run, many in todo if many]
    with progress_bar(console) as progress:
        task = progress.add_task("Asking", total=sum(missing))
        await ask_all(sides, lambda _: progress.advance(task))


def _counted(run: EvalRun) -> str:
    outcomes = run.all_outcomes
    counted = Counter(outcome.answer["status"] if outcome.answer else "failed" for outcome in outcomes)
    found = ", ".join(f"{number} {status}" for status, number in sorted(counted.items()))
    return f"{run.info.label} on {run.info.dataset}: {found}"
