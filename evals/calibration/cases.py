"""Reads what a forced run of a release answered as the cases that its threshold is chosen by; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from evals.calibration.choosing import Case
from evals.calibration.rightness import is_right
from evals.runs import Outcome
from evals.samples import Sample


@dataclass(frozen=True)
class Cases:
    """The cases, and why samples are left out, by id."""

    cases: tuple[Case, ...]
    left_out: dict[str, str]


def cases_of(
    samples: Sequence[Sample],
    outcomes: Mapping[str, Outcome],
    routes: Collection[str],
    accuracies: Mapping[str, float],
) -> Cases:
    """Each sample that was answered or declined on one of the `routes`, and that tells what is right.

    `routes` are those whose answers depend on the threshold; `accuracies` are a judge's, by sample, where there is one.
    """
    left_out = {sample.id: why for sample in samples if (why := _why_not(sample, outcomes.get(sample.id), routes))}
    kept = [(sample, outcomes[sample.id]) for sample in samples if sample.id not in left_out]
    cases = (
        Case(
            sample=sample.id,
            cluster=sample.depends_on,
            answerable=sample.answerable,
            confidence=confidence_of(outcome),
            right=bool(is_right(sample, outcome, accuracies.get(sample.id))),
        )
        for sample, outcome in kept
    )
    return Cases(tuple(cases), left_out)


def confidence_of(outcome: Outcome) -> float:
    """How sure the answer is where it is weakest; minus infinity where there is none at any threshold.

    A question of several parts of which some are surer is answered in part by the release, here it is declined.
    """
    answer = outcome.answer or {}
    return -inf if answer["status"] == "declined" else float(answer["confidence"])


def _why_not(sample: Sample, outcome: Outcome | None, routes: Collection[str]) -> str:
    if outcome is None:
        return "it was not asked"
    if outcome.answer is None:
        return f"it failed: {outcome.trouble.kind}" if outcome.trouble else "it failed"
    if outcome.answer["route"] not in routes:
        return f"its route is {outcome.answer['route']}, which another threshold decides"
    if is_right(sample, outcome) is None:
        return "it tells neither a right answer nor quotes nor documents"
    return ""
