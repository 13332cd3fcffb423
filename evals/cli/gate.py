"""warrant eval gate: whether a run is good enough."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evals.cli.steps import FILE, FOLDER, compare, takes_judge, takes_thresholds
from evals.gate.thresholds import read_thresholds
from evals.gate.verdict import KEYLESS, Says, Verdict
from evals.metrics.catalog import figure, span
from evals.runs import EvalRun
from graph.cli.options import settings_with
from graph.cli.terminal import Terminal, echo
from graph.files import write_whole

COLOURS: dict[Says, str] = {"pass": "green", "fail": "red", "cannot tell": "yellow"}


@click.command()
@click.argument("run", type=FOLDER)
@click.option("--champion", type=FOLDER, help="The run of what is in production.")
@takes_thresholds
@takes_judge
@click.option("--out", type=FILE, help="Write the verdict here, as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the verdict as JSON.")
def gate(
    run: Path,
    champion: Path | None,
    thresholds: Path,
    judge: str | None,
    repeats: int | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Say whether the release that a RUN asked may be promoted: pass, fail or cannot tell.

    Each criterion has to be shown to be met, on the same questions as the champion. Exit codes: 0 pass, 1 fail, 3
    cannot tell, 2 wrong use: nothing but 0 may promote.
    """
    settings, limits = settings_with(judge_model=judge), read_thresholds(thresholds)
    other, errors = EvalRun(champion) if champion else None, Terminal(stderr=True)
    verdict = compare(EvalRun(run), other, limits, settings, errors, repeats).verdict
    if out:
        write_whole(out, verdict.text())
    if as_json:
        echo(verdict.text(), nl=False)
    else:
        show(verdict, Terminal())
    sys.exit(verdict.code)


def show(verdict: Verdict, console: Console) -> None:
    """The verdict first, then its criteria."""
    against = f" against {verdict.champion.label}" if verdict.champion else ""
    console.print(Text(verdict.says.upper(), style=f"bold {COLOURS[verdict.says]}"), end="  ")
    console.print(
        f"{verdict.release.label}{against}, {verdict.samples} samples of {verdict.dataset_name}", highlight=False
    )
    if verdict.judge != KEYLESS:
        console.print(f"  Judge: {verdict.judge}", highlight=False, markup=False)
    for why in verdict.why:
        console.print(f"  {why}", highlight=False, markup=False)
    console.print()
    console.print(table(verdict))


def table(verdict: Verdict) -> Table:
    """The criteria, each with its interval, and how many more samples would settle it."""
    made = Table("metric", "asked", "value", "interval", "n", "more", show_edge=False, caption=verdict.levels)
    for found in verdict.findings:
        name = f"{found.metric}\n  {found.slice}" if found.slice else found.metric
        more = "-" if found.more is None else str(found.more)
        asked = f"{found.kind} {found.bound:g}"
        margin, style = found.kind == "margin", COLOURS[found.says]
        value = figure(found.value, found.metric, sign=margin)
        spread = span(found.low, found.high, found.metric, sign=margin)
        made.add_row(Text(name, style=style), asked, value, spread, str(found.samples), more)
    return made
