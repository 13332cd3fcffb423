"""Curves: how often answers are wrong at each confidence, and how long they take; pure."""

from collections.abc import Mapping, Sequence
from math import inf

import numpy as np

from evals.calibration.curves import risk_coverage
from evals.gating.criteria import Side
from evals.report.pairs import Party, confidence
from evals.runs import Kept
from evals.samples import Dataset, Sample

RIGHT = ("answer_accuracy", "factual_correctness", "token_f1")
"""What says how right an answer is, the best first."""
POINTS = 200
LATENCY = "latency_ms"
Points = tuple[tuple[float, float], ...]


class Trial(Kept):
    """An answer that was given, its confidence, and how wrong it was, 0 to 1."""

    confidence: float
    loss: float


DECLINED = Trial(confidence=-inf, loss=0.0)


class Risk(Kept):
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
        """The mean risk from no coverage up to `to` (the area under the curve over its width)."""
        if to <= 0 or not self.points:
            return None
        starts = [0.0, *(x for x, _ in self.points)]
        widths = [max(0.0, min(x, to) - start) for start, (x, _) in zip(starts, self.points, strict=False)]
        return sum(width * y for width, (_, y) in zip(widths, self.points, strict=True)) / sum(widths)


class Spread(Kept):
    """A distribution: the share of values (`y`) up to a value (`x`), and its quantiles by per cent."""

    points: Points
    quantiles: dict[int, float]
    samples: int
    without: int = 0


def right_by(dataset: Dataset, sides: Sequence[Side]) -> str | None:
    """The first metric of how right an answer is of which every side has a value; None: there is none."""
    return next((name for name in RIGHT if all(_has(dataset, side, name) for side in sides)), None)


def risk(dataset: Dataset, party: Party, right: str) -> Risk:
    """The risk-coverage curve (El-Yaniv and Wiener, 2010) of a release.

    An answer to what is answerable is as wrong as `right` says, an answer to what is not, wholly. What was declined is
    not covered. Samples of equal confidence are covered together.
    """
    found = {sample.id: _trial(sample, party, right) for sample in dataset.samples}
    asked = [sample.id for sample in dataset.samples if not _unknown(sample, party, right)]
    given = [found[each] or DECLINED for each in asked]
    points = risk_coverage([trial.confidence for trial in given], [trial.loss for trial in given])
    covered = tuple((point.coverage, point.risk) for point in points)
    return Risk(points=covered, samples=len(asked), without=len(found) - len(asked))


def latency(side: Side) -> Spread:
    """How long the answers took, in milliseconds."""
    scores = list(side.scores.get(LATENCY, {}).values())
    values = sorted(score.value for score in scores if score.value is not None)
    shown = sorted({round(place) for place in np.linspace(0, len(values) - 1, min(POINTS, len(values)))})
    return Spread(
        points=tuple((values[place], (place + 1) / len(values)) for place in shown),
        quantiles={each: float(np.quantile(values, each / 100)) for each in (50, 90, 95, 99)} if values else {},
        samples=len(values),
        without=len(scores) - len(values),
    )


def _has(dataset: Dataset, side: Side, name: str) -> bool:
    return any(side.value(name, sample.id) is not None for sample in dataset.samples)


def _unknown(sample: Sample, party: Party, right: str) -> bool:
    """Whether nobody knows how right the answer to a sample is, or how confident."""
    outcome = party.outcomes.get(sample.id)
    if outcome is None or outcome.answer is None:
        return True
    if _declined(outcome.answer):
        return False
    return confidence(outcome) is None or (sample.answerable and party.side.value(right, sample.id) is None)


def _trial(sample: Sample, party: Party, right: str) -> Trial | None:
    outcome = party.outcomes.get(sample.id)
    if outcome is None or outcome.answer is None or _declined(outcome.answer):
        return None
    value = party.side.value(right, sample.id) if sample.answerable else 0.0
    return Trial(confidence=confidence(outcome) or 0.0, loss=1.0 - (value or 0.0))


def _declined(answer: Mapping[str, object]) -> bool:
    return answer.get("status") == "declined"
