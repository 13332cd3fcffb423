"""The risk-coverage curve, and figures as PNG files."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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


def risk_coverage(confidences: Sequence[float], wrong: Sequence[float]) -> tuple[Point, ...]:
    """A point for each confidence, the highest first (El-Yaniv and Wiener, 2010); equal ones are answered together.

    `wrong` says of each sample whether its answer is, or how far, from 0 to 1. A confidence of minus infinity is one
    that is never answered.
    """
    pairs = sorted(zip(confidences, wrong, strict=True), key=lambda pair: -pair[0])
    points: list[Point] = []
    answered, missed = 0, 0.0
    for place, (confidence, bad) in enumerate(pairs):
        answered, missed = answered + 1, missed + bad
        last = place + 1 == len(pairs) or pairs[place + 1][0] < confidence
        if last and isfinite(confidence):
            points.append(Point(confidence, answered, missed, answered / len(pairs), missed / answered))
    return tuple(points)


def mean_risk(points: Sequence[tuple[float, float]], to: float = 1.0) -> float | None:
    """The mean risk over all coverages up to one (AURC of Geifman and others, 2019); None without a point.

    Samples of equal confidence count with the risk that they have together.
    """
    if to <= 0 or not points:
        return None
    starts = [0.0, *(coverage for coverage, _ in points)]
    widths = [max(0.0, min(coverage, to) - start) for start, (coverage, _) in zip(starts, points, strict=False)]
    return sum(width * risk for width, (_, risk) in zip(widths, points, strict=True)) / sum(widths)


def between(low: float, high: float) -> float:
    """The shortest decimal near the middle that is between both, or `high` where there is none."""
    middle = (low + high) / 2
    rounded = (round(middle, digits) for digits in range(2, 17))
    return next((value for value in rounded if low < value < high), high)


def png(figure: "Figure") -> bytes:
    """A picture as PNG; the same picture gives the same bytes."""
    held = BytesIO()
    figure.savefig(held, dpi=150, format="png", metadata={"Software": None})
    return held.getvalue()
