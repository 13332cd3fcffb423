"""warrant eval plan: how many samples and repeats the thresholds need."""

from pathlib import Path

import click
from rich.table import Table

from evals.cli.steps import FOLDER, REPEATS, reported, takes_thresholds
from evals.gate.plan import SamplePlan
from evals.gate.plan import plan as plan_for
from evals.gate.stats import FAR
from evals.gate.thresholds import read_thresholds
from evals.runs import EvalRun, check_same_questions
from graph.cli.options import settings_with
from graph.cli.terminal import Terminal, echo


@click.command()
@click.argument("run", type=FOLDER)
@click.option("--other", type=FOLDER, help="A second run on the same dataset, of the same release or of another one.")
@takes_thresholds
@click.option("--repeats", type=REPEATS, multiple=True, help="Repeatable. [default: 1, 3 and 5]")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def plan(run: Path, other: Path | None, thresholds: Path, repeats: tuple[int, ...], as_json: bool) -> None:
    """Say how many samples and repeats it takes for a release as good as the one of RUN to pass, four times in five.

    It is computed from how the scores of RUN spread, and from its churn: how they differ between repeats of the same
    question (`warrant eval run --repeats 3`), or between RUN and --other. The scores of a judge count if there are any.
    """
    settings, runs = settings_with(), [EvalRun(path) for path in (run, other) if path]
    check_same_questions([(each.path, each.info) for each in runs])
    scored = [reported(each, settings).scored for each in runs]
    changed = len({each.info.release for each in runs}) > 1
    found = plan_for(
        read_thresholds(thresholds),
        runs[0].dataset,
        scored[0],
        scored[1] if other else None,
        (1,) if changed else repeats or (1, 3, 5),
    )
    if as_json:
        echo(found.model_dump_json(indent=1))
    else:
        show(found, Terminal())


def show(found: SamplePlan, console: Terminal) -> None:
    """What each criterion needs, then what all of them do."""
    asks = [f"asked {'once' if k == 1 else f'{k} times'}" for k in found.chance]
    table = Table("metric", "asked", "spread", *asks, show_edge=False, title=f"Samples needed, as in {found.dataset}")
    for each in found.criteria:
        name = f"{each.metric}\n  {each.slice}" if each.slice else each.metric
        needed = (_samples(many, found.samples) for many in each.samples.values())
        table.add_row(name, f"{each.kind} {each.bound:g}", f"{each.spread:.3g}", *needed)
    table.add_row("all of them", "", "", *(_samples(many, found.samples) for many in found.needed.values()))
    chances = (f"{chance:.0%}" for chance in found.chance.values())
    table.add_row(f"chance to pass\n  with {found.samples}", "", "", *chances)
    console.print(table)


def _samples(many: int | None, there: int) -> str:
    return f"over {FAR * there}" if many is None else str(many)
