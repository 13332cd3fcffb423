"""Scores: of a sample by a metric, a value or the reason why there is none."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

Better = Literal["higher", "lower"]


@dataclass(frozen=True)
class Metric:
    """What is measured: `low` and `high` bound its values, `unit` is none, `s`, `ms`, `tokens` or `USD`.

    `binary` metrics are 0 or 1 for every sample. `judged` ones need a judge, and may have several values for a sample.
    """

    name: str
    about: str
    better: Better = "higher"
    low: float = 0.0
    high: float = 1.0
    binary: bool = False
    judged: bool = False
    unit: str = ""


class Score(BaseModel):
    """A metric of a sample: one value, or one for each repeat of a judge; without values, the `reason`.

    A metric that does not apply to a sample, by what is known of the sample alone, has no Score there.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    sample: str
    metric: str
    values: tuple[float, ...] = ()
    reason: str = ""

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "Score":
        if bool(self.values) == bool(self.reason):
            raise ValueError("a score has values, or a reason why it has none")
        if not all(math.isfinite(value) for value in self.values):
            raise ValueError("a value is no finite number")
        return self

    @property
    def value(self) -> float | None:
        """The mean of the repeats; None where there is no score."""
        return math.fsum(self.values) / len(self.values) if self.values else None


def scored(sample: str, metric: Metric, values: Iterable[float]) -> Score:
    """A score of values; those that are no number or out of the metric's bounds become the reason why there is none."""
    found = tuple(float(value) for value in values)
    wrong = [value for value in found if not metric.low <= value <= metric.high or not math.isfinite(value)]
    if wrong or not found:
        told = f"{wrong[0]:g} is not within {metric.low:g} and {metric.high:g}" if wrong else "no value came back"
        return Score(sample=sample, metric=metric.name, reason=told)
    return Score(sample=sample, metric=metric.name, values=found)


def by_metric(scores: Iterable[Score]) -> dict[str, dict[str, Score]]:
    """Scores by metric and sample."""
    found: dict[str, dict[str, Score]] = {}
    for score in scores:
        found.setdefault(score.metric, {})[score.sample] = score
    return found


def unscored(scores: Mapping[str, Score]) -> Iterator[Score]:
    """Those without a value."""
    return (score for score in scores.values() if not score.values)
