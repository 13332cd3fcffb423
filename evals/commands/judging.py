"""What several commands take and tell of a judge."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from rich.console import Console
from rich.progress import Progress, TimeRemainingColumn

from evals.judging.identity import Judging
from evals.judging.judged import Judgements, judge_run
from evals.runs import Run
from evals.scores import unscored

if TYPE_CHECKING:
    from evals.gating.weighing import Judges

Command = TypeVar("Command", bound=Callable[..., Any])


def takes_judge(command: Command) -> Command:
    """Give a command the options that name a judge."""
    repeats = click.option(
        "--repeats", type=click.IntRange(1, 20), help="How often the judge is asked about everything. [default: 1]"
    )
    judge = click.option("--judge", help="A model as the judge, at WARRANT_JUDGE_URL. [default: WARRANT_JUDGE_MODEL]")
    return judge(repeats(command))


async def judged(run: Run, judging: Judging, console: Console) -> Judgements:
    """The judged scores of a run, telling how it goes; what was not replied is said, with what to do."""
    from evals.commands.asked import COLUMNS

    with Progress(*COLUMNS, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("Judging", total=None)
        found = await judge_run(run, judging, lambda done, total: progress.update(task, completed=done, total=total))
    if not found.whole:
        without = sum(1 for _ in unscored({f"{each.metric} {each.sample}": each for each in found.scores}))
        console.print(f"The judge did not always reply; {without} scores are missing. Give the command again to go on.")
    return found


def told(found: Judgements) -> str:
    """Who judged, and what it took."""
    spent = found.spent
    price = "cost unknown (prices are told in WARRANT_PRICES)" if spent.usd is None else f"${spent.usd:.4f}"
    tokens = f"{spent.input_tokens} tokens sent, {spent.output_tokens} received"
    return f"Judge: {found.label}; {spent.calls} calls, {tokens}, {price}"


def judges(judging: Judging | None, console: Console) -> "Judges | None":
    """Has runs judged, telling how it goes; None without a judge."""
    from evals.gating.weighing import Judges

    return Judges(judging.label, lambda run: judged(run, judging, console)) if judging else None
