"""warrant eval gate, candidate and plan: whether a release is good enough, and how many samples show it."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from evals.api import HOME, ask_releases, compare, registry_of, reported, write_report
from evals.cli import FILE, FOLDER, REPEATS, takes_judge, takes_repeats, takes_thresholds
from evals.dataset import read_dataset
from evals.gate.plan import SamplePlan
from evals.gate.plan import plan as plan_for
from evals.gate.promotion import PromotionRequirements
from evals.gate.stats import FAR
from evals.gate.thresholds import read_thresholds
from evals.gate.verdict import KEYLESS, Says, Verdict
from evals.metrics.catalog import figure, span
from evals.runner import registered
from evals.runs import EvalRun, check_same_questions
from graph.cli.options import settings_with, takes
from graph.cli.terminal import Terminal, echo
from graph.files import write_whole
from graph.registry import Version
from graph.registry.promotion import check_logged
from graph.registry.stages import number_of
from graph.settings import Settings

if TYPE_CHECKING:
    from graph.registry.client import Registry

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
    out: Path | None,
    as_json: bool,
) -> None:
    """Say whether the release that a RUN asked may be promoted: pass, fail or cannot tell.

    Each criterion has to be shown to be met, on the same questions as the champion. Exit codes: 0 pass, 1 fail, 3
    cannot tell, 2 wrong use: nothing but 0 may promote.
    """
    settings, limits = settings_with(judge_model=judge), read_thresholds(thresholds)
    verdict = compare(EvalRun(run), EvalRun(champion) if champion else None, limits, settings)
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
    made = Table(
        "verdict", "metric", "asked", "value", "interval", "n", "more", show_edge=False, caption=verdict.levels
    )
    for found in verdict.findings:
        name = f"{found.metric}\n  {found.slice}" if found.slice else found.metric
        more = "-" if found.more is None else str(found.more)
        asked = f"{found.kind} {found.bound:g}"
        margin, says = found.kind == "margin", Text(found.says, style=COLOURS[found.says])
        value = figure(found.value, found.metric, sign=margin)
        spread = span(found.low, found.high, found.metric, sign=margin)
        made.add_row(says, name, asked, value, spread, str(found.samples), more)
    return made


@dataclass(frozen=True)
class CandidatePair:
    """A registered version, and what is in production, if another version is."""

    registry: "Registry"
    candidate: Version
    champion: Version | None


@click.command()
@click.argument("version")
@click.option("--dataset", "-d", type=FILE, required=True, help="Samples, as JSON lines.")
@takes_thresholds
@click.option("--out", "-o", type=FOLDER, help="Where verdict and report are written.")
@click.option("--home", type=FOLDER, default=HOME, show_default=True)
@takes_repeats
@takes("registry", "model")
def candidate(
    version: str,
    dataset: Path,
    thresholds: Path,
    out: Path | None,
    home: Path,
    repeats: int,
    registry: str | None,
    model: str | None,
) -> None:
    """Ask VERSION (12, v12 or an alias) and what is in production every sample, and gate VERSION.

    Exit codes: 0 pass, 1 fail, 3 cannot tell, 2 wrong use. `warrant promote --verdict` takes the verdict.
    """
    required = PromotionRequirements(read_dataset(dataset), read_thresholds(thresholds))
    settings = settings_with(registry=registry, registered_model=model)
    verdict, run, champion = compare_pair(pair_of(settings, version), required, home, repeats)
    if out:
        echo(write_report(verdict, run, champion, out))
    sys.exit(verdict.code)


def pair_of(settings: Settings, version: str) -> CandidatePair:
    """The version that is named, and its champion; raises a RegistryError."""
    registry = registry_of(settings)
    places = registry.placement()
    chosen = registry.version(number_of(version, places))
    check_logged(chosen)
    alone = places.production in (None, chosen.number)
    return CandidatePair(registry, chosen, None if alone else registry.version(places.production or 0))


def compare_pair(
    pair: CandidatePair, required: PromotionRequirements, home: Path = HOME, repeats: int = 1
) -> tuple[Verdict, EvalRun, EvalRun | None]:
    """What the gate says, which is shown, and the runs of the version and its champion; asks what was not asked yet."""
    sides = [each for each in (pair.candidate, pair.champion) if each]
    packages = [registered(pair.registry, each.number, home / "packages") for each in sides]
    run, *other = ask_releases(packages, required.dataset, home, repeats=repeats)
    champion = other[0] if other else None
    verdict = compare(run, champion, required.thresholds, settings_with())
    show(verdict, Terminal(stderr=True))
    return verdict, run, champion


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
    runs = [EvalRun(path) for path in (run, other) if path]
    check_same_questions([(each.path, each.info) for each in runs])
    scored = [reported(each).scored for each in runs]
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
        show_plan(found, Terminal())


def show_plan(found: SamplePlan, console: Console) -> None:
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
