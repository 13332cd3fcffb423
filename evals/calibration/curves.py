"""The curve of what a threshold trades, risk against coverage, and bounds of a risk; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from scipy.stats import beta

from evals.gating.stats import standard_error, summed


@dataclass(frozen=True)
class Point:
    """What happens when everything from a confidence of `threshold` on is answered.

    `answered` of all samples are answered, which is the `coverage`; `wrong` of these are, which is the `risk`.
    """

    threshold: float
    answered: int
    wrong: float
    coverage: float
    risk: float


@dataclass(frozen=True)
class Bound:
    """A share, and a one-sided bound below and above it."""

    value: float
    low: float
    high: float


def risk_coverage(confidences: Sequence[float], wrong: Sequence[float]) -> tuple[Point, ...]:
    """A point for each confidence, the highest first (El-Yaniv and Wiener, 2010); equal ones are answered together.

    `wrong` says of each sample whether its answer is, or how far, from 0 to 1. A confidence of minus infinity is one
    that is never answered.
    """
    told = sorted(zip(confidences, wrong, strict=True), key=lambda pair: -pair[0])
    points: list[Point] = []
    answered, missed = 0, 0.0
    for place, (confidence, bad) in enumerate(told):
        answered, missed = answered + 1, missed + bad
        last = place + 1 == len(told) or told[place + 1][0] < confidence
        if last and isfinite(confidence):
            points.append(Point(confidence, answered, missed, answered / len(told), missed / answered))
    return tuple(points)


def area(points: Sequence[Point]) -> float | None:
    """The mean risk over all coverages that are reached (AURC of Geifman and others, 2019); None without a point.

    Samples of equal confidence count with the risk that they have together.
    """
    if not points:
        return None
    before = [0.0, *(point.coverage for point in points[:-1])]
    steps = (point.risk * (point.coverage - start) for point, start in zip(points, before, strict=True))
    return sum(steps) / points[-1].coverage


def bounds(wrong: Sequence[bool], clusters: Sequence[str], alpha: float) -> Bound:
    """A share with its exact bounds (Clopper and Pearson, 1934), each at the level 1 - alpha.

    Samples of one cluster count for fewer where they are alike: as many as Kish's design effect leaves, as Korn and
    Graubard (1998) do for surveys. Nothing is known of no sample: 0 to 1.
    """
    if not wrong:
        return Bound(0.0, 0.0, 1.0)
    share, many = sum(wrong) / len(wrong), effective(wrong, clusters)
    bad = share * many
    low = float(beta.ppf(alpha, bad, many - bad + 1)) if bad > 0 else 0.0
    high = float(beta.ppf(1 - alpha, bad + 1, many - bad)) if bad < many else 1.0
    return Bound(share, min(low, share), max(high, share))


def effective(wrong: Sequence[bool], clusters: Sequence[str]) -> float:
    """How many independent samples tell as much: never more than there are, as many where none differ.

    A single cluster is one.
    """
    share, many = sum(wrong) / len(wrong), len(wrong)
    if len(set(clusters)) == 1:
        return 1.0
    error = standard_error(summed([float(each) for each in wrong], clusters))
    alone = share * (1 - share) / max(1, many - 1)
    return many * min(1.0, alone / error**2) if alone and error else float(many)


def between(low: float, high: float) -> float:
    """The shortest decimal near the middle that is between both, or `high` where there is none."""
    middle = (low + high) / 2
    rounded = (round(middle, digits) for digits in range(2, 17))
    return next((value for value in rounded if low < value < high), high)
