"""How sure it is that what was found answers a question: one logistic over a few signs, or a share of terms; pure."""

import re
from collections.abc import Sequence

from ..learned import load
from ..state import Evidence
from .question_terms import asked_terms, term_set

WITH_VECTORS = ("en", "und")
"""Languages whose meaning the packaged embeddings know; in others only the words tell."""
HELD_WHOLE, ALL = 0.5, 0.999
"""The least confidence where the best unit has all of a question's terms."""
CHANCE = 0.35
"""Share of a question's terms that a sentence about something else may have."""
ASKS = re.compile(r"[在是]?[几哪谁什么怎吗呢多少]+[里儿个点]?|[何誰幾][時日番]?|(?:언제|어디|무엇|누구|몇)[가-힣]*")
"""What asks in Chinese, Japanese and Korean, and stands in no answer."""

ASKING = re.compile(
    r"\b(?:kost(?:et|en)?|coûte(?:nt)?|cuestan?|costa(?:no)?)\b"
    r"|\b(?:quelle heure|qué hora|che ora|wie ?viel uhr|uhrzeit|hoe laat)\b"
    r"|\bwie (?:viele?|lange|hoch|oft|weit|groß|schwer|tief)\b|\bcombien\b"
    r"|\bcu[aá]nt[oa]s?\b|\bquant[oaie]\b|\bhoe(?:veel| lang| hoog| vaak| ver)\b|\b(?:dónde|cuándo|cómo)\b"
    r"|\b(?:darf|dürfen|peut-on|puis-je|doit-on|(?:se )?puede|puedo|si può|posso)\b|\bfinde?t? (?:ich|man|sich)\b"
    r"|可以|能否|请问|얼마|(?:입니|습니|ㅂ니)까|나요|가요",
    re.IGNORECASE,
)
"""What asks in other languages than English, and stands in no answer."""
NOUN = re.compile(r"(?<!welche )(?<!welche[mnrs] )\b[A-ZÄÖÜ]\w+")
"""A German noun, but for what is asked for: `Auf welcher Höhe liegt es?`"""


def confidence(question: str, evidence: Sequence[Evidence], language: str = "en", read: float | None = None) -> float:
    """The probability, 0 to 1, that the evidence holds the answer; 0 without evidence. `evidence` is best first.

    `read`: how well the best unit answers as a cross-encoder reads it with the question, where one does.
    """
    if not evidence:
        return 0.0
    if language not in WITH_VECTORS:
        return held_by_best(question, evidence[0], language)
    probability = load("confidence").probability(signs(evidence[0], read))
    return max(probability, HELD_WHOLE) if evidence[0]["coverage"] > ALL else probability


def held_by_best(question: str, best: Evidence, language: str) -> float:
    """How much of a question's terms the best unit has with its context, 0 to 1; German nouns count twice."""
    asked = ASKS.sub(" ", ASKING.sub("", question))
    wanted, here = asked_terms(asked, language), term_set(f"{best['text']}\n{best['context']}", language)
    nouns = term_set(" ".join(NOUN.findall(asked)), language) if language == "de" else frozenset()
    held, whole = (len(some) + len(some & nouns) for some in (wanted & here, wanted))
    return max(0.0, (held / max(1, whole) - CHANCE) / (1 - CHANCE))


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
