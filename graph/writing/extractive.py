"""Chooses the sentences that answer a question, or the words of one that do, each from where it says most; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..finding.evidence import about, said, term_set
from ..finding.spans import Span, best_spans, readable
from ..learned import logistic
from ..question.answer_types import wanted
from ..state import Evidence, Passage
from ..text.sentences import units
from ..text.words import Weigh

Style = Literal["auto", "sentences", "short"]
NEXT_FROM = 0.35
"""Share of the best sentence's score that a further one must reach."""
SAME = 0.7
"""Share of shared content words from which on two sentences say the same."""
POOL = 12
SURE = 0.4
"""How probable a span must be for a short answer, where the style leaves it open."""
TRIED = 5
"""Spans that are tried where only a short answer will do: the words of the best may stand in another sentence too."""
SHORT_KINDS = frozenset(("person", "place", "date", "count", "amount", "measure", "name"))


@dataclass(frozen=True)
class Quote:
    """What is said, and the passage that it stands in, counted from 0; `short` when it is less than a sentence."""

    text: str
    passage: int
    short: bool = False


def answer(
    question: str, passages: Sequence[Passage], evidence: Sequence[Evidence], most: int, *, style: Style, weigh: Weigh
) -> list[Quote]:
    """`most` sentences at the most, best first, or the span that is asked for when the style allows a short answer."""
    chosen = choose(question, passages, evidence, most)
    several = any(unit.get("part") for unit in evidence)
    if style == "sentences" or not chosen or several:
        return [Quote(said(unit), unit["passage"]) for unit in chosen]
    short = _short(question, passages, evidence, sure=SURE if style == "auto" else 0.0, weigh=weigh)
    return [short] if short else [Quote(said(unit), unit["passage"]) for unit in chosen]


def _short(
    question: str, passages: Sequence[Passage], evidence: Sequence[Evidence], *, sure: float, weigh: Weigh
) -> Quote | None:
    """The best span, when it is as probable as it must be, whose words lead to no other sentence.

    What answers a question in its passage is short as it is.
    """
    if sure and (wanted(question).kind not in SHORT_KINDS or evidence[0].get("question")):
        return None
    spans = best_spans(question, evidence, weigh)
    tried = [span for span in spans if span.start >= len(span.unit.get("question", ""))][: 1 if sure else TRIED]
    likely = [span for span in tried if logistic(span.odds) >= sure]
    quotes = ((span, Quote(readable(span), span.unit["passage"], short=True)) for span in likely)
    return next((quote for span, quote in quotes if _leads_back(quote.text, span, passages)), None)


def _leads_back(text: str, span: Span, passages: Sequence[Passage]) -> bool:
    """Whether the first unit of the passage that holds the words is the one that they were taken from."""
    passage = passages[span.unit["passage"]]
    holding = (unit for unit in units(passage["text"], passage["header"]) if text in unit.reading)
    first = next(holding, None)
    return first is not None and first.start == span.unit["start"]


def choose(question: str, passages: Sequence[Passage], evidence: Sequence[Evidence], most: int) -> list[Evidence]:
    """The best sentence for each part, or for the question; then such as hold terms of it that none before held."""
    ranked = sorted(evidence, key=lambda unit: -unit["score"])
    parts = sorted({part for unit in ranked if (part := unit.get("part", 0))})
    chosen: list[Evidence] = []
    for part in parts:
        own = [unit for unit in ranked if unit.get("part") == part and _adds(unit, chosen)]
        chosen += own[:1]
    chosen = chosen[:most] if parts else ranked[:1]
    return _widened(question, passages, ranked[:POOL], chosen, most)


def _widened(
    question: str, passages: Sequence[Passage], ranked: Sequence[Evidence], chosen: list[Evidence], most: int
) -> list[Evidence]:
    missing = set(term_set(question)).difference(*(_held(passages, unit) for unit in chosen))
    while chosen and missing and len(chosen) < most:
        rest = [unit for unit in ranked if _adds(unit, chosen) and unit["score"] >= NEXT_FROM * ranked[0]["score"]]
        best = max(rest, key=lambda unit: (len(missing & _held(passages, unit)), unit["score"]), default=None)
        if best is None or not missing & _held(passages, best):
            break
        chosen = [*chosen, best]
        missing -= _held(passages, best)
    return chosen


def _held(passages: Sequence[Passage], unit: Evidence) -> frozenset[str]:
    return term_set(unit["text"]) | term_set(about(passages[unit["passage"]]))


def _adds(unit: Evidence, chosen: Sequence[Evidence]) -> bool:
    words = term_set(said(unit))
    return not any(len(words & term_set(said(other))) >= SAME * max(1, len(words)) for other in chosen)
