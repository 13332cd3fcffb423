"""The curves of a report: risk over coverage, and how long answers took; pure."""

from math import inf

import numpy as np

from evals.curves import mean_risk, risk_coverage
from evals.dataset import Sample, StrictModel
from evals.gate.criteria import ScoredRelease
from evals.report.pairs import Points, ReportedRun, confidence

LATENCY, POINTS, QUANTILES = "latency_ms", 200, (50, 90, 95, 99)


class RiskCurve(StrictModel):
    """Mean loss (`y`) of the most confident answers by the share of all samples that they are (`x`).

    It ends where the release declines. `without` counts the samples that have no score or no confidence and
    are no part of it.
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


def risk(run: ReportedRun, right: str) -> RiskCurve:
    """The risk-coverage curve (El-Yaniv and Wiener, 2010) of a release.

    An answer to what is answerable is as wrong as `right` says, an answer to what is not, wholly. What was declined is
    not covered. Samples of equal confidence are covered together.
    """
    trials = [trial for sample in run.dataset.samples if (trial := _trial(sample, run, right))]
    points = risk_coverage([confidence for confidence, _ in trials], [loss for _, loss in trials])
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


def _trial(sample: Sample, run: ReportedRun, right: str) -> tuple[float, float] | None:
    """The confidence of an answer, minus infinity where it declines, and how wrong it is; None where one is unknown."""
    outcome = run.outcomes.get(sample.id)
    if outcome is None or outcome.answer is None:
        return None
    if outcome.answer.get("status") == "declined":
        return -inf, 0.0
    sure, value = confidence(outcome), run.scored.value(right, sample.id) if sample.answerable else 0.0
    return None if sure is None or value is None else (sure, 1.0 - value)
