"""report.html: the values of its template, where lines of its pictures are, and the samples that its script lists."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

from evals.gate.verdict import CriterionResult, Measure, Verdict
from evals.metrics.catalog import METRICS, title
from evals.report.contents import EvalReport, MetricChange, SamplePair, status
from evals.report.words import ORDER, TEMPLATES, policy, render
from evals.runs import SampleOutcome

Json = dict[str, Any]
COLUMNS = 9
"""Metrics of the table of slices; the others are in verdict.json."""
PASSAGE = ("id", "document", "file", "title", "section", "page", "start", "end", "text")
CITATION = ("marker", "passage", "file", "title", "page", "start", "end", "quote", "support")
ANSWER = ("text", "confidence", "route", "rung", "reason", "detail", "repairs", "conflicts", "nearest")
ROW, EDGE = 240.0, 8.0
"""Width of a criterion's picture, and its margin."""


@dataclass(frozen=True)
class Scale:
    """From values to places on a line, with room at both ends."""

    low: float
    high: float

    @classmethod
    def around(cls, values: Iterable[float | None]) -> "Scale":
        """A scale that holds the values that there are."""
        there = [value for value in values if value is not None] or [0.0, 1.0]
        low, high = min(there), max(there)
        room = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
        return cls(low - room, high + room)

    def at(self, value: float) -> float:
        """The place of a value; beyond the ends, the end."""
        share = min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
        return round(EDGE + share * (ROW - 2 * EDGE), 1)

    @property
    def ticks(self) -> list[float]:
        """Round values from end to end, some four of them."""
        rough = (self.high - self.low) / 4
        power = 10 ** floor(log10(rough))
        step = next(power * each for each in (1, 2, 5, 10) if power * each >= rough * 0.7)
        first = ceil(self.low / step - 1e-9)
        return [round(place * step, 10) for place in range(first, floor(self.high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class CriterionRow:
    """A criterion, what the champion has, and the scale of its picture, which its group shares."""

    finding: CriterionResult
    champion: float | None
    scale: Scale = Scale(0, 1)

    @property
    def limit(self) -> float:
        """Where the bound lies."""
        found = self.finding
        return -METRICS[found.metric].sign * found.bound if found.kind == "margin" else found.bound

    @property
    def forbidden(self) -> tuple[float, float]:
        """Place and width of where the mean must not be."""
        line = self.scale.at(self.limit)
        return (0.0, line) if METRICS[self.finding.metric].sign > 0 else (line, ROW - line)

    @property
    def ends(self) -> list[float | None]:
        """What its picture has to hold."""
        found = self.finding
        return [self.limit, found.low, found.high, found.value, 0.0 if found.kind == "margin" else self.champion]


def forest(verdict: Verdict) -> list[tuple[str, Scale, list[CriterionRow]]]:
    """The criteria as a forest plot: means against floors, differences against margins, what has a unit by itself."""
    champions = verdict.champion_means
    groups: dict[tuple[str, str], list[CriterionRow]] = {}
    for each in verdict.findings:
        kind = "Against the champion" if each.kind == "margin" else "Floors and ceilings"
        row = CriterionRow(each, champions.get((each.metric, each.slice)))
        groups.setdefault((METRICS[each.metric].unit, kind), []).append(row)
    found = []
    for (unit, kind), rows in groups.items():
        scale = Scale.around(end for row in rows for end in row.ends)
        scaled = [CriterionRow(row.finding, row.champion, scale) for row in sorted(rows, key=_urgency)]
        found.append((f"{kind}, in {unit}" if unit else kind, scale, scaled))
    return sorted(found, key=lambda group: (_urgency(group[2][0]), group[0]))


def _urgency(row: CriterionRow) -> int:
    """What is missed comes first, and then what is not settled."""
    return ORDER.index(row.finding.says)


def page(report: EvalReport) -> str:
    """The whole page, with its style, its script and the policy that lets no other run."""
    style, script = ((TEMPLATES / name).read_text("utf-8") for name in ("page.css", "page.js"))
    return render(
        "page.html",
        {
            "report": report,
            "verdict": report.verdict,
            # The worst sample that failed or got worse; without a champion, the lowest.
            "worst": next(iter(report.regressions or (() if report.champion else report.pairs)), None),
            "groups": forest(report.verdict),
            "metrics": METRICS,
            "slices": list(slices(report)),
            "columns": columns(report),
            "gain": gain,
            "width": ROW,
            "data": browser_data(report),
            "style": style,
            "script": script,
            "policy": policy(style, script),
        },
    )


def gain(measure: Measure) -> float | None:
    """How much better than the champion a measure is, in its unit."""
    return METRICS[measure.metric].sign * measure.difference.value if measure.difference else None


def columns(report: EvalReport) -> list[str]:
    """The metrics of the table of slices: those that criteria ask about, then the rest."""
    there = dict.fromkeys(each.metric for each in report.verdict.measures if each.slice)
    asked = {each.metric: True for each in report.verdict.findings if each.metric in there}
    return [*asked, *(name for name in there if name not in asked)][:COLUMNS]


def slices(report: EvalReport) -> Iterator[tuple[str, int, dict[str, Measure]]]:
    """Each tag, how many samples have it, and its measures."""
    for tag, many in report.dataset.tags.items():
        yield tag, many, {each.metric: each for each in report.verdict.measures if each.slice == tag}


def browser_data(report: EvalReport) -> Json:
    """What the page's list of samples needs; passages stand there once each."""
    passages: dict[str, int] = {}
    return {
        "paired": report.champion is not None,
        "titles": {name: title(name) for name in METRICS},
        "units": {name: metric.unit for name, metric in METRICS.items()},
        "order": [sample.id for sample in report.dataset.samples],
        "samples": [_pair(pair, passages, paired=report.champion is not None) for pair in report.pairs],
        "passages": [json.loads(text) for text in passages],
    }


def _pair(pair: SamplePair, passages: dict[str, int], *, paired: bool) -> Json:
    sample = pair.sample.model_dump(mode="json", exclude_defaults=True, exclude={"origin", "cluster"})
    if pair.sample.filters:
        sample["filters"] = json.dumps(pair.sample.filters, ensure_ascii=False)
    return {
        **sample,
        "moved": pair.moved,
        "gain": pair.gain,
        "own": pair.own,
        "scores": {change.metric: _change(change) for change in pair.changes},
        "release": _side(pair.release, passages),
        "champion": _side(pair.champion, passages) if paired else None,
    }


def _change(change: MetricChange) -> Json:
    """The values of both sides, or why there are none."""
    found: Json = {"gain": change.gain}
    for name, why, score in (("release", "why", change.release), ("champion", "champion_why", change.champion)):
        found |= {name: score.value, why: score.reason} if score else {}
    return _picked(found, tuple(found))


def _side(outcome: SampleOutcome | None, passages: dict[str, int]) -> Json:
    answer = (outcome.answer if outcome else None) or {}
    there = outcome.passages if outcome else None
    texts = [json.dumps(_picked(each, PASSAGE), sort_keys=True, default=str) for each in there or ()]
    told = {"seconds": outcome.seconds, "trouble": str(outcome.trouble or "")} if outcome else {}
    return {
        "status": status(outcome),
        **_picked({**answer, **told}, (*ANSWER, *told)),
        "citations": [_picked(each, CITATION) for each in answer.get("citations") or []],
        "passages": None if there is None else [passages.setdefault(text, len(passages)) for text in texts],
    }


def _picked(fields: Mapping[str, Any], names: tuple[str, ...]) -> Json:
    """What is there under the names; what is empty is left out."""
    return {name: fields[name] for name in names if fields.get(name) not in (None, "", [], {})}
