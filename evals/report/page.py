"""report.html: the values of its template, and the samples as its script reads them; pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import evals.report.plots as plots
import evals.report.templates as words
from evals.dataset import Sample
from evals.gate.measures import MeasureComparison
from evals.gate.verdict import Measure
from evals.metrics.catalog import METRICS
from evals.report.contents import EvalReport
from evals.report.curves import LatencyCurve, Points
from evals.report.pairs import SamplePair, status
from evals.report.plots import EDGE, TALL, WIDE, Scale
from evals.report.record import change_record, side_record
from evals.runs import SampleOutcome

COLUMNS = 9
"""Metrics of the table of slices; the others are in report.json."""
PASSAGE = ("id", "document", "file", "title", "section", "page", "start", "end", "text")
CITATION = ("marker", "passage", "file", "title", "page", "start", "end", "quote", "support")
ANSWER = ("text", "reason", "detail", "asked", "repairs", "conflicts", "nearest")

Json = dict[str, Any]


@dataclass(frozen=True)
class ChartLine:
    """A line of a picture, and what stands in the legend for it."""

    path: str
    label: str
    description: str


@dataclass(frozen=True)
class Chart:
    """Curves over two scales."""

    across: Scale
    up: Scale
    curves: tuple[ChartLine, ...]


class PassageTable:
    """Passages, each once."""

    def __init__(self) -> None:
        self.all: list[Json] = []
        self._places: dict[str, int] = {}

    def place(self, passage: Mapping[str, Any]) -> int:
        """Where a passage is."""
        fields = _picked(passage, PASSAGE)
        key = json.dumps(fields, sort_keys=True, default=str)
        if key not in self._places:
            self._places[key] = len(self.all)
            self.all.append(fields)
        return self._places[key]


def render(report: EvalReport) -> str:
    """The whole page."""
    return words.page(
        {
            "report": report,
            "verdict": report.verdict,
            "worst": example(report),
            "groups": plots.forest(report.verdict),
            "metrics": METRICS,
            "scale_of": scale_of,
            "risk": risk_chart(report),
            "latency": latency_chart(report),
            "slices": list(slices(report)),
            "columns": columns(report),
            "gain": gain,
            "status": status,
            "words": words,
            "size": {"row": plots.ROW, "wide": WIDE, "tall": TALL, "edge": EDGE},
            "data": browser_data(report),
        }
    )


def example(report: EvalReport) -> SamplePair | None:
    """The sample that is shown at the top: the worst that failed or got worse; without a champion, the lowest."""
    return next(iter(report.regressions or (() if report.champion else report.pairs)), None)


def scale_of(row: MeasureComparison) -> Scale:
    """The scale of a metric's picture: what it can be, or what was met where that has a unit."""
    metric, measure = METRICS[row.measure.metric], row.measure
    if not metric.unit:
        return Scale(min(0.0, metric.low), metric.high)
    ends = [measure.value, measure.low, measure.high]
    other = [row.champion.value, row.champion.low, row.champion.high] if row.champion else []
    return plots.around([*ends, *other])


def gain(measure: Measure) -> float | None:
    """How much better than the champion a measure is, in its unit."""
    if measure.value is None or measure.champion is None:
        return None
    return METRICS[measure.metric].sign * (measure.value - measure.champion)


def columns(report: EvalReport) -> list[str]:
    """The metrics of the table of slices: those that criteria ask about, then the rest."""
    asked = dict.fromkeys(each.metric for each in report.verdict.findings)
    there = dict.fromkeys(each.metric for each in report.verdict.measures if each.slice)
    return [*(name for name in asked if name in there), *(name for name in there if name not in asked)][:COLUMNS]


def slices(report: EvalReport) -> Iterator[tuple[str, int, dict[str, Measure]]]:
    """Each tag, how many samples have it, and its measures."""
    for tag, many in report.dataset.tags.items():
        yield tag, many, {each.metric: each for each in report.verdict.measures if each.slice == tag}


def risk_chart(report: EvalReport) -> Chart | None:
    """Risk over coverage; None where nothing says what is right or nothing was answered."""
    risks = [risk for risk in report.risks if risk.points]
    if not risks or len(risks) < len(report.risks):
        return None
    common = min(risk.coverage for risk in risks)
    descriptions = [
        f"answers {risk.coverage:.0%} of {risk.samples}, risk {risk.points[-1][1]:.3f} there; "
        f"mean risk up to {common:.0%}: {risk.area(common):.3f}"
        + (f"; left out without a score: {risk.without}" if risk.without else "")
        for risk in risks
    ]
    up = Scale(0, max(y for risk in risks for _, y in risk.points) or 1.0, TALL, flipped=True)
    return _chart(report, [risk.points for risk in risks], Scale(0, 1, WIDE), up, descriptions)


def latency_chart(report: EvalReport) -> Chart | None:
    """The share of answers within a time, up to the 99th percentile; None where no time was taken."""
    spreads = [spread for spread in report.latencies if spread.points]
    if not spreads or len(spreads) < len(report.latencies):
        return None
    end = max(spread.quantiles[99] for spread in spreads) or 1.0
    shown = [tuple((x, y) for x, y in spread.points if x <= end) for spread in spreads]
    across, up = Scale(0, end, WIDE), Scale(0, 1, TALL, flipped=True)
    return _chart(report, shown, across, up, [_quantiles(spread) for spread in spreads])


def _quantiles(spread: LatencyCurve) -> str:
    listed = ", ".join(f"p{each} {value:,.0f} ms" for each, value in spread.quantiles.items())
    return f"{listed} (n {spread.samples})" + (f"; left out without a time: {spread.without}" if spread.without else "")


def _chart(
    report: EvalReport, points: Sequence[Points], across: Scale, up: Scale, descriptions: Sequence[str]
) -> Chart:
    labels = [run.info.label for run in report.runs]
    paths = [plots.line(each, across, up) for each in points]
    return Chart(across, up, tuple(map(ChartLine, paths, labels, descriptions)))


def browser_data(report: EvalReport) -> Json:
    """What the page's list of samples needs."""
    passages = PassageTable()
    paired = report.champion is not None
    samples = [_pair(pair, passages, paired=paired) for pair in report.pairs]
    return {
        "paired": paired,
        "titles": {name: words.title(name) for name in METRICS},
        "units": {name: metric.unit for name, metric in METRICS.items()},
        "order": [sample.id for sample in report.dataset.samples],
        "samples": samples,
        "passages": passages.all,
    }


def _pair(pair: SamplePair, passages: PassageTable, *, paired: bool) -> Json:
    return {
        **_sample(pair.sample),
        "moved": pair.moved,
        "gain": pair.gain,
        "own": pair.own,
        "release": _side(pair.release, passages),
        "champion": _side(pair.champion, passages) if paired else None,
        "scores": [{"metric": change.metric, **change_record(change)} for change in pair.changes],
    }


def _sample(sample: Sample) -> Json:
    fields = sample.model_dump(mode="json", exclude_defaults=True, exclude={"origin", "cluster"})
    filters = {"filters": json.dumps(sample.filters, ensure_ascii=False)} if sample.filters else {}
    return {**fields, **filters}


def _side(outcome: SampleOutcome | None, passages: PassageTable) -> Json:
    answer = (outcome.answer if outcome else None) or {}
    there = outcome.passages if outcome else None
    return {
        **side_record(outcome),
        **_picked(answer, ANSWER),
        "citations": [_picked(each, CITATION) for each in answer.get("citations") or []],
        "passages": None if there is None else [passages.place(each) for each in there],
    }


def _picked(fields: Mapping[str, Any], names: tuple[str, ...]) -> Json:
    """What is there under the names; what is empty is left out."""
    return {name: fields[name] for name in names if fields.get(name) not in (None, "", [], {})}
