"""Several runs of one dataset side by side: the means of each metric, what changed from run to run, and a picture."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import pairwise
from math import ceil

from evals.errors import RunInvalid
from evals.gate.criteria import measure
from evals.gate.stats import Levels
from evals.gate.verdict import Measure
from evals.metrics.catalog import METRICS, figure, span, title
from evals.report.contents import ReportedRun
from evals.runs import check_same_questions

COLUMNS = 3
COLOUR = "#1f6feb"
LEVELS = Levels(0.025, 0.025)
"""Of 95 % intervals."""


def trends(runs: Sequence[ReportedRun], metrics: Sequence[str] = ()) -> dict[str, list[Measure]]:
    """Each metric, or some, over the runs in their order, each beside the run before.

    Raises RunInvalid where the runs are not on the same questions.
    """
    check_same_questions([(run.info.label, run.info) for run in runs])
    if odd := [name for name in metrics if name not in METRICS]:
        raise RunInvalid(f"There is no metric {odd[0]!r}; there are {', '.join(METRICS)}.")
    samples, pairs = runs[0].dataset.samples, list(pairwise([None, *(run.scored for run in runs)]))
    found = {
        name: [measure(METRICS[name], samples, side, before, LEVELS) for before, side in pairs if side]
        for name in metrics or METRICS
    }
    return {name: points for name, points in found.items() if any(point.mean for point in points)}


def draw(found: Mapping[str, Sequence[Measure]], labels: Sequence[str]) -> bytes:
    """The trends as PNG, a small plot for each metric with the intervals of its means."""
    from matplotlib.figure import Figure

    rows = ceil(len(found) / COLUMNS)
    drawing = Figure(figsize=(4 * COLUMNS, 2.4 * rows + 0.6), layout="constrained")
    for place, (name, points) in enumerate(found.items()):
        axes = drawing.add_subplot(rows, COLUMNS, place + 1)
        there = [(at, point.mean) for at, point in enumerate(points) if point.mean]
        values = [mean.value for _, mean in there]
        below = [mean.value - (mean.value if mean.low is None else mean.low) for _, mean in there]
        above = [(mean.value if mean.high is None else mean.high) - mean.value for _, mean in there]
        axes.errorbar([at for at, _ in there], values, yerr=[below, above], fmt="o-", capsize=3, color=COLOUR)
        axes.set_xticks(range(len(labels)), labels, rotation=20, ha="right", fontsize=7)
        metric, words = METRICS[name], title(name)
        unit = "" if words.endswith(metric.unit) else f", {metric.unit}"
        axes.set_title(f"{words}{unit}{' (lower is better)' if metric.sign < 0 else ''}", fontsize=9)
        axes.set_xlim(-0.4, len(labels) - 0.6)
        axes.spines[["top", "right"]].set_visible(False)
    held = BytesIO()
    drawing.savefig(held, dpi=150, format="png", metadata={"Software": None})
    return held.getvalue()


def cell(point: Measure) -> str:
    """A mean with its interval, and an arrow where the whole interval of the change is on one side of nothing."""
    mean, change = point.mean, point.difference
    if mean is None:
        return "–"
    spread = "" if mean.low is None else f" ({span(mean.low, mean.high, point.metric)})"
    up, down = change and (change.low or 0) > 0, change and (change.high or 0) < 0
    return f"{figure(mean.value, point.metric)}{spread}{' ▲' if up else ' ▼' if down else ''}"
