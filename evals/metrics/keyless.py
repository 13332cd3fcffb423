"""Metrics that only look at the outcome: retrieval by rank, words, values, abstention, route, time, cost.

Each gives a value, or None where it does not apply, by what is known of the sample alone. Untested is raised where it
applies and the answer has nothing to test.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from math import log2

from evals.dataset import Sample
from evals.metrics.catalog import Unscored, Untested
from evals.runs import SampleOutcome
from graph.prices import Prices, cost
from graph.text.facts import full_names, plain_words
from graph.text.values import Value, missing_values, values

MARKER = re.compile(r" ?\[\d+\]")
ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
DECLINED = "it was declined"
Compare = Callable[[Sequence[str], Sequence[str]], float]


def said(outcome: SampleOutcome) -> str:
    """The answer without its markers; empty when it was declined."""
    answer = outcome.answer or {}
    return "" if answer.get("status") == "declined" else MARKER.sub("", str(answer.get("text", ""))).strip()


def retrieved(outcome: SampleOutcome) -> list[str]:
    """The documents of the passages, each once, best first; raises Unscored when the release does not give them."""
    if outcome.passages is None:
        raise Unscored("the release does not say which passages it retrieved")
    return list(dict.fromkeys(str(passage["document"]) for passage in outcome.passages))


def ndcg(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Normalised discounted cumulative gain with a gain of 1 (Järvelin and Kekäläinen, 2002)."""
    if not sample.documents:
        return None
    right, found = set(sample.documents), retrieved(outcome)
    gained = sum(1 / log2(rank + 1) for rank, name in enumerate(found, 1) if name in right)
    return gained / sum(1 / log2(rank + 1) for rank in range(1, len(right) + 1))


def quote_recall(sample: Sample, outcome: SampleOutcome) -> float | None:
    """The share of the quotes that stand in a passage, whatever its white space and Markdown."""
    if not sample.quotes:
        return None
    retrieved(outcome)
    held = [unmarked(str(passage["text"])) for passage in outcome.passages or ()]
    return sum(any(unmarked(quote) in text for text in held) for quote in sample.quotes) / len(sample.quotes)


def normalised(text: str) -> list[str]:
    """Words as SQuAD compares them: lower case, without punctuation and articles (Rajpurkar et al., 2016)."""
    return ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split()


def token_f1(sample: Sample, outcome: SampleOutcome) -> float | None:
    """F1 of the words in common, to the nearest right answer (Rajpurkar et al., 2016)."""
    return _best(sample, outcome, _f1_of_words)


def value_recall(sample: Sample, outcome: SampleOutcome) -> float | None:
    """The share for the right answer of which most is stated; what the question says already does not count."""
    language = _language(outcome)
    facts = [found for right in sample.answers if (found := _facts(right, sample.question, language))]
    if not facts:
        return None
    answer = _tested(outcome)
    stated, words = values(answer, language), plain_words(answer)
    lost = [
        sum(
            not fact <= words if isinstance(fact, frozenset) else bool(missing_values([fact], stated)) for fact in found
        )
        for found in facts
    ]
    return max(1 - many / len(found) for many, found in zip(lost, facts, strict=True))


def value_precision(sample: Sample, outcome: SampleOutcome) -> float | None:
    """The share that is neither wrong, of the kind of a right one that is not stated, nor invented.

    What is in no passage, right answer, quote or question is invented.
    """
    language = _language(outcome)

    def read(texts: Iterable[str]) -> list[Value]:
        return [value for text in texts for value in values(text, language)]

    stated = read([_tested(outcome)])
    if not stated:
        raise Untested("it states no numbers and no dates")
    right, found = read(sample.answers), read(str(passage["text"]) for passage in outcome.passages or ())
    asked = read([sample.question, *(message.content for message in sample.history)])
    replaced = missing_values(right, stated)
    wrong = [
        value
        for value in missing_values(stated, [*right, *read(sample.quotes), *asked])
        if missing_values([value], found) or any(value.same_kind(each) for each in replaced)
    ]
    return 1 - len(wrong) / len(stated)


def nearest(sample: Sample, answer: str) -> str:
    """The right answer with most words in common; there must be one."""
    words = normalised(answer)
    return max(sample.answers, key=lambda right: _f1_of_words(words, normalised(right)))


def answered(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Whether an answerable question was not declined."""
    return float(_status(outcome) != "declined") if sample.answerable else None


def declined_rightly(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Whether an unanswerable question was declined."""
    return None if sample.answerable else float(_status(outcome) == "declined")


def first_rung(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Whether nothing had to stand in for the model that was asked first; what was declined unasked counts as such."""
    answer = outcome.answer or {}
    unasked = answer.get("rung") == "decline" and answer.get("reason") == "no_evidence"
    return float(unasked or answer.get("rung") in ("primary", "retry"))


def latency_ms(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Milliseconds of wall time, with as many samples at once as the run asked."""
    return 1000 * outcome.seconds


def cpu_ms(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Milliseconds of processor time, of the samples that were asked alone."""
    return 1000 * outcome.timing.cpu if outcome.timing else None


def waiting_ms(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Milliseconds in which neither this process nor another one that was in its way computed."""
    return 1000 * outcome.timing.waiting if outcome.timing else None


def cost_usd(outcome: SampleOutcome, prices: Prices) -> float:
    """Tokens at their prices; nothing where no model was asked; raises Unscored when its price is not known."""
    usage = (outcome.answer or {})["usage"]
    if not usage["calls"] or not usage["input_tokens"] + usage["output_tokens"]:
        return 0.0
    if (dollars := cost(usage, prices)) is None:
        raise Unscored(f"the price of {usage['model']} is not known; set it in WARRANT_PRICES")
    return dollars


def _tested(outcome: SampleOutcome) -> str:
    """What was said; raises Untested where it was declined."""
    if not (answer := said(outcome)):
        raise Untested(DECLINED)
    return answer


def _language(outcome: SampleOutcome) -> str:
    return str((outcome.answer or {}).get("language", "en"))


def _facts(right: str, question: str, language: str) -> list[Value | frozenset[str]]:
    """The values and the names of a right answer that the question does not state; units and months are no names."""
    there = values(right, language)
    known = plain_words(" ".join([question, *(value.text for value in there)]))
    return [
        *missing_values(there, values(question, language)),
        *(name for name in dict.fromkeys(full_names(right)) if not name <= known),
    ]


def _status(outcome: SampleOutcome) -> str:
    return str((outcome.answer or {}).get("status"))


def _best(sample: Sample, outcome: SampleOutcome, compare: Compare) -> float | None:
    words = normalised(said(outcome))
    return max((compare(words, normalised(right)) for right in sample.answers), default=None)


def _f1_of_words(one: Sequence[str], other: Sequence[str]) -> float:
    return _f1(sum((Counter(one) & Counter(other)).values()), len(one), len(other))


def _f1(common: int, one: int, other: int) -> float:
    return 2 * common / (one + other) if one + other else 0.0


def unmarked(text: str) -> str:
    """Text without Markdown's marks and line ends, in lower case."""
    return " ".join(text.replace("*", "").replace("`", "").split()).lower()
