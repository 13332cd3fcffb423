"""Chooses from which complexity on a question is complex, by what both routes were worth on half a dataset; pure.

Quality is the share of right answers among answerable questions when every one of them is answered.
"""

from collections.abc import Sequence

from evals.calibration.choosing import Case
from evals.calibration.curves import Trade, trade, trades
from evals.gating.stats import interval

SCALE = (-1.0, 1.0)
"""Where the difference of two routes lies for a sample."""


def choose_route(cases: Sequence[Case], present: float, margin: float, alpha: float) -> Trade:
    """The least cost whose quality is shown to be at most `margin` below the best that was seen.

    From the best, or the one of equals that is nearest to the `present` threshold, the threshold rises as long as the
    paired difference is above -`margin` with the certainty 1 - `alpha`: tests in a fixed order, which need no
    correction for how many they are (Angelopoulos and others, 2021). With too few samples nothing is shown, and the
    best stays.
    """
    curve = sorted({*cost_quality(cases), at_route(cases, present)}, key=lambda point: point.threshold)
    most = max(point.quality for point in curve)
    equals = [point for point in curve if point.quality >= most - 1e-12]
    best = min(equals, key=lambda point: abs(point.threshold - present))
    shown = [best]
    for point in curve:
        if point.threshold > best.threshold:
            if _loss(cases, best, point, alpha) < -margin:
                break
            shown.append(point)
    return min(shown, key=lambda point: (round(point.cost, 9), abs(point.threshold - present)))


def cost_quality(cases: Sequence[Case]) -> tuple[Trade, ...]:
    """Quality over cost, as the threshold falls."""
    return trades(*_sides(cases))


def at_route(cases: Sequence[Case], threshold: float) -> Trade:
    """What one threshold gives."""
    return trade(threshold, *_sides(cases))


def _loss(cases: Sequence[Case], best: Trade, other: Trade, alpha: float) -> float:
    """The lower bound of what another threshold gains; samples that no threshold sends elsewhere count as 0."""
    told = [case for case in cases if case.answerable]
    gains = [float(case.on(other.threshold).right) - case.on(best.threshold).right for case in told]
    return interval(gains, [case.cluster for case in told], alpha, SCALE).low


def _sides(cases: Sequence[Case]) -> tuple[list[float], list[tuple[float, float]], list[tuple[float, float]]]:
    """Complexities, and quality and cost on each route; an unanswerable question tells nothing of the routes."""
    told = [case for case in cases if case.answerable]
    simple = [(float(case.simple.right), case.simple.cost) for case in told]
    return [case.complexity for case in told], simple, [(float(case.whole.right), case.whole.cost) for case in told]
