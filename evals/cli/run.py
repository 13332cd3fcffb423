"""warrant eval run and score: every sample of a dataset is asked of one release, and what its answers are worth."""

import json
from collections import Counter
from pathlib import Path
from statistics import fmean

import click
from rich.table import Table

from evals.api import AT_ONCE, HOME, ask_releases, judge_with_progress, package_of
from evals.cli import FILE, FOLDER, takes_judge, takes_repeats
from evals.dataset import read_dataset
from evals.judge.config import judge_config
from evals.judge.scores import JudgedScores
from evals.metrics.catalog import METRICS
from evals.runs import EvalRun
from evals.scores import Score, by_metric, score_frame, score_run, values_of
from graph.cli.options import settings_with, takes
from graph.cli.terminal import Terminal, echo


@click.command()
@click.option("--dataset", "-d", type=FILE, required=True, help="Samples, as JSON lines.")
@takes("index", "release", "registry", "model")
@click.option("--version", help="A registered version (12, v12 or an alias) in place of --release and --index.")
@click.option("--out", type=FOLDER, default=HOME, show_default=True)
@click.option(
    "--at-once", type=click.IntRange(1, 64), default=AT_ONCE, show_default=True, help="Samples asked at a time."
)
@takes_repeats
@click.option("--again", is_flag=True, help="Ask those again that failed.")
def run(
    dataset: Path,
    index: Path | None,
    release: Path | None,
    registry: str | None,
    model: str | None,
    version: str | None,
    out: Path,
    at_once: int,
    repeats: int,
    again: bool,
) -> None:
    """Ask a release every question of a dataset, and keep each answer as it comes.

    Prints the run's directory. A run that was broken off goes on where it was. Samples that fail are outcomes too; the
    command says how many there are. Ask several times where a model does not always answer alike: --repeats.
    """
    if version and (release or index):
        raise click.UsageError("--version brings its own release and Snapshot; leave --release and --index out.")
    settings = settings_with(index=index, release=release, registry=registry, registered_model=model)
    samples = read_dataset(dataset)
    with package_of(settings, version) as package:
        [made] = ask_releases([package], samples, out, at_once, repeats=repeats, again=again)
    echo(made.path)


@click.command()
@click.argument("run", type=FOLDER, required=False)
@takes_judge
@click.option("--again", is_flag=True, help="Ask the judge anew where its reply could not be used.")
@click.option("--json", "as_json", is_flag=True, help="Every score, as JSON lines.")
@click.option("--csv", type=FILE, help="Write every score here as CSV.")
@click.option("--parquet", type=FILE, help="Write every score here as Parquet.")
@click.option("--explain", is_flag=True, help="Say what each metric is, and end.")
def score(
    run: Path | None,
    judge: str | None,
    again: bool,
    as_json: bool,
    csv: Path | None,
    parquet: Path | None,
    explain: bool,
) -> None:
    """Score the RUN in a directory by every metric that needs no model; scores are kept beside it.

    With a judge, also by those that need one. A sample that failed or was not asked, or of which the judge said nothing
    that can be used, has no score but a reason; the last column counts those.
    """
    if explain:
        Terminal().print(descriptions())
        return
    if run is None:
        raise click.UsageError("Give the directory of a RUN to score, or --explain alone to list the metrics.")
    settings = settings_with(judge_model=judge)
    config = judge_config(settings, again=again)
    made = EvalRun(run)
    found = score_run(made, settings.prices, settings.cores)
    if config:
        judged = judge_with_progress(made, config)
        Terminal(stderr=True).print(_usage(judged), highlight=False, soft_wrap=True)
        found = (*found, *judged.scores)
    _write(made, found, csv, parquet)
    if as_json:
        for each in found:
            echo(json.dumps(each.model_dump(exclude_defaults=True)))
    else:
        Terminal().print(table(found))


def _write(run: EvalRun, scores: tuple[Score, ...], csv: Path | None, parquet: Path | None) -> None:
    for path, form in ((csv, "to_csv"), (parquet, "to_parquet")):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            getattr(score_frame(run, scores), form)(path, index=False)


def descriptions() -> Table:
    """Every metric, and what it is."""
    made = Table("metric", "better", "needs", "what it is", show_edge=False)
    for metric in METRICS.values():
        made.add_row(metric.name, metric.better, "a judge" if metric.judged else "", metric.about)
    return made


def table(scores: tuple[Score, ...]) -> Table:
    """Means over the samples that have a value, and how many have none and why."""
    made = Table("metric", "samples", "mean", "without a score", show_edge=False)
    for name, found in by_metric(scores).items():
        values = values_of(found)
        mean = f"{fmean(values):.4g} {METRICS[name].unit}".strip() if values else "-"
        reasons = Counter(each.reason for each in found.values() if each.reason)
        without = ", ".join(f"{number} {reason}" for reason, number in reasons.most_common(2))
        made.add_row(name, str(len(values)), mean, without)
    return made


def _usage(found: JudgedScores) -> str:
    """Who judged, and what it took."""
    spent = found.spent
    price = "cost unknown (set prices in WARRANT_PRICES)" if spent.usd is None else f"${spent.usd:.4f}"
    tokens = f"{spent.input_tokens} tokens sent, {spent.output_tokens} received"
    return f"Judge: {found.judge.label}; {spent.calls} calls, {tokens}, {price}"
