"""The terms of a text: stems of content words, and numbers; pure.

Scripts without spaces between words, and Korean with its suffixed particles, are split into pairs of characters.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Set
from functools import cache, lru_cache
from itertools import pairwise
from math import log
from threading import Lock
from typing import Any

import snowballstemmer
import stop_words

TOKEN = re.compile(r"(?<![\w).])[-−]?\d+(?:[.,:/–-]\d+)*|\d+(?:[.,:/–-]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)?|[^\W_]+")
SAME = str.maketrans("’−–", "'--")
EMPTY_WORDS = frozenset(
    """a about after all also am an and any are as at be because been before being but by can could did do does doing
    done for from get gets give given had has have having he her here hers him his how i if in into is it its just let
    long many may me might mine more most much must my no nor not of off on once one only or other our ours out over
    own please same shall she should so some such tell than that the their theirs them then there these they this those
    to too under until up us very was we were what when where whether which while who whom whose why will with would
    you your yours""".split()
)
ABBREVIATIONS = frozenset("US IT WHO".split())
"""Names that would be stop words in lower case."""
SAME_NAME = {"usa": "us"}
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese and Korean."""
KANA_ALONE = re.compile(r"[\u3040-\u309f]+")
"""Hiragana, used for Japanese endings and particles."""
INITIALS = re.compile(r"\b(?:[A-Z]\.){2,}")
"""An abbreviation with points, such as U.S."""
MIN_ALL_CAPS = 6
"""The length at which a text in capitals is not treated as an abbreviation."""

TermWeight = Callable[[str], float]
"""The weight of a term: its inverse document frequency."""


def equal_weight(term: str) -> float:
    """The same weight for every term, where no frequencies are known."""
    return 1.0


STEMMING = Lock()
"""A stemmer keeps state: two threads at once would get wrong stems, or an IndexError."""


@cache
def _stemmer(language: str) -> Any:
    name = stop_words.LANGUAGE_MAPPING.get(language, "")
    return snowballstemmer.stemmer(name) if name in snowballstemmer.algorithms() else None


@lru_cache(maxsize=50_000)
def _stem(word: str, language: str) -> str:
    stemmer = _stemmer(language)
    if stemmer is None:
        return word
    with STEMMING:
        return str(stemmer.stemWord(word))


@cache
def empty_words(language: str) -> frozenset[str]:
    """The stop words of a language by its ISO 639-1 code; none for an unknown language."""
    if language == "en":
        return EMPTY_WORDS
    known = language in stop_words.LANGUAGE_MAPPING
    return frozenset(word.lower() for word in stop_words.get_stop_words(language)) if known else frozenset()


def terms(text: str, language: str = "en") -> list[str]:
    """The stems of content words and the numbers of a text in order, without stop words.

    `US` is a name and becomes `us`, as do `U.S.` and `USA`; the pronoun `us` is a stop word.
    """
    return list(_terms(text, language))


def has_term(text: str, wanted: Set[str], language: str = "en") -> bool:
    """Whether a text has one of some terms."""
    # An English stem begins like its word, so that most words need not be stemmed.
    initials = {term[0] for term in wanted} if language == "en" else None
    return any(term in wanted for term in _terms(text, language, initials))


def _terms(text: str, language: str, initials: Set[str] | None = None) -> Iterator[str]:
    """The terms of a text; with `initials`, of its words only those that begin with one of them."""
    text = without_points(text)
    abbreviations = frozenset[str]() if len(text) >= MIN_ALL_CAPS and text.isupper() else ABBREVIATIONS
    empty = empty_words(language)
    for match in TOKEN.findall(text):
        word = (match if match.isascii() else match.translate(SAME)).removesuffix("'s").removesuffix("'S")
        lower = word.lower()
        if not word.isascii() and UNSPACED.match(word):
            yield from _pairs(word)
        elif lower in empty and word not in abbreviations:
            continue
        elif initials is None or lower[0] in initials or lower in SAME_NAME:
            yield _term(lower, language)


def _pairs(word: str) -> list[str]:
    """Each pair of neighbouring characters, without pairs of only hiragana."""
    pairs = ["".join(pair) for pair in pairwise(word)] or [word]
    return [pair for pair in pairs if not KANA_ALONE.fullmatch(pair)]


def _term(word: str, language: str) -> str:
    return word if is_number(word) else SAME_NAME.get(word) or _stem(word, language)


def without_points(text: str) -> str:
    """The text with `U.S.` written as `US`."""
    return INITIALS.sub(lambda match: match.group().replace(".", "") + " ", text) if "." in text else text


def is_number(term: str) -> bool:
    """Whether a term is a number, signed or not."""
    return term[-1].isdigit() and term.lstrip("-")[0].isdigit()


def numbers(text: str) -> set[str]:
    """The numbers of a text."""
    return {term for term in terms(text) if is_number(term)}


def weights(texts: Iterable[Iterable[str]]) -> dict[str, float]:
    """The smoothed inverse document frequency of each term among the texts: log((n + 1) / (df + 0.5))."""
    counts: dict[str, int] = {}
    total = 0
    for text in texts:
        total += 1
        for term in set(text):
            counts[term] = counts.get(term, 0) + 1
    return {term: log((total + 1) / (count + 0.5)) for term, count in counts.items()}


def share(wanted: Iterable[str], result: Iterable[str], weigh: TermWeight) -> float:
    """The weighted share of the wanted terms that are found, 0 to 1; 1 if no term is wanted."""
    wanted = set(wanted)
    total = sum(map(weigh, wanted))
    return sum(map(weigh, wanted.intersection(result))) / total if total > 0 else 1.0
