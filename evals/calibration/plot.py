"""Draws the curve of a calibration as PNG."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from evals.calibration.calibrate import Calibration, HalfResult, ThresholdResult
from graph.errors import ExtraMissing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOTS_PER_INCH = 150
FITTING, REPORTING, CHOSEN = "#9aa5b1", "#1f6feb", "#111111"


def risk_coverage_png(found: Calibration) -> bytes:
    """Risk over coverage on both halves, with the release as it is and as it is calibrated on the reporting half."""
    figure, axes = _canvas("coverage: share of the questions answered", "risk: share of wrong answers among them")
    for name, side, colour in _sides(found):
        points = side.risk_coverage
        area = f", mean {side.aurc:.2f}" if side.aurc is not None else ""
        axes.step(
            _all(points, "coverage"),
            _all(points, "risk"),
            color=colour,
            where="post",
            label=f"{name}, {side.samples} samples{area}",
        )
    for result, fill in ((found.reporting.before, "white"), (found.reporting.after, CHOSEN)):
        if result and result.risk is not None:
            _mark(axes, result, fill, found)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), title=f"{found.label} on {found.dataset}")
    return _png(figure, axes)


def _sides(found: Calibration) -> Sequence[tuple[str, HalfResult, str]]:
    return ("fitting half", found.fitting, FITTING), ("reporting half", found.reporting, REPORTING)


def _mark(axes: "Axes", result: ThresholdResult, fill: str, found: Calibration) -> None:
    """A point with the interval of its risk."""
    after = fill == CHOSEN
    value = found.after if after else found.before
    risk = result.risk or 0.0
    spread = [[risk - result.low], [result.high - risk]]
    axes.errorbar(
        [result.coverage],
        [risk],
        yerr=spread,
        fmt="o",
        color=CHOSEN,
        markerfacecolor=fill,
        capsize=3,
        linewidth=0.8,
        label=f"{'calibrated' if after else 'before'}: {found.threshold} {value:g}",
    )


def _canvas(across: str, upwards: str) -> tuple["Figure", "Axes"]:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ExtraMissing("Drawing the curve needs matplotlib; pip install 'warrant-rag[evals]'.") from error
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.set(xlabel=across, ylabel=upwards)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _all(points: Sequence[dict[str, float]], name: str) -> list[float]:
    return [point[name] for point in points]


def _png(figure: "Figure", axes: "Axes") -> bytes:
    axes.legend(frameon=False, fontsize=8)
    held = BytesIO()
    figure.savefig(held, dpi=DOTS_PER_INCH, format="png", metadata={"Software": None})
    return held.getvalue()
