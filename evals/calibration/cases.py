"""The answers of a forced run as cases that a threshold is chosen by: how sure, and right or wrong; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from evals.dataset import Sample
from evals.metrics.keyless import normalised, said, token_f1, unmarked
from evals.runs import SampleOutcome
from evals.scores import missing_reason

JUDGED = 0.75
"""Of a judge's accuracy, 0 to 1: half right is not right."""
CLOSE = 0.6
"""F1 from which on two wordings are taken for the same answer: six words in ten in common."""


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


def is_right(sample: Sample, outcome: SampleOutcome, accuracy: float | None = None) -> bool | None:
    """Whether the answer is right; None where the sample does not say what would be.

    An unanswerable question is answered rightly by declining it alone. An answerable one is answered rightly when

    - a judge's `answer_accuracy` is there and is JUDGED at least; or, without one,
    - the answer holds a right answer (`reference` or one of the `alternatives`) word for word, compared as
      SQuAD does; or
    - every one of the sample's quotes stands in the answer or in what it cites, and every citation was checked; or
    - the F1 of its words and a right answer's is CLOSE at least; or,
    - where neither right answers nor quotes are known, it cites one of the sample's documents.

    So an answer that quotes the right sentence is right, also where that sentence says more than was asked, and a right
    answer in quite other words, which cites other sentences, is wrong.
    """
    text, citations = said(outcome), (outcome.answer or {}).get("citations") or ()
    if not sample.answerable:
        return not text
    if accuracy is not None:
        return bool(text) and accuracy >= JUDGED
    if not (sample.answers or sample.quotes or sample.documents):
        return None
    if not (sample.answers or sample.quotes):
        return bool(text) and any(each["document"] in sample.documents for each in citations)
    return bool(text) and (_says(sample, outcome, text) or _quotes(sample, citations, text))


def _says(sample: Sample, outcome: SampleOutcome, text: str) -> bool:
    words = normalised(text)
    held = any(_within(right, words) for answer in sample.answers if (right := normalised(answer)))
    return held or (token_f1(sample, outcome) or 0.0) >= CLOSE


def _quotes(sample: Sample, citations: Sequence[Mapping[str, Any]], text: str) -> bool:
    cited = unmarked(" ".join([text, *(str(each["quote"]) for each in citations)]))
    return bool(sample.quotes) and all(unmarked(quote) in cited for quote in sample.quotes)


def _within(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether words stand one after the other among others; a yes or no only where the answer begins."""
    if list(part) in (["yes"], ["no"]):
        return list(whole[:1]) == list(part)
    return any(list(whole[start : start + len(part)]) == list(part) for start in range(len(whole) - len(part) + 1))
