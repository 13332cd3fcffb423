"""Where the lines, points and ticks of a report's pictures are; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from evals.gate.verdict import CriterionResult, Verdict
from evals.metrics.catalog import METRICS
from evals.report.curves import Points

ROW, TALL = 240.0, 220.0
"""Width of a row's picture, height of a curve's."""
WIDE = 420.0
EDGE = 8.0


@dataclass(frozen=True)
class Scale:
    """From values to places on a line `length` long, with room at both ends; the other way round if `flipped`."""

    low: float
    high: float
    length: float = ROW
    flipped: bool = False

    def at(self, value: float) -> float:
        """The place of a value; beyond the ends, the end."""
        share = min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
        share = 1 - share if self.flipped else share
        return round(EDGE + share * (self.length - 2 * EDGE), 1)

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
    """A criterion with its picture's scale, and what the champion has; `zero` where a difference is none."""

    finding: CriterionResult
    scale: Scale
    champion: float | None

    @property
    def limit(self) -> float:
        """Where the bound lies."""
        if self.finding.kind != "margin":
            return self.finding.bound
        return -self.sign * self.finding.bound

    @property
    def sign(self) -> int:
        """Which way is better."""
        return METRICS[self.finding.metric].sign

    @property
    def forbidden(self) -> tuple[float, float]:
        """Place and width of where the mean must not be."""
        line, start, end = self.scale.at(self.limit), 0.0, ROW
        return (start, line - start) if self.sign > 0 else (line, end - line)


@dataclass(frozen=True)
class CriterionGroup:
    """Criteria whose pictures share a scale, which is drawn once over them."""

    name: str
    scale: Scale
    rows: tuple[CriterionRow, ...]


def forest(verdict: Verdict) -> list[CriterionGroup]:
    """The criteria as a forest plot: means against floors, differences against margins, what has a unit by itself."""
    groups: dict[tuple[str, str], list[CriterionResult]] = {}
    for each in verdict.findings:
        unit = METRICS[each.metric].unit
        name = "Against the champion" if each.kind == "margin" else "Floors and ceilings"
        groups.setdefault((name, unit), []).append(each)
    champions = {(each.metric, each.slice): each.champion for each in verdict.measures}
    return [
        _group(f"{name}, in {unit}" if unit else name, findings, champions)
        for (name, unit), findings in sorted(groups.items(), key=lambda group: group[0][::-1])
    ]


def _group(
    name: str, findings: Sequence[CriterionResult], champions: dict[tuple[str, str], float | None]
) -> CriterionGroup:
    rows = [CriterionRow(each, Scale(0, 1), champions.get((each.metric, each.slice))) for each in findings]
    ends = [end for row in rows for end in (row.limit, row.finding.low, row.finding.high, row.finding.value)]
    margin = findings[0].kind == "margin"
    scale = around([*ends, *([0.0] if margin else [row.champion for row in rows])])
    return CriterionGroup(name, scale, tuple(CriterionRow(row.finding, scale, row.champion) for row in rows))


def around(values: Iterable[float | None], length: float = ROW) -> Scale:
    """A scale that holds the values that there are."""
    there = [value for value in values if value is not None]
    low, high = (min(there), max(there)) if there else (0.0, 1.0)
    room = (high - low) * 0.04 or abs(high) * 0.1 or 1.0
    return Scale(low - room, high + room, length)


def line(points: Points, across: Scale, up: Scale) -> str:
    """A curve straight from point to point, as an SVG path."""
    return "M" + "L".join(f"{across.at(x)},{up.at(y)}" for x, y in points) if points else ""
