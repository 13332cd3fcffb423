"""The answers of a forced run as cases that a threshold is chosen by: how sure, and right or wrong; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from evals.dataset import Sample
from evals.metrics.keyless import is_right
from evals.runs import SampleOutcome
from evals.scores import missing_reason


@dataclass(frozen=True)
class CalibrationCase:
    """A sample and what the release made of it; a confidence of minus infinity where it declines at any threshold.

    A question of several parts of which some are surer is answered in part by the release, here it is declined.
    """

    sample: str
    cluster: str
    answerable: bool
    confidence: float
    right: bool


def cases_of(
    samples: Sequence[Sample],
    outcomes: Mapping[str, SampleOutcome],
    routes: Collection[str],
    accuracies: Mapping[str, float],
) -> tuple[list[CalibrationCase], dict[str, str]]:
    """Each sample that was answered or declined on one of the `routes`; and why the others are left out, by id.

    `routes` are those whose answers depend on the threshold; `accuracies` are a judge's, by sample, where there is one.
    """
    cases, left_out = [], {}
    for sample in samples:
        outcome = outcomes.get(sample.id)
        if outcome is None or outcome.answer is None:
            left_out[sample.id] = missing_reason(outcome)
        elif (route := outcome.answer["route"]) not in routes:
            left_out[sample.id] = f"its route is {route}, which another threshold decides"
        elif (right := is_right(sample, outcome, accuracies.get(sample.id))) is None:
            left_out[sample.id] = "it has neither a right answer nor quotes nor documents"
        else:
            sure = -inf if outcome.answer["status"] == "declined" else float(outcome.answer["confidence"])
            cases.append(CalibrationCase(sample.id, sample.depends_on, sample.answerable, sure, right))
    return cases, left_out
