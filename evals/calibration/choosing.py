"""Chooses from which confidence on a release answers, by what its answers were worth on half a dataset; pure.

Every question was answered on both routes, whatever its confidence; what any pair of thresholds would have done with it
follows from that. One half of the clusters is fitted on, the other is only measured.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil, inf, log

from evals.calibration.curves import Point, area, between, bounds, risk_coverage

RUNGS = 10
"""Coverages that are tried, tenths of the largest; each has its share of what may go wrong (Bonferroni)."""


@dataclass(frozen=True)
class Told:
    """What one route made of a sample; a confidence of minus infinity where it gave no answer at any threshold."""

    confidence: float
    right: bool
    cost: float


@dataclass(frozen=True)
class Case:
    """A sample on both routes, and the probability by which the router parts them."""

    sample: str
    cluster: str
    answerable: bool
    complexity: float
    simple: Told
    whole: Told

    def on(self, complex_from: float) -> Told:
        """What becomes of it under a routing threshold."""
        return self.whole if self.complexity >= complex_from else self.simple


@dataclass(frozen=True)
class Choice:
    """A threshold, None where there is none that holds; `why` says what it keeps to, or what is missing."""

    threshold: float | None
    why: str


@dataclass(frozen=True)
class Route:
    """A half of the cases under one routing threshold: how sure it is of each, and whether it would be wrong."""

    confidences: list[float]
    wrong: list[bool]
    clusters: list[str]
    answerable: list[bool]

    @property
    def points(self) -> tuple[Point, ...]:
        """Its risk at every coverage."""
        return risk_coverage(self.confidences, self.wrong)


Aim = Callable[[Route], Choice]
"""Chooses `answer_from` on the fitting half."""


def fits(cluster: str) -> bool:
    """Whether a cluster is in the fitting half: by its name alone, so that it stays there when samples are added."""
    return sha256(f"calibrate {cluster}".encode()).digest()[0] % 2 == 0


def routed(cases: Sequence[Case], complex_from: float) -> Route:
    """Cases as a routing threshold sends them."""
    told = [case.on(complex_from) for case in cases]
    return Route(
        [each.confidence for each in told],
        [not each.right for each in told],
        [case.cluster for case in cases],
        [case.answerable for case in cases],
    )


def at_risk(target: float, alpha: float) -> Aim:
    """The largest coverage whose risk is at most `target` with the certainty 1 - `alpha`.

    Selection with guaranteed risk (Geifman and El-Yaniv, 2017): a bound over the risk in place of the risk. Their
    bisection misses coverages where the bound goes up and down; here RUNGS coverages, which are fixed before any label
    is looked at, are all tested at `alpha` over their number, as Learn then Test does (Angelopoulos and others, 2021).
    """

    def choose(route: Route) -> Choice:
        points = route.points
        tried = rungs(points)
        found = [(point, _bound(route, point, alpha / len(tried))) for point in tried]
        held = [point for point, bound in found if bound <= target]
        if held:
            told = f"the largest of {len(tried)} coverages whose risk is at most {target:g}, {1 - alpha:.0%} certain"
            return Choice(cut(points, held[-1]), told)
        return Choice(None, _unreachable(found, target, alpha, len(route.wrong)))

    return choose


def at_coverage(target: float) -> Aim:
    """The highest threshold that answers a share of `target` at least; its risk is whatever it is."""

    def choose(route: Route) -> Choice:
        points = route.points
        held = next((point for point in points if point.coverage >= target - 1e-12), None)
        most = points[-1].coverage if points else 0.0
        if held is None:
            return Choice(None, f"a coverage of {target:g} cannot be reached: at no threshold more than {most:.3f}")
        return Choice(cut(points, held), f"the highest threshold that answers {target:g} of the questions")

    return choose


def at_cost(wrong: float, declined: float) -> Aim:
    """The least cost, where a wrong answer costs `wrong` and declining an answerable question `declined` (Chow, 1970).

    Of thresholds that cost the same, the one that answers most.
    """

    def choose(route: Route) -> Choice:
        points = route.points
        costs = [point.wrong * wrong + _refused(route, point.threshold) * declined for point in points]
        none = sum(route.answerable) * declined
        told = f"the least cost at {wrong:g} for a wrong answer and {declined:g} for a needless refusal"
        if not points or none < min(costs):
            return Choice(1.0, f"{told}: declining everything")
        best = max(place for place, cost in enumerate(costs) if cost <= min(costs) + 1e-12)
        return Choice(cut(points, points[best]), told)

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


def _bound(route: Route, point: Point, alpha: float) -> float:
    inside = [place for place, sure in enumerate(route.confidences) if sure >= point.threshold]
    return bounds([route.wrong[n] for n in inside], [route.clusters[n] for n in inside], alpha).high


def _refused(route: Route, threshold: float) -> int:
    """How many answerable questions are declined."""
    pairs = zip(route.confidences, route.answerable, strict=True)
    return sum(can and sure < threshold for sure, can in pairs)


def _unreachable(found: Sequence[tuple[Point, float]], target: float, alpha: float, samples: int) -> str:
    """What was reached instead, and how many answers would be the least to show it."""
    told = f"a risk of {target:g} cannot be reached with {samples} samples"
    if not found:
        return f"{told}: none was answered"
    point, bound = min(found, key=lambda pair: pair[1])
    least = ceil(log(alpha / RUNGS) / log(1 - target)) if 0 < target < 1 else inf
    return (
        f"{told}: nearest comes a coverage of {point.coverage:.2f}, where {point.wrong} of {point.answered} answers "
        f"are wrong and the risk may be {bound:.2f}; to show {target:g} takes {least} answers of which none is wrong"
    )


def mean_risk(route: Route) -> float | None:
    """The area under the risk-coverage curve."""
    return area(route.points)
