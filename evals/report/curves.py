"""The curves of a report: risk over coverage, and how long answers took; and figures as PNG files."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np

from evals.dataset import Sample, StrictModel
from evals.gate.criteria import ScoredRelease
from evals.metrics.keyless import is_right
from evals.report.pairs import Points, ReportedRun, confidence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ACCURACY, LATENCY, POINTS, QUANTILES = "answer_accuracy", "latency_ms", 200, (50, 90, 95, 99)


class RiskCurve(StrictModel):
    """The share of wrong ones (`y`) among the most confident answers by the share of all samples that they are (`x`).

    It ends where the release declines. `without` counts the samples of which nobody knows whether the answer is right,
    or how confident it is; they are no part of it.
    """

    points: Points
    samples: int
    without: int = 0

    @property
    def coverage(self) -> float:
        """The share of the samples that was answered."""
        return self.points[-1][0] if self.points else 0.0

    def area(self, to: float) -> float | None:
        """The mean risk from no coverage up to `to`."""
        return mean_risk(self.points, to)


class LatencyCurve(StrictModel):
    """A distribution: the share of values (`y`) up to a value (`x`), and its quantiles by per cent."""

    points: Points
    quantiles: dict[int, float]
    samples: int
    without: int = 0


def risk(run: ReportedRun, *, judged: bool = False) -> RiskCurve:
    """The risk-coverage curve (El-Yaniv and Wiener, 2010) of a release, by the rule that calibration has: `is_right`.

    `judged` hears the judge's `answer_accuracy`. What was declined is not covered. Samples of equal confidence are
    covered together.
    """
    trials = [trial for sample in run.dataset.samples if (trial := _trial(sample, run, judged=judged))]
    points = risk_coverage([confidence for confidence, _ in trials], [wrong for _, wrong in trials])
    covered = tuple((point.coverage, point.risk) for point in points)
    return RiskCurve(points=covered, samples=len(trials), without=len(run.dataset.samples) - len(trials))


def latency(release: ScoredRelease) -> LatencyCurve:
    """How long the answers took, in milliseconds."""
    values = sorted(release.values(LATENCY).values())
    shown = sorted({round(place) for place in np.linspace(0, len(values) - 1, min(POINTS, len(values)))})
    return LatencyCurve(
        points=tuple((values[place], (place + 1) / len(values)) for place in shown),
        quantiles={each: float(np.quantile(values, each / 100)) for each in QUANTILES} if values else {},
        samples=len(values),
        without=len(release.scores.get(LATENCY, {})) - len(values),
    )


def _trial(sample: Sample, run: ReportedRun, *, judged: bool) -> tuple[float, bool] | None:
    """The confidence of an answer, minus infinity where it declines, and if it is wrong; None where one is unknown."""
    outcome = run.outcomes.get(sample.id)
    if outcome is None or outcome.answer is None:
        return None
    if outcome.answer.get("status") == "declined":
        return -inf, False
    accuracy = run.scored.value(ACCURACY, sample.id) if judged else None
    sure, right = confidence(outcome), is_right(sample, outcome, accuracy)
    return None if sure is None or right is None else (sure, not right)


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
    for place, (sure, bad) in enumerate(pairs):
        answered, missed = answered + 1, missed + bad
        last = place + 1 == len(pairs) or pairs[place + 1][0] < sure
        if last and isfinite(sure):
            points.append(Point(sure, answered, missed, answered / len(pairs), missed / answered))
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


def png(figure: "Figure") -> bytes:
    """A picture as PNG; the same picture gives the same bytes."""
    held = BytesIO()
    figure.savefig(held, dpi=150, format="png", metadata={"Software": None})
    return held.getvalue()
