"""Several runs of one dataset side by side: the means of each metric, what changed from run to run, and a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from evals.curves import png
from evals.errors import RunInvalid
from evals.gate.criteria import MeanInterval, mean_interval
from evals.gate.stats import Levels
from evals.metrics.catalog import METRICS
from evals.report.pairs import ReportedRun
from evals.report.words import figure, title
from evals.runs import check_same_questions

COLUMNS = 3
COLOUR = "#1f6feb"
LEVELS = Levels(0.025, 0.025)
"""Of 95 % intervals."""


@dataclass(frozen=True)
class TrendPoint:
    """A metric's mean in one run, and how it differs from the run before over the samples that both have."""

    mean: MeanInterval
    change: MeanInterval | None

    @property
    def mark(self) -> str:
        """An arrow where the whole interval of the change is on one side of nothing."""
        if self.change is None or self.change.low is None or self.change.high is None:
            return ""
        return " ▲" if self.change.low > 0 else " ▼" if self.change.high < 0 else ""


@dataclass(frozen=True)
class MetricTrend:
    """A metric over the runs, in their order; None where a run has no value."""

    metric: str
    points: tuple[TrendPoint | None, ...]


def trends(runs: Sequence[ReportedRun], metrics: Sequence[str] = ()) -> list[MetricTrend]:
    """The trend of each metric, or of some; raises RunInvalid where the runs are not on the same questions."""
    check_same_questions([(run.info.label, run.info) for run in runs])
    if odd := [name for name in metrics if name not in METRICS]:
        raise RunInvalid(f"There is no metric {odd[0]!r}; there are {', '.join(METRICS)}.")
    before: Sequence[ReportedRun | None] = [None, *runs[:-1]]
    found = [
        MetricTrend(name, tuple(_point(name, run, old) for run, old in zip(runs, before, strict=True)))
        for name in metrics or METRICS
    ]
    return [each for each in found if any(each.points)]


def draw(found: Sequence[MetricTrend], labels: Sequence[str]) -> bytes:
    """The trends as PNG, a small plot for each metric with the intervals of its means."""
    from matplotlib.figure import Figure

    rows = ceil(len(found) / COLUMNS)
    drawing = Figure(figsize=(4 * COLUMNS, 2.4 * rows + 0.6), layout="constrained")
    for place, trend in enumerate(found):
        axes = drawing.add_subplot(rows, COLUMNS, place + 1)
        there = [(at, point.mean) for at, point in enumerate(trend.points) if point]
        values = [mean.value for _, mean in there]
        below = [mean.value - (mean.value if mean.low is None else mean.low) for _, mean in there]
        above = [(mean.value if mean.high is None else mean.high) - mean.value for _, mean in there]
        axes.errorbar([at for at, _ in there], values, yerr=[below, above], fmt="o-", capsize=3, color=COLOUR)
        axes.set_xticks(range(len(labels)), labels, rotation=20, ha="right", fontsize=7)
        metric = METRICS[trend.metric]
        unit = f", {metric.unit}" if metric.unit else ""
        axes.set_title(f"{title(trend.metric)}{unit}{' (lower is better)' if metric.sign < 0 else ''}", fontsize=9)
        axes.set_xlim(-0.4, len(labels) - 0.6)
        axes.spines[["top", "right"]].set_visible(False)
    return png(drawing)


def cell(metric: str, point: TrendPoint | None) -> str:
    """A mean with its interval and the arrow of its change."""
    if point is None:
        return "–"
    mean = point.mean
    spread = "" if mean.low is None else f" ({figure(mean.low, metric)} to {figure(mean.high, metric)})"
    return f"{figure(mean.value, metric)}{spread}{point.mark}"


def _point(name: str, run: ReportedRun, before: ReportedRun | None) -> TrendPoint | None:
    new, old = run.scored.values(name), before.scored.values(name) if before else {}
    own = [sample for sample in run.dataset.samples if sample.id in new]
    both = [sample for sample in own if sample.id in old]
    metric, changes = METRICS[name], [new[sample.id] - old[sample.id] for sample in both]
    mean = mean_interval(metric, own, [new[sample.id] for sample in own], LEVELS)
    change = mean_interval(metric, both, changes, LEVELS, paired=True)
    return TrendPoint(mean, change) if mean else None
