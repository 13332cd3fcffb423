"""Decides whether what was found can answer a question, part by part, and what is quoted where no model reads; pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..learned import load
from ..state import Evidence, Passage, Selection
from ..text.language import UNKNOWN, likeliest_language
from ..text.words import TermWeight
from .evidence import about_names, is_entry, log_odds, score
from .names import CARRIED
from .question import WITH_VECTORS, asks_to_work_out
from .quotes import choose, once

CHANCE = 0.35
"""Share of a question's terms that a sentence about something else may have."""
READ = 5
"""Units that are read with the question: of the right ones, hardly any stands further down."""
Read = Callable[[str, Sequence[str]], list[float]]
"""How well each text answers a question, as log-odds."""
BESIDE_READING = 1.0
"""What the log-odds of a unit's score count beside the reading."""
UNNAMED = 0.4
"""What of the confidence is left where something that the question names is nowhere: it declines, and still ranks."""


def is_complex(question: str, parts: Sequence[str]) -> bool:
    """Whether a question asks several things, or for something that has to be worked out: for the larger model."""
    return bool(parts) or asks_to_work_out(question)


@dataclass(frozen=True)
class Assessment:
    """What can be quoted for a question, and how sure it is that anything related to it was found, 0 to 1."""

    selection: Selection
    related: float


def assess(
    question: str,
    parts: Sequence[str],
    passages: Sequence[Passage],
    weigh: TermWeight,
    *,
    language: str = "en",
    answer_from: float,
    read: Read | None = None,
) -> Assessment:
    """The quotes for a question, or for each of its parts; a part below `answer_from` is given none.

    `read`, where there is one, reads the best sentences with the question and so orders them anew.
    """
    questions = list(parts) or [question]
    if language == UNKNOWN and passages:
        language = likeliest_language(question, passages[0]["text"])
    found = [_answer(part, passages, weigh, language, answer_from, read) for part in questions]
    answered = [each for each in found if each.selection["quotes"]]
    chosen = answered or found
    selection = Selection(
        quotes=once([quote for each in answered for quote in each.selection["quotes"]]),
        confidence=(min if answered else max)(each.selection["confidence"] for each in chosen),
        partial=" ".join(dict.fromkeys(each.selection["partial"] for each in answered if each.selection["partial"])),
        missing=list(dict.fromkeys(name for each in found for name in each.selection["missing"])),
        unanswered=[part for part, each in zip(questions, found, strict=True) if not each.selection["quotes"]],
    )
    return Assessment(selection, max(each.related for each in found))


def _answer(
    question: str, passages: Sequence[Passage], weigh: TermWeight, language: str, answer_from: float, read: Read | None
) -> Assessment:
    evidence = score(question, passages, weigh, language)
    related = confidence(evidence, language)
    named = about_names(question, passages, evidence, language)
    fitting, reading_score = named.fitting, None
    if read and fitting and language in WITH_VECTORS and not is_entry(question, fitting[0]):
        fitting, reading_score = by_reading(question, fitting, read)
    sure = confidence(fitting, language, reading_score) if fitting else UNNAMED * related
    selection = Selection(
        quotes=[], confidence=sure, partial="", missing=[name.text for name in named.missing], unanswered=[]
    )
    if fitting and sure >= answer_from:
        quotes = choose(question, passages, fitting, named.found)
        selection["quotes"], selection["partial"] = quotes.found, quotes.partial
    return Assessment(selection, related)


def by_reading(question: str, fitting: Sequence[Evidence], read: Read) -> tuple[list[Evidence], float]:
    """The units with the first READ in the order of how well they answer when they are read; and the best's score.

    What a conversation has carried along is not read: a sentence that only repeats it would read best.
    """
    best = fitting[:READ]
    scores = read(CARRIED.sub("", question), [f"{unit['context']}. {unit['text']}" for unit in best])
    order = sorted(range(len(best)), key=lambda n: -scores[n] - BESIDE_READING * log_odds(best[n]))
    return [*(best[n] for n in order), *fitting[READ:]], scores[order[0]]


def confidence(evidence: Sequence[Evidence], language: str = "en", read: float | None = None) -> float:
    """The probability, 0 to 1, that the evidence holds the answer; 0 without evidence. `evidence` is best first.

    `read`: how well the best unit answers as a cross-encoder reads it with the question, where one does.
    """
    if not evidence:
        return 0.0
    if language not in WITH_VECTORS:
        return max(0.0, (evidence[0]["coverage"] - CHANCE) / (1 - CHANCE))
    return load("confidence").probability(signs(evidence[0], read))


def signs(best: Evidence, read: float | None = None) -> dict[str, float]:
    """What the weights look at: the best unit's cosine, the share of the question's terms in it, and how it reads.

    `was_read` is 1 where a cross-encoder has read it: then the others count for less.
    """
    return {
        "similar": best["similarity"],
        "held": best["coverage"],
        "read": read or 0.0,
        "was_read": float(read is not None),
    }
