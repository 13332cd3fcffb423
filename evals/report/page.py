"""report.html: what the template is filled with; pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evals.gating.verdict import Measure
from evals.metrics.known import METRICS
from evals.report import pictures, wording
from evals.report.browsing import browsing
from evals.report.contents import Report
from evals.report.curves import Points, Spread
from evals.report.figures import Beside
from evals.report.pairs import Pair, status
from evals.report.pictures import EDGE, TALL, WIDE, Scale
from evals.report.templates import page

COLUMNS = 9
"""Metrics of the table of slices; the others are in report.json."""


@dataclass(frozen=True)
class Curve:
    """A line of a picture, and what stands in the legend for it."""

    path: str
    label: str
    told: str


@dataclass(frozen=True)
class Picture:
    """Curves over two scales."""

    across: Scale
    up: Scale
    curves: tuple[Curve, ...]


def render(report: Report) -> str:
    """The whole page."""
    return page(
        {
            "report": report,
            "verdict": report.verdict,
            "worst": example(report),
            "groups": pictures.forest(report.verdict),
            "metrics": METRICS,
            "scale_of": scale_of,
            "risk": risk_picture(report),
            "latency": latency_picture(report),
            "slices": list(slices(report)),
            "columns": columns(report),
            "gain": gain,
            "status": status,
            "words": wording,
            "size": {"row": pictures.ROW, "wide": WIDE, "tall": TALL, "edge": EDGE},
            "data": browsing(report),
        }
    )


def example(report: Report) -> Pair | None:
    """The sample that is shown at the top: the worst that failed or got worse; without a champion, the lowest."""
    return next(iter(report.regressions or (() if report.champion else report.pairs)), None)


def scale_of(row: Beside) -> Scale:
    """The scale of a metric's picture: what it can be, or what was met where that has a unit."""
    metric, told = METRICS[row.measure.metric], row.measure
    if not metric.unit:
        return Scale(min(0.0, metric.low), metric.high)
    ends = [told.value, told.low, told.high]
    other = [row.champion.value, row.champion.low, row.champion.high] if row.champion else []
    return pictures.around([*ends, *other])


def gain(measure: Measure) -> float | None:
    """How much better than the champion a measure is, in its unit."""
    if measure.value is None or measure.champion is None:
        return None
    found = measure.value - measure.champion
    return found if METRICS[measure.metric].better == "higher" else -found


def columns(report: Report) -> list[str]:
    """The metrics of the table of slices: those that criteria ask about, then the rest."""
    asked = dict.fromkeys(each.metric for each in report.verdict.findings)
    there = dict.fromkeys(each.metric for each in report.verdict.measures if each.slice)
    return [*(name for name in asked if name in there), *(name for name in there if name not in asked)][:COLUMNS]


def slices(report: Report) -> Iterator[tuple[str, int, dict[str, Measure]]]:
    """Each tag, how many samples have it, and its measures."""
    for tag, many in report.dataset.tags.items():
        yield tag, many, {each.metric: each for each in report.verdict.measures if each.slice == tag}


def risk_picture(report: Report) -> Picture | None:
    """Risk over coverage; None where nothing says what is right or nothing was answered."""
    risks = [risk for risk in report.risks if risk.points]
    if not risks or len(risks) < len(report.risks):
        return None
    common = min(risk.coverage for risk in risks)
    told = [
        f"answers {risk.coverage:.0%} of {risk.samples}, risk {risk.points[-1][1]:.3f} there; "
        f"mean risk up to {common:.0%}: {risk.area(common):.3f}"
        + (f"; left out without a score: {risk.without}" if risk.without else "")
        for risk in risks
    ]
    up = Scale(0, max(y for risk in risks for _, y in risk.points) or 1.0, TALL, flipped=True)
    return _picture(report, [risk.points for risk in risks], Scale(0, 1, WIDE), up, told)


def latency_picture(report: Report) -> Picture | None:
    """The share of answers within a time, up to the 99th percentile; None where no time was taken."""
    spreads = [spread for spread in report.latencies if spread.points]
    if not spreads or len(spreads) < len(report.latencies):
        return None
    end = max(spread.quantiles[99] for spread in spreads) or 1.0
    shown = [tuple((x, y) for x, y in spread.points if x <= end) for spread in spreads]
    across, up = Scale(0, end, WIDE), Scale(0, 1, TALL, flipped=True)
    return _picture(report, shown, across, up, [_quantiles(spread) for spread in spreads])


def _quantiles(spread: Spread) -> str:
    told = ", ".join(f"p{each} {value:,.0f} ms" for each, value in spread.quantiles.items())
    return f"{told} (n {spread.samples})" + (f"; left out without a time: {spread.without}" if spread.without else "")


def _picture(report: Report, points: Sequence[Points], across: Scale, up: Scale, told: Sequence[str]) -> Picture:
    labels = [side.judged.label for side in report.sides]
    paths = [pictures.line(each, across, up) for each in points]
    return Picture(across, up, tuple(map(Curve, paths, labels, told)))
