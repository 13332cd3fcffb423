"""warrant eval calibrate: the threshold of a release, chosen on one half of a dataset and measured on the other."""

import asyncio
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from evals.calibration.calibrate import Wanted, calibrate, forced
from evals.calibration.calibrated import Calibration, Half, Measured
from evals.calibration.choosing import Aim, at_cost, at_coverage, at_risk
from evals.calibration.drawing import risk_coverage_png
from evals.calibration.rewriting import rewritten, with_fields
from evals.commands.asked import ask_missing
from evals.errors import RunInvalid
from evals.runs import Run, open_run
from evals.subjects import packed
from graph.cli.options import settings_with, takes
from graph.cli.terminal import Terminal, echo
from graph.files import write_whole
from graph.release import load_release
from graph.settings import Settings, keep_no_answers

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
def command(run: Path, index: Path | None, release: Path | None, out: Path | None, **told: object) -> None:
    """Choose routing.answer_from for the release that a RUN asked, or routing.read_from where a model reads.

    Asks the same release once more, with nothing declined for its confidence; a run that was broken off goes on. Writes
    a new release.yaml, and calibration.json and a picture beside it. Exit code 1: no threshold holds; then there is no
    new release.
    """
    console, wanted = Terminal(stderr=True), _wanted(told)
    settings, made = settings_with(index=index, release=release), Run(run)
    place = out or run / "calibration" / "release.yaml"
    if settings.release and place.resolve() == settings.release.resolve():
        raise click.UsageError(f"--out is the release that is calibrated, {place}; name another file.")
    whole = _asked(made, settings, console, told)
    found = calibrate(made, load_release(settings.release), whole, wanted, settings.prices)
    changed = _write(found, settings.release, place, str(told["name"] or ""))
    show(changed, Terminal())
    if not changed.after_label:
        console.print("There is no new release.")
        sys.exit(1)
    echo(place)


def _wanted(told: dict[str, object]) -> Wanted:
    """What the options ask for; raises UsageError where they ask for more than one thing."""
    given = [name for name in ("target_risk", "target_coverage", "cost_per_wrong") if told[name] is not None]
    if len(given) > 1:
        names = " and ".join("--" + name.replace("_", "-") for name in given)
        raise click.UsageError(f"{names} choose the threshold in different ways; give one of them.")
    certainty = float(str(told["certainty"]))
    aim, words = _aim(given[0] if given else "target_risk", told, 1 - certainty)
    return Wanted(aim, words, certainty)


def _aim(name: str, told: dict[str, object], alpha: float) -> tuple[Aim, str]:
    value = float(str(told[name])) if told[name] is not None else 0.2
    if name == "target_coverage":
        return at_coverage(value), f"a coverage of {value:g}"
    if name == "cost_per_wrong":
        refusal = float(str(told["cost_per_refusal"] if told["cost_per_refusal"] is not None else 1))
        return at_cost(value, refusal), f"the least cost at {value:g} for a wrong answer and {refusal:g} for a refusal"
    return at_risk(value, alpha), f"a risk of {value:g}"


def _asked(made: Run, settings: Settings, console: Console, told: dict[str, object]) -> Run:
    """The forced run, complete, beside the release's own; raises RunInvalid when that is of another release."""
    release, at_once = load_release(settings.release), int(str(told["at_once"]))
    keep_no_answers()
    with packed(release, settings.index) as subject:
        if subject.digest != made.about.release:
            raise RunInvalid(
                f"{made.place} asked {made.about.label} ({made.about.release[:12]}); this release, code and Snapshot "
                f"are {subject.label} ({subject.digest[:12]}). Give the --release and --index of the run, or run again."
            )
    with packed(forced(release), settings.index) as subject:
        run = open_run(made.place.parent, made.dataset, subject, at_once)
        with run.writing():
            if told["again"]:
                run.forget_failures()
            asyncio.run(ask_missing(subject, run, console))
    return run


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
            side: Half = getattr(found, half)
            told: Measured | None = getattr(side, when)
            if told:
                made.add_row(f"{half} {when}", *_cells(told, side))
    return made


def _cells(told: Measured, side: Half) -> tuple[str, ...]:
    risk = "-" if told.risk is None else f"{told.risk:.3f} ({told.low:.2f}-{told.high:.2f})"
    return (
        f"{told.answered}/{side.samples}",
        risk,
        f"{told.refused}/{side.answerable}",
        f"{told.let_through}/{side.samples - side.answerable}",
    )
