"""warrant eval calibrate: thresholds for a release, chosen on one half of a dataset and measured on the other."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from evals.calibration.calibrate import ALWAYS, NEVER, Wanted, calibrate, forced
from evals.calibration.calibrated import Calibration, Half, Measured
from evals.calibration.choosing import Aim, at_cost, at_coverage, at_risk
from evals.calibration.drawing import cost_quality_png, risk_coverage_png
from evals.calibration.rewriting import rewritten, with_fields
from evals.commands.asked import ask_missing
from evals.errors import RunInvalid
from evals.runs import Run, open_run
from evals.subjects import packed
from graph.commands.options import settings_with, takes
from graph.commands.terminal import Terminal, echo
from graph.files import write_whole
from graph.release import Release, load_release
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
@click.option("--margin", type=SHARE, default=0.05, show_default=True, help="Quality that routing may fall short by.")
@click.option("--name", help="The new release's name. [default: the old one's with -calibrated]")
@click.option("--at-once", type=click.IntRange(1, 64), default=4, show_default=True, help="Samples asked at a time.")
@click.option("--again", is_flag=True, help="Ask those again that failed.")
def command(run: Path, index: Path | None, release: Path | None, out: Path | None, **told: object) -> None:
    """Choose routing.answer_from and routing.complex_from for the release that a RUN asked.

    Asks the same release twice more, with every question simple and with every question complex, none declined; a run
    that was broken off goes on. Writes a new release.yaml, and calibration.json and two pictures beside it. Exit code
    1: no threshold holds; then there is no new release.
    """
    console, wanted = Terminal(stderr=True), _wanted(told)
    settings, made = settings_with(index=index, release=release), Run(run)
    place = out or run / "calibration" / "release.yaml"
    if settings.release and place.resolve() == settings.release.resolve():
        raise click.UsageError(f"--out is the release that is calibrated, {place}; name another file.")
    routes = _asked(made, settings, console, told)
    found = calibrate(made, load_release(settings.release), routes, wanted, settings.prices)
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
    certainty, margin = float(str(told["certainty"])), float(str(told["margin"]))
    aim, words = _aim(given[0] if given else "target_risk", told, 1 - certainty)
    return Wanted(aim, words, certainty, margin)


def _aim(name: str, told: dict[str, object], alpha: float) -> tuple[Aim, str]:
    value = float(str(told[name])) if told[name] is not None else 0.2
    if name == "target_coverage":
        return at_coverage(value), f"a coverage of {value:g}"
    if name == "cost_per_wrong":
        refusal = float(str(told["cost_per_refusal"] if told["cost_per_refusal"] is not None else 1))
        return at_cost(value, refusal), f"the least cost at {value:g} for a wrong answer and {refusal:g} for a refusal"
    return at_risk(value, alpha), f"a risk of {value:g}"


def _asked(made: Run, settings: Settings, console: Console, told: dict[str, object]) -> tuple[Run, Run]:
    """The two forced runs, complete; raises RunInvalid when the run is of another release."""
    release, at_once = load_release(settings.release), int(str(told["at_once"]))
    keep_no_answers()
    with packed(release, settings.index) as subject:
        if subject.digest != made.about.release:
            raise RunInvalid(
                f"{made.place} asked {made.about.label} ({made.about.release[:12]}); this release, code and Snapshot "
                f"are {subject.label} ({subject.digest[:12]}). Give the --release and --index of the run, or run again."
            )
    asking = Asking(made, settings, console, at_once, again=bool(told["again"]))
    simple = asking.of(forced(release, NEVER), "Asking 1 of 2, all simple")
    return simple, asking.of(forced(release, ALWAYS), "Asking 2 of 2, all complex")


@dataclass(frozen=True)
class Asking:
    """Asks variants of the release that a run asked what that run asked."""

    made: Run
    settings: Settings
    console: Console
    at_once: int
    again: bool

    def of(self, release: Release, words: str) -> Run:
        """The whole run of a variant, beside the release's own."""
        with packed(release, self.settings.index) as subject:
            run = open_run(self.made.place.parent, self.made.dataset, subject, self.at_once)
            with run.writing():
                if self.again:
                    run.forget_failures()
                asyncio.run(ask_missing(subject, run, self.console, words))
        return run


def _write(found: Calibration, old: Path | None, place: Path, name: str) -> Calibration:
    """The files, the release last; an earlier calibration's release is taken away first where none holds now."""
    text = old.read_bytes().decode() if old else ""
    place.parent.mkdir(parents=True, exist_ok=True)
    new = None
    if found.after.answer_from is not None:
        changes = {"name": name or _renamed(load_release(old).name), "routing": found.after.model_dump()}
        new = rewritten(text, changes, str(old or place))
        found = found.model_copy(update={"after_label": with_fields(load_release(old), changes).label})
    else:
        place.unlink(missing_ok=True)
    write_whole(place.with_name("risk-coverage.png"), risk_coverage_png(found))
    write_whole(place.with_name("cost-quality.png"), cost_quality_png(found))
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
    for told in ("before", "after"):
        both = getattr(found, told)
        least = "none holds" if both.answer_from is None else f"{both.answer_from:g}"
        console.print(f"  {told}: answer_from {least}, complex_from {both.complex_from:g}", highlight=False)
    console.print(f"  {found.why}", highlight=False, markup=False)
    console.print(
        f"  as in the release's own run: the route of {agreed.route} and the declining of {agreed.declined} of "
        f"{agreed.samples} samples; {left} are left out",
        highlight=False,
    )
    console.print(table(found))


def table(found: Calibration) -> Table:
    """What each half comes to; `right` and the cost are those of routing alone, with every question answered."""
    names = ("", "answered", "risk", "refused", "let through", "right", found.cost_unit)
    made = Table(*names, box=None, padding=(0, 1, 0, 0))
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
        f"{told.quality:.3f}",
        f"{told.cost:.3g}",
    )
