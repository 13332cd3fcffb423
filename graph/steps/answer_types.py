"""What kind of answer a question asks for, and whether a sentence has anything of that kind; pure."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from ..text.forms import AUXILIARIES, DETERMINERS, FUNCTION_WORDS, WORD, is_date, is_quantity
from ..text.words import terms

Kind = Literal["person", "place", "date", "count", "amount", "measure", "name", "thing", "reason", "manner", "polar"]

ASKS = re.compile(r"\b(who|whom|whose|when|where|why|which|what|how)\b", re.IGNORECASE)
CLAUSE_ENDS = re.compile(
    r"[,;:?!]|\b(?:so that|in order|because|if|when|while|unless|although|before|after|and|but)\b", re.IGNORECASE
)
BY_WORD: dict[str, Kind] = {"who": "person", "whom": "person", "whose": "person", "when": "date", "where": "place"}
HEADS: dict[Kind, frozenset[str]] = {
    "date": frozenset("year date day month centuri decad time period era season week hour weekday deadlin".split()),
    "place": frozenset(
        """citi countri state place region area locat town villag provinc counti contin river street build district
        capit nation territori island sea ocean site room""".split()
    ),
    "person": frozenset(
        """person man woman king queen presid leader author scientist actor director player artist singer compos
        philosoph emperor pope architect mathematician inventor founder chairman owner""".split()
    ),
    "amount": frozenset("price cost fee salari wage pay budget discount refund rate allowanc".split()),
    "count": frozenset(
        "number percent percentag amount quantiti popul total proport ratio count share minimum maximum limit".split()
    ),
    "measure": frozenset(
        """length height width distanc temperatur size age speed weight pressur area volum durat interv depth torqu
        voltag power capac""".split()
    ),
    "name": frozenset("name titl nicknam term word type kind version".split()),
}
"""Stems of the nouns after `which` and `what` that tell the kind."""
MEASURED = frozenset(
    """long often soon old far high tall larg big wide deep fast heavi hot cold loud late earli quick short thick close
    frequent apart hard strong""".split()
)
MONEY = frozenset("cost pay paid price spend spent charg earn salari fee worth money bill budget refund fine".split())
MOST_HEAD = 4


@dataclass(frozen=True)
class Wanted:
    """What a question asks for: `head` are the stems of the noun after its question word, `before` those before it.

    `subject` says that no auxiliary follows, so that the answer is who or what acts.
    """

    kind: Kind
    head: frozenset[str]
    subject: bool
    before: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def wanted(question: str) -> Wanted:
    """Read the kind of answer off a question's first question word and what follows it."""
    asked = ASKS.search(question)
    opens = next(iter(WORD.findall(question)), "").lower()
    if asked is None:
        return Wanted("polar" if opens in AUXILIARIES else "thing", frozenset(), False)
    word = asked.group().lower()
    if opens in AUXILIARIES and word not in ("what", "which", "how"):
        return Wanted("polar", frozenset(), False)
    rest = [token.lower() for token in WORD.findall(question[asked.end() :])]
    return replace(_by_word(word, rest), before=tuple(terms(question[: asked.start()])))


def asked_clause(question: str) -> str:
    """The clause that asks: from the question word to the next comma or word that begins another clause."""
    asked = ASKS.search(question)
    begin = asked.start() if asked else 0
    ends = CLAUSE_ENDS.search(question, asked.end() if asked else 0)
    return question[begin : ends.start() if ends else len(question)]


def _by_word(word: str, rest: list[str]) -> Wanted:
    if word == "how":
        return _how(rest)
    if word == "why":
        return Wanted("reason", frozenset(), False)
    if word in BY_WORD:
        return Wanted(BY_WORD[word], frozenset(), bool(rest) and rest[0] not in AUXILIARIES)
    return _which(rest)


def _how(rest: list[str]) -> Wanted:
    """How many, how much, how long and their like; any other `how` asks for the manner."""
    after = rest[0] if rest else ""
    head = frozenset(_noun(rest[1:]))
    if after == "many":
        return Wanted("count", head, _acts(rest[1:]))
    if after == "much":
        return Wanted("amount" if MONEY & set(terms(" ".join(rest))) else "count", head, _acts(rest[1:]))
    if {after, *terms(after)} & MEASURED:
        return Wanted("measure", frozenset(), False)
    return Wanted("manner", frozenset(), False)


def _which(rest: list[str]) -> Wanted:
    """Which or what: by the noun that follows, or by the one after `is the`, or `is the name of the`."""
    head = _noun(rest)
    if head or not rest or rest[0] not in AUXILIARIES:
        return Wanted(_kind(head), frozenset(head), bool(head) and _acts(rest))
    head, kind = _noun(_bare(rest[1:])), _kind(_noun(_bare(rest[1:])))
    if kind == "name" and "of" in rest:
        named = _kind(_noun(_bare(rest[rest.index("of") + 1 :])))
        kind = kind if named == "thing" else named
    # `What is gravity` asks to have it explained, `what is the price` asks for one.
    return Wanted(kind if rest[1:] and rest[1] in DETERMINERS else "thing", frozenset(head), False)


def _bare(words: list[str]) -> list[str]:
    """The words without the determiners that they begin with."""
    return _bare(words[1:]) if words and words[0] in DETERMINERS else words


def _noun(words: list[str]) -> list[str]:
    """The stems of the words up to the first function word."""
    end = next((n for n, word in enumerate(words) if word in FUNCTION_WORDS), len(words))
    return terms(" ".join(words[: min(end, MOST_HEAD)]))


def _acts(rest: list[str]) -> bool:
    """Whether no auxiliary follows the noun."""
    return next((word for word in rest if word in FUNCTION_WORDS), "") not in AUXILIARIES


def _kind(head: list[str]) -> Kind:
    return next((kind for kind, stems in HEADS.items() if stems & set(head)), "thing")


@lru_cache(maxsize=2048)
def could_answer(question: str, text: str) -> bool | None:
    """Whether a sentence has a word of the wanted kind that the question has not; None where the kind does not tell."""
    kind = wanted(question).kind
    said = {word.lower() for word in WORD.findall(question)}
    new = [word for word in WORD.findall(text) if word.lower() not in said and word.lower() not in FUNCTION_WORDS]
    match kind:
        case "person" | "place":
            return any(word[0].isupper() for word in new)
        case "date":
            return any(is_date(word) for word in new)
        case "count" | "amount" | "measure":
            return any(is_quantity(word) for word in new)
        case _:
            return None
