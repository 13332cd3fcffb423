"""Chooses from which confidence on a release answers, by what its answers were worth on half a dataset; pure.

Every question was answered whatever its confidence; what any threshold would have done with it follows from that. One
half of the clusters is fitted on, the other is only measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil, inf, log

from evals.calibration.cases import CalibrationCase
from evals.curves import Point, between, risk_coverage
from evals.gate.stats import share_bounds

RUNGS = 10
"""Coverages that are tried, tenths of the largest; each has its share of what may go wrong (Bonferroni)."""


@dataclass(frozen=True)
class ThresholdChoice:
    """A threshold, None where there is none that holds; `why` says what it keeps to, or what is missing."""

    threshold: float | None
    why: str


Aim = Callable[[Sequence[CalibrationCase]], ThresholdChoice]
"""Chooses the threshold on the fitting half."""


def curve(cases: Sequence[CalibrationCase]) -> tuple[Point, ...]:
    """The risk at every coverage."""
    return risk_coverage([case.confidence for case in cases], [not case.right for case in cases])


def in_fitting_half(cluster: str) -> bool:
    """Whether a cluster is in the fitting half: by its name alone, so that it stays there when samples are added."""
    return sha256(f"calibrate {cluster}".encode()).digest()[0] % 2 == 0


def at_risk(target: float, alpha: float) -> Aim:
    """The largest coverage whose risk is at most `target` with the certainty 1 - `alpha`.

    Selection with guaranteed risk (Geifman and El-Yaniv, 2017): a bound over the risk in place of the risk. Their
    bisection misses coverages where the bound goes up and down; here RUNGS coverages, which are fixed before any label
    is looked at, are all tested at `alpha` over their number, as Learn then Test does (Angelopoulos and others, 2021).
    """

    def choose(cases: Sequence[CalibrationCase]) -> ThresholdChoice:
        points = curve(cases)
        tried = rungs(points)
        found = [(point, _bound(cases, point, alpha / len(tried))) for point in tried]
        held = [point for point, bound in found if bound <= target]
        if held:
            why = f"the largest of {len(tried)} coverages whose risk is at most {target:g}, {1 - alpha:.0%} certain"
            return ThresholdChoice(cut(points, held[-1]), why)
        return ThresholdChoice(None, _unreachable(found, target, alpha, len(cases)))

    return choose


def at_coverage(target: float) -> Aim:
    """The highest threshold that answers a share of `target` at least; its risk is whatever it is."""

    def choose(cases: Sequence[CalibrationCase]) -> ThresholdChoice:
        points = curve(cases)
        held = next((point for point in points if point.coverage >= target - 1e-12), None)
        most = points[-1].coverage if points else 0.0
        if held is None:
            return ThresholdChoice(
                None, f"a coverage of {target:g} cannot be reached: at no threshold more than {most:.3f}"
            )
        return ThresholdChoice(cut(points, held), f"the highest threshold that answers {target:g} of the questions")

    return choose


def at_cost(wrong: float, declined: float) -> Aim:
    """The least cost, where a wrong answer costs `wrong` and declining an answerable question `declined` (Chow, 1970).

    Of thresholds that cost the same, the one that answers most.
    """

    def choose(cases: Sequence[CalibrationCase]) -> ThresholdChoice:
        points = curve(cases)
        costs = [point.wrong * wrong + refused(cases, point.threshold) * declined for point in points]
        none = sum(case.answerable for case in cases) * declined
        why = f"the least cost at {wrong:g} for a wrong answer and {declined:g} for a needless refusal"
        if not points or none < min(costs):
            return ThresholdChoice(1.0, f"{why}: declining everything")
        best = max(place for place, cost in enumerate(costs) if cost <= min(costs) + 1e-12)
        return ThresholdChoice(cut(points, points[best]), why)

    return choose


def rungs(points: Sequence[Point]) -> list[Point]:
    """Of the points those that are nearest above each tenth of the largest coverage, the smallest first."""
    most = points[-1].answered if points else 0
    wanted = [ceil(most * rung / RUNGS) for rung in range(1, RUNGS + 1)]
    found = [next(point for point in points if point.answered >= least) for least in wanted if points]
    return list(dict.fromkeys(found))


def cut(points: Sequence[Point], chosen: Point) -> float:
    """A threshold that answers what a point answers, and nothing below it: half way to the next confidence."""
    below = next((point.threshold for point in points if point.threshold < chosen.threshold), None)
    return between(max(0.0, chosen.threshold - 0.01) if below is None else below, chosen.threshold)


def refused(cases: Sequence[CalibrationCase], threshold: float) -> int:
    """How many answerable questions a threshold declines."""
    return sum(case.answerable and case.confidence < threshold for case in cases)


def _bound(cases: Sequence[CalibrationCase], point: Point, alpha: float) -> float:
    inside = [case for case in cases if case.confidence >= point.threshold]
    return share_bounds([not case.right for case in inside], [case.cluster for case in inside], alpha).high


def _unreachable(found: Sequence[tuple[Point, float]], target: float, alpha: float, samples: int) -> str:
    """What was reached instead, and how many answers would be the least to show it."""
    problem = f"a risk of {target:g} cannot be reached with {samples} samples"
    if not found:
        return f"{problem}: none was answered"
    point, bound = min(found, key=lambda pair: pair[1])
    least = ceil(log(alpha / RUNGS) / log(1 - target)) if 0 < target < 1 else inf
    return (
        f"{problem}: nearest comes a coverage of {point.coverage:.2f}, where {point.wrong} of {point.answered} answers "
        f"are wrong and the risk may be {bound:.2f}; to show {target:g} takes {least} answers of which none is wrong"
    )
