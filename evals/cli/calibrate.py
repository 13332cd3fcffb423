"""warrant eval calibrate: the threshold of a release, chosen on one half of a dataset and measured on the other."""

import sys
from io import StringIO
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from evals.api import ask_releases
from evals.calibration import Calibration, calibrate, threshold_of, with_threshold
from evals.cli import FILE, FOLDER
from evals.errors import RunInvalid
from evals.report.curves import png
from evals.runner import packed
from evals.runs import EvalRun
from graph.cli.options import settings_with, takes
from graph.cli.terminal import Terminal, echo
from graph.errors import ReleaseInvalid
from graph.files import write_whole
from graph.release import Release
from graph.release_yaml import load_release, parse_release
from graph.settings import Settings

LONGEST, ENDING = 63, "-calibrated"
"""Characters of a release's name, and how that of a calibrated one ends."""


@click.command("calibrate")
@click.argument("run", type=FOLDER)
@takes("index", "release")
@click.option("--out", type=FILE, help="[default: RUN/calibration/release.yaml]")
@click.option(
    "--target-risk",
    type=click.FloatRange(0, 1),
    default=0.2,
    show_default=True,
    help="The largest share of wrong answers.",
)
def command(
    run: Path,
    index: Path | None,
    release: Path | None,
    out: Path | None,
    target_risk: float,
) -> None:
    """Choose routing.answer_from for the release that a RUN asked, or routing.read_from where a model reads.

    Asks the same release once more, with nothing declined for its confidence; an interrupted run is resumed. Writes
    a new release.yaml, and calibration.json and a picture beside it. Exit code 1: no threshold holds; then there is no
    new release.
    """
    settings, own = settings_with(index=index, release=release), EvalRun(run)
    place = out or run / "calibration" / "release.yaml"
    if settings.release and place.resolve() == settings.release.resolve():
        raise click.UsageError(f"--out is the release that is calibrated, {place}; name another file.")
    forced_run = _ask_forced(own, settings)
    found = _write(calibrate(own, load_release(settings.release), forced_run, target_risk), settings.release, place)
    show(found, Terminal())
    if not found.after_label:
        Terminal(stderr=True).print("There is no new release.")
        sys.exit(1)
    echo(place)


def _ask_forced(own: EvalRun, settings: Settings) -> EvalRun:
    """The forced run, complete, beside the release's own; raises RunInvalid when that is of another release."""
    release, info = load_release(settings.release), own.info
    with packed(release, settings.index) as package:
        if package.digest != info.release:
            raise RunInvalid(
                f"{own.path} asked {info.label} ({info.release[:12]}); this release, code and Snapshot are "
                f"{package.label} ({package.digest[:12]}). Give the --release and --index of the run, or run again."
            )
    with packed(with_threshold(release, 0.0), settings.index) as package:
        return ask_releases([package], own.dataset, own.path.parent)[0]


def _write(found: Calibration, old: Path | None, place: Path) -> Calibration:
    """The files, the release last; an earlier calibration's release is taken away first where none holds now."""
    release, new = load_release(old), None
    place.parent.mkdir(parents=True, exist_ok=True)
    if found.after is None:
        place.unlink(missing_ok=True)
    else:
        wanted = calibrated(release, found.after)
        new = rewritten(old.read_bytes().decode() if old else "", wanted, str(old or place))
        found = found.model_copy(update={"after_label": wanted.label})
    write_whole(place.with_name("risk-coverage.png"), risk_coverage_png(found))
    write_whole(place.with_name("calibration.json"), found.model_dump_json(indent=1) + "\n")
    if new is not None:
        write_whole(place, new)
    return found


def calibrated(release: Release, threshold: float) -> Release:
    """The release with its new threshold, and a name that says so."""
    name = f"{release.name.removesuffix(ENDING)[: LONGEST - len(ENDING)]}{ENDING}"
    return with_threshold(release, threshold).model_copy(update={"name": name})


def rewritten(text: str, wanted: Release, where: str) -> str:
    """A release.yaml with the name and the threshold of `wanted`; its comments, order and style stay.

    Raises ReleaseInvalid where it is no release, or has aliases.
    """
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 10_000  # Lines are never folded.
    fields, comments = yaml.load(text), ""
    if fields is None:
        fields, comments = {}, text if not text or text.endswith("\n") else f"{text}\n"
    threshold = threshold_of(wanted)
    fields["name"] = wanted.name
    fields.setdefault("routing", {})[threshold] = getattr(wanted.routing, threshold)
    written = StringIO()
    yaml.dump(fields, written)
    new = comments + written.getvalue()
    if parse_release(new, where) != wanted:
        raise ReleaseInvalid(f"{where}: name and routing cannot be changed in place; write them as plain fields.")
    return new


def show(found: Calibration, console: Console) -> None:
    """What was chosen, and what each half comes to as the release is and as it is calibrated."""
    after = "none holds" if found.after is None else f"{found.after:g}"
    for line in (
        f"{found.label} on {found.dataset}",
        f"  {found.threshold}: before {found.before:g}, after {after}",
        f"  {found.why}",
        f"  as in the release's own run: the declining of {found.agreed} of "
        f"{found.fitting.samples + found.reporting.samples} samples; {len(found.left_out)} are left out",
    ):
        console.print(line, highlight=False, markup=False)
    table = Table("", "answered", "risk", "refused", "let through", box=None, padding=(0, 1, 0, 0))
    for name, half in (("fitting", found.fitting), ("reporting", found.reporting)):
        for when, result in (("before", half.before), ("after", half.after)):
            if result:
                table.add_row(
                    f"{name} {when}",
                    f"{result.answered}/{half.samples}",
                    "-" if result.risk is None else f"{result.risk:.3f} ({result.low:.2f}-{result.high:.2f})",
                    f"{result.refused}/{half.answerable}",
                    f"{result.let_through}/{half.samples - half.answerable}",
                )
    console.print(table)


COLOURS = {"fitting": "#9aa5b1", "reporting": "#1f6feb"}
CHOSEN = "#111111"


def risk_coverage_png(found: Calibration) -> bytes:
    """Risk over coverage on both halves, with the release as it is and as it is calibrated on the reporting half."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    for name, colour in COLOURS.items():
        half = getattr(found, name)
        area = f", mean {half.aurc:.2f}" if half.aurc is not None else ""
        xs, ys = ([point[field] for point in half.risk_coverage] for field in ("coverage", "risk"))
        axes.step(xs, ys, color=colour, where="post", label=f"{name} half, {half.samples} samples{area}")
    for result, name, value, fill in (
        (found.reporting.before, "before", found.before, "white"),
        (found.reporting.after, "calibrated", found.after, CHOSEN),
    ):
        if result and result.risk is not None:
            spread = [[result.risk - result.low], [result.high - result.risk]]
            style: dict[str, Any] = {"color": CHOSEN, "markerfacecolor": fill, "capsize": 3, "linewidth": 0.8}
            label = f"{name}: {found.threshold} {value:g}"
            axes.errorbar([result.coverage], [result.risk], yerr=spread, fmt="o", label=label, **style)
    axes.set(xlabel="coverage: share of the questions answered", ylabel="risk: share of wrong answers among them")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), title=f"{found.label} on {found.dataset}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    return png(figure)
