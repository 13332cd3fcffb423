"""Metrics that only look at the outcome: retrieval by rank, words, values, abstention, route, time, cost.

Each gives a value, or None where it does not apply, by what is known of the sample alone. Untested is raised where it
applies and the answer has nothing to test.
"""

import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log2
from typing import Any

from evals.dataset import Sample
from evals.metrics.metric import Unscored, Untested
from evals.runs import SampleOutcome
from graph.errors import DECLINES
from graph.models.packaged_embeddings import token_counter
from graph.prices import Prices, cost
from graph.text.facts import full_names, plain_words
from graph.text.values import Value, missing_values, values

MARKER = re.compile(r" ?\[\d+\]")
ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)
DECLINED = "it was declined"
TOKENIZER = "wordllama-256"
"""The embedding whose tokenizer is Llama 2's."""
CLOSE = 0.6
"""F1 from which on two wordings are taken for the same answer: six words in ten in common."""


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
    """nDCG of the retrieved documents in their order, with a gain of 1 (Järvelin and Kekäläinen, 2002)."""
    if not sample.documents:
        return None
    right, found = set(sample.documents), retrieved(outcome)
    gained = sum(1 / log2(rank + 1) for rank, name in enumerate(found, 1) if name in right)
    return gained / sum(1 / log2(rank + 1) for rank in range(1, len(right) + 1))


def quote_recall(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Of the quotes that an answer needs, the share that stands in a retrieved passage.

    White space and Markdown do not count.
    """
    if not sample.quotes:
        return None
    retrieved(outcome)
    held = [unmarked(str(passage["text"])) for passage in outcome.passages or ()]
    return sum(any(unmarked(quote) in text for text in held) for quote in sample.quotes) / len(sample.quotes)


def normalised(text: str) -> list[str]:
    """Words as SQuAD compares them: lower case, without punctuation and articles (Rajpurkar et al., 2016)."""
    return ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split()


def token_f1(sample: Sample, outcome: SampleOutcome) -> float | None:
    """F1 of the answer's words and those of the right answer that is nearest (Rajpurkar et al., 2016)."""
    words = normalised(said(outcome))
    return max((_f1(words, normalised(right)) for right in sample.answers), default=None)


def value_recall(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Of the right answer's numbers, dates, codes and names, the share that the answer states.

    It is that of the right answer of which most is stated; what the question says already does not count.
    """
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
    """Of the answer's numbers and dates, the share that is neither wrong nor invented.

    Wrong is what has the kind of a right one that is not stated. Invented is what is in no passage, right answer, quote
    or question.
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
    return max(sample.answers, key=lambda right: _f1(words, normalised(right)))


def answered(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Whether an answerable question was not declined."""
    return float(_status(outcome) != "declined") if sample.answerable else None


def declined_rightly(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Whether an unanswerable question was declined."""
    return None if sample.answerable else float(_status(outcome) == "declined")


def answered_wrongly(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Whether a question was answered, and not rightly.

    None where the sample does not say what would be right.
    """
    right = is_right(sample, outcome)
    return None if right is None else float(bool(said(outcome)) and not right)


def is_right(sample: Sample, outcome: SampleOutcome) -> bool | None:
    """Whether the answer is right; None where the sample does not say what would be.

    An unanswerable question is answered rightly by declining it alone. An answerable one is answered rightly when

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
    if not (sample.answers or sample.quotes or sample.documents):
        return None
    if not (sample.answers or sample.quotes):
        return bool(text) and any(each.get("document") in sample.documents for each in citations)
    return bool(text) and (_says(sample, outcome, text) or _quotes(sample, citations, text))


def _says(sample: Sample, outcome: SampleOutcome, text: str) -> bool:
    words = normalised(text)
    held = any(_within(right, words) for answer in sample.answers if (right := normalised(answer)))
    return held or (token_f1(sample, outcome) or 0.0) >= CLOSE


def _quotes(sample: Sample, citations: Sequence[Mapping[str, Any]], text: str) -> bool:
    cited = unmarked(" ".join([text, *(str(each.get("quote", "")) for each in citations)]))
    return bool(sample.quotes) and all(unmarked(quote) in cited for quote in sample.quotes)


def _within(part: Sequence[str], whole: Sequence[str]) -> bool:
    """Whether words stand one after the other among others; a yes or no only where the answer begins."""
    if list(part) in (["yes"], ["no"]):
        return list(whole[:1]) == list(part)
    return any(list(whole[start : start + len(part)]) == list(part) for start in range(len(whole) - len(part) + 1))


def first_rung(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Whether nothing had to stand in for the model that was asked first.

    What was declined unasked counts as such.
    """
    answer = outcome.answer or {}
    unasked = answer.get("rung") == "decline" and answer.get("reason") in DECLINES
    return float(unasked or answer.get("rung") in ("primary", "retry"))


def latency_ms(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Wall time of the answer, with as many samples at once as the run asked."""
    return 1000 * outcome.seconds


def cpu_ms(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Processor time of an answer that was asked alone."""
    return 1000 * outcome.timing.cpu if outcome.timing else None


def waiting_ms(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Time that an answer, asked alone, waited for a model or another service, not for a processor."""
    return 1000 * outcome.timing.waiting if outcome.timing else None


def context_tokens(sample: Sample, outcome: SampleOutcome) -> float | None:
    """Tokens of the passages that an answer is written from, as Llama 2 counts them.

    Raises Unscored when the release does not give the passages.
    """
    retrieved(outcome)
    count = token_counter(TOKENIZER)
    return float(sum(count(str(passage["text"])) for passage in outcome.passages or ()))


def cost_usd(sample: Sample, outcome: SampleOutcome, prices: Prices) -> float:
    """Tokens at their prices.

    Nothing where no model was asked; raises Unscored when its price is not known.
    """
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


def _f1(one: Sequence[str], other: Sequence[str]) -> float:
    common = sum((Counter(one) & Counter(other)).values())
    return 2 * common / (len(one) + len(other)) if one or other else 0.0


def unmarked(text: str) -> str:
    """Text without Markdown's marks and line ends, in lower case."""
    return " ".join(text.replace("*", "").replace("`", "").split()).lower()
