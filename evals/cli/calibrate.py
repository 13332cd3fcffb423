"""warrant eval calibrate: the threshold of a release, chosen on one half of a dataset and measured on the other."""

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from evals.calibration.calibrate import (
    Calibration,
    CalibrationTarget,
    HalfResult,
    ThresholdResult,
    calibrate,
    forced,
)
from evals.calibration.plot import risk_coverage_png
from evals.calibration.release_file import rewritten, with_fields
from evals.calibration.selection import Aim, at_cost, at_coverage, at_risk
from evals.cli.steps import ask_releases
from evals.errors import RunInvalid
from evals.runner import packed
from evals.runs import EvalRun
from graph.cli.options import settings_with, takes
from graph.cli.terminal import Terminal, echo
from graph.files import write_whole
from graph.release_yaml import load_release
from graph.settings import Settings

SHARE = click.FloatRange(0, 1)
LONGEST = 63
"""Characters of a release's name."""


@click.command("calibrate")
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@takes("index", "release")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="[default: RUN/calibration/release.yaml]")
@click.option("--target-risk", type=SHARE, help="The largest share of wrong answers. [default: 0.2]")
@click.option("--target-coverage", type=SHARE, help="Instead: the least share of the questions that is answered.")
@click.option("--cost-per-wrong", type=click.FloatRange(0), help="Instead: what a wrong answer costs.")
@click.option("--cost-per-refusal", type=click.FloatRange(0), help="And declining an answerable question. [default: 1]")
@click.option("--certainty", type=click.FloatRange(0.5, 0.999), default=0.95, show_default=True)
@click.option("--name", help="The new release's name. [default: the old one's with -calibrated]")
@click.option("--at-once", type=click.IntRange(1, 64), default=4, show_default=True, help="Samples asked at a time.")
@click.option("--again", is_flag=True, help="Ask those again that failed.")
def command(run: Path, index: Path | None, release: Path | None, out: Path | None, **options: object) -> None:
    """Choose routing.answer_from for the release that a RUN asked, or routing.read_from where a model reads.

    Asks the same release once more, with nothing declined for its confidence; an interrupted run is resumed. Writes
    a new release.yaml, and calibration.json and a picture beside it. Exit code 1: no threshold holds; then there is no
    new release.
    """
    console, target = Terminal(stderr=True), _target(options)
    settings, own = settings_with(index=index, release=release), EvalRun(run)
    place = out or run / "calibration" / "release.yaml"
    if settings.release and place.resolve() == settings.release.resolve():
        raise click.UsageError(f"--out is the release that is calibrated, {place}; name another file.")
    forced_run = _ask_forced(own, settings, console, options)
    found = calibrate(own, load_release(settings.release), forced_run, target)
    changed = _write(found, settings.release, place, str(options["name"] or ""))
    show(changed, Terminal())
    if not changed.after_label:
        console.print("There is no new release.")
        sys.exit(1)
    echo(place)


def _target(options: dict[str, object]) -> CalibrationTarget:
    """What the options ask for; raises UsageError where they ask for more than one thing."""
    given = [name for name in ("target_risk", "target_coverage", "cost_per_wrong") if options[name] is not None]
    if len(given) > 1:
        names = " and ".join("--" + name.replace("_", "-") for name in given)
        raise click.UsageError(f"{names} choose the threshold in different ways; give one of them.")
    certainty = float(str(options["certainty"]))
    aim, words = _aim(given[0] if given else "target_risk", options, 1 - certainty)
    return CalibrationTarget(aim, words, certainty)


def _aim(name: str, options: dict[str, object], alpha: float) -> tuple[Aim, str]:
    value = float(str(options[name])) if options[name] is not None else 0.2
    if name == "target_coverage":
        return at_coverage(value), f"a coverage of {value:g}"
    if name == "cost_per_wrong":
        refusal = float(str(options["cost_per_refusal"] if options["cost_per_refusal"] is not None else 1))
        return at_cost(value, refusal), f"the least cost at {value:g} for a wrong answer and {refusal:g} for a refusal"
    return at_risk(value, alpha), f"a risk of {value:g}"


def _ask_forced(own: EvalRun, settings: Settings, console: Console, options: dict[str, object]) -> EvalRun:
    """The forced run, complete, beside the release's own; raises RunInvalid when that is of another release."""
    release, info = load_release(settings.release), own.info
    with packed(release, settings.index) as package:
        if package.digest != info.release:
            raise RunInvalid(
                f"{own.path} asked {info.label} ({info.release[:12]}); this release, code and Snapshot are "
                f"{package.label} ({package.digest[:12]}). Give the --release and --index of the run, or run again."
            )
    at_once, again = int(str(options["at_once"])), bool(options["again"])
    with packed(forced(release), settings.index) as package:
        return ask_releases([package], own.dataset, own.path.parent, console, at_once, again=again)[0]


def _write(found: Calibration, old: Path | None, place: Path, name: str) -> Calibration:
    """The files, the release last; an earlier calibration's release is taken away first where none holds now."""
    text = old.read_bytes().decode() if old else ""
    place.parent.mkdir(parents=True, exist_ok=True)
    new = None
    if found.after is not None:
        changes = {"name": name or _renamed(load_release(old).name), "routing": {found.threshold: found.after}}
        new = rewritten(text, changes, str(old or place))
        found = found.model_copy(update={"after_label": with_fields(load_release(old), changes).label})
    else:
        place.unlink(missing_ok=True)
    write_whole(place.with_name("risk-coverage.png"), risk_coverage_png(found))
    write_whole(place.with_name("calibration.json"), found.model_dump_json(indent=1) + "\n")
    if new is not None:
        write_whole(place, new)
    return found


def _renamed(name: str) -> str:
    ending = "-calibrated"
    return name if name.endswith(ending) else name[: LONGEST - len(ending)] + ending


def show(found: Calibration, console: Console) -> None:
    """Both halves as the release is and as it is calibrated."""
    agreed, left = found.agreement, len(found.left_out)
    console.print(f"{found.label} on {found.dataset}, asked for {found.aim}", highlight=False, markup=False)
    after = "none holds" if found.after is None else f"{found.after:g}"
    console.print(f"  {found.threshold}: before {found.before:g}, after {after}", highlight=False)
    console.print(f"  {found.why}", highlight=False, markup=False)
    console.print(
        f"  as in the release's own run: the declining of {agreed.declined} of {agreed.samples} samples; "
        f"{left} are left out",
        highlight=False,
    )
    console.print(table(found))


def table(found: Calibration) -> Table:
    """What each half comes to."""
    made = Table("", "answered", "risk", "refused", "let through", box=None, padding=(0, 1, 0, 0))
    for half in ("fitting", "reporting"):
        for when in ("before", "after"):
            side: HalfResult = getattr(found, half)
            result: ThresholdResult | None = getattr(side, when)
            if result:
                made.add_row(f"{half} {when}", *_cells(result, side))
    return made


def _cells(result: ThresholdResult, side: HalfResult) -> tuple[str, ...]:
    risk = "-" if result.risk is None else f"{result.risk:.3f} ({result.low:.2f}-{result.high:.2f})"
    return (
        f"{result.answered}/{side.samples}",
        risk,
        f"{result.refused}/{side.answerable}",
        f"{result.let_through}/{side.samples - side.answerable}",
    )
