"""Draws the curve of a calibration as PNG."""

from evals.calibration.calibrate import Calibration
from evals.curves import png

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
            style = {"color": CHOSEN, "markerfacecolor": fill, "capsize": 3, "linewidth": 0.8}
            label = f"{name}: {found.threshold} {value:g}"
            axes.errorbar([result.coverage], [result.risk], yerr=spread, fmt="o", label=label, **style)
    axes.set(xlabel="coverage: share of the questions answered", ylabel="risk: share of wrong answers among them")
    axes.set(xlim=(0, 1.02), ylim=(0, 1.02), title=f"{found.label} on {found.dataset}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8)
    return png(figure)
