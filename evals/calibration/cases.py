"""Reads what two forced runs of one release answered as the cases that its thresholds are chosen by; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, Literal

from evals.calibration.choosing import Case, Told
from evals.calibration.rightness import is_right
from evals.metrics.plain import Unscored, cost_usd
from evals.runs import Outcome
from evals.samples import Sample
from graph.prices import Prices
from graph.question.routing import complexity
from graph.question.subquestions import follow_up, split

Unit = Literal["USD", "tokens", "searches"]
Outcomes = Mapping[str, Outcome]
Accuracies = Mapping[str, float]


@dataclass(frozen=True)
class Cases:
    """The cases, what their costs are counted in, and why samples are left out, by id."""

    cases: tuple[Case, ...]
    unit: Unit
    left_out: dict[str, str]


def cases_of(
    samples: Sequence[Sample],
    routes: tuple[Outcomes, Outcomes],
    prices: Prices,
    judged: tuple[Accuracies, Accuracies] = ({}, {}),
) -> Cases:
    """Each sample that was answered or declined on both routes, the simple one first, and tells what is right.

    Costs are in dollars where a model was asked and every price is known, in tokens where one is not, and in searches
    where no model was asked.
    """
    left_out = {sample.id: why for sample in samples if (why := _why_not(sample, routes))}
    kept = [sample for sample in samples if sample.id not in left_out]
    unit = unit_of([outcomes[sample.id] for sample in kept for outcomes in routes], prices)
    made = []
    for sample in kept:
        simple, whole = (outcomes[sample.id] for outcomes in routes)
        accuracies = [found.get(sample.id) for found in judged]
        costs = costs_of(simple, whole, unit, prices)
        tolds = [
            Told(confidence_of(outcome), bool(is_right(sample, outcome, accuracy)), cost)
            for outcome, accuracy, cost in zip((simple, whole), accuracies, costs, strict=True)
        ]
        made.append(Case(sample.id, sample.depends_on, sample.answerable, complexity_of(simple), *tolds))
    return Cases(tuple(made), unit, left_out)


def complexity_of(simple: Outcome) -> float:
    """The probability that the router saw: it looks at the question as it was searched for, and at what was found."""
    question, found = _asked(simple)
    return complexity(question, found, split(question, found))


def confidence_of(outcome: Outcome) -> float:
    """How sure the answer is where it is weakest; minus infinity where there is none at any threshold.

    A question of several parts of which some are surer is answered in part by the release, here it is declined.
    """
    answer = outcome.answer or {}
    return -inf if answer["status"] == "declined" else float(answer["confidence"])


def unit_of(outcomes: Sequence[Outcome], prices: Prices) -> Unit:
    """What the costs of all these outcomes can be counted in."""
    if not any(_tokens(outcome) for outcome in outcomes):
        return "searches"
    try:
        return "USD" if sum(cost_usd(outcome, prices) for outcome in outcomes) else "tokens"
    except Unscored:
        return "tokens"


def costs_of(simple: Outcome, whole: Outcome, unit: Unit, prices: Prices) -> tuple[float, float]:
    """What each route cost."""
    if unit == "searches":
        question, found = _asked(simple)
        ahead = bool(found) and bool(follow_up(question, found[0]))
        return 1.0, 1.0 + (len(split(question, found)) + ahead if found else 0)
    if unit == "USD":
        return cost_usd(simple, prices), cost_usd(whole, prices)
    return float(_tokens(simple)), float(_tokens(whole))


def _why_not(sample: Sample, routes: tuple[Outcomes, Outcomes]) -> str:
    for outcomes in routes:
        outcome = outcomes.get(sample.id)
        if outcome is None or outcome.answer is None:
            trouble = outcome.trouble.kind if outcome and outcome.trouble else "it was not asked"
            return f"it failed: {trouble}" if outcome else trouble
        if outcome.passages is None:
            return "the release does not tell which passages it retrieved"
        if is_right(sample, outcome) is None:
            return "it tells neither a right answer nor quotes nor documents"
    return ""


def _asked(outcome: Outcome) -> tuple[str, list[Any]]:
    """The question as it was searched for, and the passages that the router saw."""
    return str((outcome.answer or {})["asked"]), list(outcome.passages or ())


def _tokens(outcome: Outcome) -> int:
    usage = (outcome.answer or {})["usage"]
    return int(usage["input_tokens"] + usage["output_tokens"])
