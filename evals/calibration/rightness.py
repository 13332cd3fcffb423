"""Whether an answer is right, as far as that can be told without a model; pure.

An unanswerable question is answered rightly by declining it alone. An answerable one is answered rightly when

- a judge's `answer_accuracy` is there and is JUDGED at least; or, without one,
- the answer holds a right answer (`reference` or one of the `alternatives`) word for word, as SQuAD compares words; or
- every one of the sample's quotes stands in the answer or in what it cites, and every citation was checked; or
- the F1 of its words and a right answer's is CLOSE at least; or,
- where neither right answers nor quotes are known, it cites one of the sample's documents.

This takes an answer that quotes the right sentence for right, also where that sentence says more than was asked, and
a right answer in quite other words, which cites other sentences, for wrong.
"""

from collections.abc import Sequence

from evals.metrics.plain import normalised, said, token_f1, unmarked
from evals.runs import Outcome
from evals.samples import Sample

JUDGED = 0.75
"""Of a judge's accuracy, 0 to 1: half right is not right."""
CLOSE = 0.6
"""F1 from which on two wordings are taken for the same answer: six words in ten in common."""
ACCURACY = "answer_accuracy"


def is_right(sample: Sample, outcome: Outcome, accuracy: float | None = None) -> bool | None:
    """Whether the answer is right; None where the sample does not tell what would be.

    `outcome` has an answer, whether it declines or not.
    """
    text = said(outcome)
    if not sample.answerable:
        return not text
    if accuracy is not None:
        return bool(text) and accuracy >= JUDGED
    if not (sample.answers or sample.quotes or sample.documents):
        return None
    return bool(text) and (_says(sample, outcome, text) or _quotes(sample, outcome, text) or _cites(sample, outcome))


def _says(sample: Sample, outcome: Outcome, text: str) -> bool:
    words = normalised(text)
    held = any(_within(right, words) for answer in sample.answers if (right := normalised(answer)))
    return held or (token_f1(sample, outcome) or 0.0) >= CLOSE


def _quotes(sample: Sample, outcome: Outcome, text: str) -> bool:
    cited = unmarked(" ".join([text, *(str(each["quote"]) for each in _citations(outcome))]))
    return bool(sample.quotes) and all(unmarked(quote) in cited for quote in sample.quotes)


def _cites(sample: Sample, outcome: Outcome) -> bool:
    known = bool(sample.answers or sample.quotes)
    return not known and any(each["document"] in sample.documents for each in _citations(outcome))


def _citations(outcome: Outcome) -> Sequence[dict[str, str]]:
    return (outcome.answer or {}).get("citations") or ()


def _within(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether words stand one after the other among others; a yes or no only where the answer begins."""
    if list(part) in (["yes"], ["no"]):
        return list(whole[:1]) == list(part)
    return any(list(whole[start : start + len(part)]) == list(part) for start in range(len(whole) - len(part) + 1))
