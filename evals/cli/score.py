"""warrant eval score: what a run is worth, metric by metric."""

import json
from collections import Counter
from pathlib import Path
from statistics import fmean

import click
from rich.table import Table

from evals.api import judge_with_progress
from evals.cli import FILE, FOLDER, takes_judge
from evals.judge.config import judge_config
from evals.judge.scores import JudgedScores
from evals.metrics.catalog import METRICS
from evals.runs import EvalRun
from evals.scores import Score, by_metric, score_frame, score_run, values_of
from graph.cli.options import settings_with
from graph.cli.terminal import Terminal, echo


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
