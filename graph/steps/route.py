"""Decides whether what was found can answer a question, part by part, and what is quoted where no model reads; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..state import Evidence, Passage, Quote, Selection
from ..text.words import Weigh
from .confidence import confidence
from .evidence import Named, about_names, score
from .names import Name, held
from .quotes import asks_to_work_out, choose

JOINED = re.compile(r",|\b(?:and|or|than|versus|vs|from|to|und|oder|als|et|ou|y|o|e|og|en)\b|&|/", re.IGNORECASE)
"""What stands between things that are compared or listed."""
UNLIKE = "The passages say it of each by itself."


def is_complex(question: str, parts: Sequence[str]) -> bool:
    """Whether a question asks several things, or for something that has to be worked out: for the larger model."""
    return bool(parts) or asks_to_work_out(question)


@dataclass(frozen=True)
class Judged:
    """What can be quoted for a question, and how sure it is that anything related to it was found, 0 to 1."""

    selection: Selection
    related: float


def judge(
    question: str,
    parts: Sequence[str],
    passages: Sequence[Passage],
    weigh: Weigh,
    *,
    language: str = "en",
    answer_from: float,
) -> Judged:
    """The quotes for a question, or for each of its parts; a part below `answer_from` is given none."""
    asked = list(parts) or [question]
    found = [_answer(part, passages, weigh, language, answer_from) for part in asked]
    answered = [each for each in found if each.selection["quotes"]]
    chosen = answered or found
    selection = Selection(
        quotes=_once([quote for each in answered for quote in each.selection["quotes"]]),
        confidence=(min if answered else max)(each.selection["confidence"] for each in chosen),
        partial=" ".join(dict.fromkeys(each.selection["partial"] for each in answered if each.selection["partial"])),
        missing=list(dict.fromkeys(name for each in found for name in each.selection["missing"])),
        unanswered=[part for part, each in zip(asked, found, strict=True) if not each.selection["quotes"]],
    )
    return Judged(selection, max(each.related for each in found))


def _answer(question: str, passages: Sequence[Passage], weigh: Weigh, language: str, answer_from: float) -> Judged:
    evidence = score(question, passages, weigh, language)
    related = confidence(question, passages, evidence, weigh, language)
    named = about_names(question, passages, evidence, language)
    sure = related if named.fitting == evidence else confidence(question, passages, named.fitting, weigh, language)
    selection = Selection(
        quotes=[], confidence=sure, partial="", missing=[name.text for name in named.missing], unanswered=[]
    )
    if not named.whole and _are_listed(question, named.names) and related >= answer_from:
        selection["quotes"], selection["partial"] = _each(passages, evidence, named), UNLIKE
        selection["confidence"] = related
    elif named.fitting and sure >= answer_from:
        quotes = choose(question, passages, named.fitting, evidence)
        selection["quotes"] = [Quote(text=quote.text, passage=quote.passage) for quote in quotes.found]
        selection["partial"] = quotes.partial
    return Judged(selection, related)


def _are_listed(question: str, names: Sequence[Name]) -> bool:
    """Whether a question names things side by side, so that each may be told by itself."""
    places = [question.find(name.text) for name in names]
    between = zip(names, places, places[1:], strict=False)
    return len(names) > 1 and any(
        JOINED.search(question[place + len(name.text) : after]) for name, place, after in between
    )


def _each(passages: Sequence[Passage], evidence: Sequence[Evidence], named: Named) -> list[Quote]:
    """The best unit for each name."""
    found = []
    for name in named.names:
        best = next((unit for unit in evidence if held(unit["text"]).has(name)), None)
        if best:
            found.append(Quote(text=best["text"], passage=best["passage"]))
    return _once(found)


def _once(quotes: Sequence[Quote]) -> list[Quote]:
    return list({(quote["passage"], quote["text"]): quote for quote in quotes}.values())
