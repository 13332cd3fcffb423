"""warrant eval judge-check: how far the verifier, and a judge, agree with people."""

import asyncio
import json
from collections.abc import Sequence
from math import nan
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from evals.cli import FOLDER, takes_judge
from evals.judge.agreement import FAITHFUL, HumanAgreement, LabelledAnswer, agreement, judged, read_labels, verified
from evals.judge.config import JudgeConfig, judge_config
from evals.scores import MeanInterval
from graph.cli.options import settings_with
from graph.cli.terminal import Terminal, echo, progress_bar

NOTE = (
    f"Spearman is with the median of the people's ratings; AUROC separates {FAITHFUL:g} and more from the others; "
    "repeats are alike, and correlated with each other. The verifier's weights were fitted on mtrag's answers: there "
    "it is measured on what it has seen; benchmarks/groundedness.py measures it on what it has not."
)


@click.command("judge-check")
@click.option("--data", type=FOLDER, required=True, help="A set with labels.")
@takes_judge
@click.option("--sample", type=click.IntRange(min=1), help="No more answers than this, chosen by a hash of their ids.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON.")
def judge_check(data: Path, judge: str | None, repeats: int | None, sample: int | None, as_json: bool) -> None:
    """Measure the verifier, and a judge if there is one, against answers that people judged.

    The set is a folder (or the folder above one called mtrag) with human_judged_answers.jsonl, corpus.jsonl and
    queries.jsonl, gzipped or not, as IBM's mt-rag-benchmark has them.
    """
    settings = settings_with(judge_model=judge)
    config, errors = judge_config(settings, repeats), Terminal(stderr=True)
    found = asyncio.run(_check(read_labels(data, sample), config, settings.cores, errors))
    if as_json:
        echo(json.dumps({name: each.model_dump() for name, each in found.items()}, indent=1))
    else:
        Terminal().print(table(found))
        errors.print(NOTE, highlight=False)


async def _check(
    labelled: Sequence[LabelledAnswer], config: JudgeConfig | None, threads: int, console: Console
) -> dict[str, HumanAgreement]:
    """The agreement of each that scores."""
    with progress_bar(console) as progress:
        task = progress.add_task("Verifying", total=len(labelled))
        found = {"verifier": await verified(labelled, threads, lambda: progress.advance(task))}
        if config:
            judging = progress.add_task("Judging", total=len(labelled))
            found[config.identity.label], spent = await judged(labelled, config, lambda: progress.advance(judging))
    if config:
        console.print(f"The judge: {spent.calls} calls, {spent.input_tokens} and {spent.output_tokens} tokens.")
    people = [each.median for each in labelled], [each.conversation for each in labelled]
    return {name: agreement(scores, *people, FAITHFUL) for name, scores in found.items()}


def table(found: dict[str, HumanAgreement]) -> Table:
    """One line for each that scored."""
    made = Table("scored by", "answers", "Spearman", "AUROC", "repeats", "without a score", show_edge=False)
    for name, each in found.items():
        again = "-" if each.repeats_same is None else f"{each.repeats_same:.0%} / {each.repeats_spearman or nan:.3f}"
        without = ", ".join(f"{number} {reason}" for reason, number in list(each.reasons.items())[:2])
        made.add_row(name, str(each.answers), _estimate(each.spearman), _estimate(each.auroc), again, without)
    return made


def _estimate(found: MeanInterval | None) -> str:
    """A figure with its 95 % interval."""
    spread = f" ({found.low:.3f} to {found.high:.3f})" if found and found.low is not None else ""
    return f"{found.value:.3f}{spread}" if found else "-"
