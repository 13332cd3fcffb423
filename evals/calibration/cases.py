"""The answers of a forced run as cases that a threshold is chosen by: how sure, and right or wrong; pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from evals.dataset import Sample
from evals.metrics.keyless import normalised, said, token_f1, unmarked
from evals.runs import SampleOutcome

JUDGED = 0.75
"""Of a judge's accuracy, 0 to 1: half right is not right."""
CLOSE = 0.6
"""F1 from which on two wordings are taken for the same answer: six words in ten in common."""
ACCURACY = "answer_accuracy"


@dataclass(frozen=True)
class CalibrationCase:
    """A sample and what the release made of it; a confidence of minus infinity where it declines at any threshold."""

    sample: str
    cluster: str
    answerable: bool
    confidence: float
    right: bool


@dataclass(frozen=True)
class CalibrationCases:
    """The cases, and why samples are left out, by id."""

    cases: tuple[CalibrationCase, ...]
    left_out: dict[str, str]


def cases_of(
    samples: Sequence[Sample],
    outcomes: Mapping[str, SampleOutcome],
    routes: Collection[str],
    accuracies: Mapping[str, float],
) -> CalibrationCases:
    """Each sample that was answered or declined on one of the `routes`, and that says what is right.

    `routes` are those whose answers depend on the threshold; `accuracies` are a judge's, by sample, where there is one.
    """
    left_out = {sample.id: why for sample in samples if (why := _why_not(sample, outcomes.get(sample.id), routes))}
    kept = [(sample, outcomes[sample.id]) for sample in samples if sample.id not in left_out]
    cases = (
        CalibrationCase(
            sample=sample.id,
            cluster=sample.depends_on,
            answerable=sample.answerable,
            confidence=confidence_of(outcome),
            right=bool(is_right(sample, outcome, accuracies.get(sample.id))),
        )
        for sample, outcome in kept
    )
    return CalibrationCases(tuple(cases), left_out)


def confidence_of(outcome: SampleOutcome) -> float:
    """How sure the answer is where it is weakest; minus infinity where there is none at any threshold.

    A question of several parts of which some are surer is answered in part by the release, here it is declined.
    """
    answer = outcome.answer or {}
    return -inf if answer["status"] == "declined" else float(answer["confidence"])


def _why_not(sample: Sample, outcome: SampleOutcome | None, routes: Collection[str]) -> str:
    if outcome is None:
        return "it was not asked"
    if outcome.answer is None:
        return f"it failed: {outcome.trouble.kind}" if outcome.trouble else "it failed"
    if outcome.answer["route"] not in routes:
        return f"its route is {outcome.answer['route']}, which another threshold decides"
    if is_right(sample, outcome) is None:
        return "it has neither a right answer nor quotes nor documents"
    return ""


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
    text = said(outcome)
    if not sample.answerable:
        return not text
    if accuracy is not None:
        return bool(text) and accuracy >= JUDGED
    if not (sample.answers or sample.quotes or sample.documents):
        return None
    return bool(text) and (_says(sample, outcome, text) or _quotes(sample, outcome, text) or _cites(sample, outcome))


def _says(sample: Sample, outcome: SampleOutcome, text: str) -> bool:
    words = normalised(text)
    held = any(_within(right, words) for answer in sample.answers if (right := normalised(answer)))
    return held or (token_f1(sample, outcome) or 0.0) >= CLOSE


def _quotes(sample: Sample, outcome: SampleOutcome, text: str) -> bool:
    cited = unmarked(" ".join([text, *(str(each["quote"]) for each in _citations(outcome))]))
    return bool(sample.quotes) and all(unmarked(quote) in cited for quote in sample.quotes)


def _cites(sample: Sample, outcome: SampleOutcome) -> bool:
    known = bool(sample.answers or sample.quotes)
    return not known and any(each["document"] in sample.documents for each in _citations(outcome))


def _citations(outcome: SampleOutcome) -> Sequence[dict[str, str]]:
    return (outcome.answer or {}).get("citations") or ()


def _within(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether words stand one after the other among others; a yes or no only where the answer begins."""
    if list(part) in (["yes"], ["no"]):
        return list(whole[:1]) == list(part)
    return any(list(whole[start : start + len(part)]) == list(part) for start in range(len(whole) - len(part) + 1))
