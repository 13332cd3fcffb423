"""What a claim changes of a sentence that it otherwise copies: there the difference decides; pure."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from ..text.facts import APOSTROPHES, denials, names, opposed, plain_words
from ..text.words import empty_words, is_number, terms
from .passages import Told, missing

WORD = re.compile(rf"[^\W_]+(?:[.,:/-][^\W_]+)*(?:[{APOSTROPHES}](?=[^\W_]))?|[%‰€$£]|,")
NOT = re.compile(rf"n[{APOSTROPHES}]t\b|(?<=\bcan)not\b", re.IGNORECASE)
BESIDE = re.compile(r", (?:not|nicht|pas|no|non|niet)\b[^,.;:]*")
"""What only keeps something else away: `, not after`."""
LEAST, ALIKE_FROM = 5, 0.75
"""Words that a claim must have to be a copy with one thing changed, and the share of them that the sentence has."""
LONGEST = 3
"""Words up to which a stretch of one can stand in the place of a stretch of the other."""
UNMAKES, SHORTEST = frozenset("un in im il ir non dis des dé on".split()), 4
"""Syllables before a word that make it its opposite, and the letters that the word must have."""
JOINS = frozenset(["", *", and or und oder et ou y o e ed en of".split()])
"""What stands between things that may change their places."""
Change = Literal["denial", "opposite", "word"]


@lru_cache(maxsize=16384)
def change(claim: str, sentence: str, language: str) -> Change | None:
    """What a claim says otherwise than the sentence that it copies; None where it says the same, or is no copy.

    `denial`: one denies what the other says. `opposite`, `word`: a word has its opposite, or another, in its place.
    """
    claim, sentence = BESIDE.sub("", claim), BESIDE.sub("", sentence)
    if not copies(claim, sentence):
        return None
    ours, theirs = _words(claim), _words(sentence)
    claims, tells = (denials(" ".join(words), language) for words in (ours, theirs))
    if (claims > 0) != (tells > 0) and _content(claim, language) == _content(sentence, language):
        return "denial"
    if _exchanged(claim, sentence):
        return "opposite"
    found = {kind for piece in _pieces(ours) for kind in _changes(piece, ours, theirs, language)}
    found -= {"denial"} if claims == tells else set()
    # What is changed in two ways is of another thing, and no copy that says otherwise.
    return next(iter(found)) if len(found) == 1 else "word" if found else None


@lru_cache(maxsize=16384)
def copies(claim: str, sentence: str) -> bool:
    """Whether a claim has nearly all its words, and most of them side by side, from a sentence."""
    ours, theirs = _words(claim), _words(sentence)
    known, pairs = set(theirs), set(pairwise(theirs))
    alike = sum(word in known for word in ours) >= ALIKE_FROM * len(ours)
    return len(ours) >= LEAST and alike and 2 * sum(pair in pairs for pair in pairwise(ours)) >= len(ours) - 1


@lru_cache(maxsize=16384)
def _words(text: str) -> tuple[str, ...]:
    """The words of a text and its commas, in lower case; `isn't` as two."""
    return tuple(word.lower() for word in WORD.findall(NOT.sub(" not", text)))


def _pieces(words: Sequence[str]) -> Iterator[Sequence[str]]:
    """A claim between its commas: its parts may stand in another order than in the sentence."""
    begun = 0
    for place, word in enumerate([*words, ","]):
        if (word == "," and place - begun >= LEAST - 1) or place == len(words):
            yield words[begun:place]
            begun = place + 1


def _replaced(piece: Sequence[str], sentence: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The short stretches of a piece and of the sentence that stand in each other's place; either may be empty."""
    longest = SequenceMatcher(None, piece, sentence, autojunk=False).find_longest_match()
    begin = max(0, longest.b - longest.a - LONGEST)
    near = sentence[begin : longest.b + len(piece) - longest.a + LONGEST]
    for kind, a, b, c, d in SequenceMatcher(None, piece, near, autojunk=False).get_opcodes():
        if kind != "equal" and max(b - a, d - c) <= LONGEST:
            yield " ".join(piece[a:b]), " ".join(near[c:d])


def _changes(piece: Sequence[str], claim: Sequence[str], sentence: Sequence[str], language: str) -> Iterator[Change]:
    for ours, theirs in _replaced(piece, sentence):
        turned = (denials(ours, language) > 0) != (denials(theirs, language) > 0)
        own, other = _content(ours, language), _content(theirs, language)
        new = any(claim.count(word) > sentence.count(word) for word in ours.split())
        if turned and _is_small(f"{ours} {theirs}", language):
            yield "denial"
        elif new and opposed(plain_words(ours), plain_words(theirs)):
            yield "opposite"
        elif new and len(own) == len(other) == 1 and missing(own, [Told(theirs, language).found]):
            yield "opposite" if _unmade(*own, *other) else "word"
        elif new and own and other and turned:
            yield "word"


def _exchanged(claim: str, sentence: str) -> bool:
    """Whether a claim has names of the sentence in each other's place: `from Leeds to Bristol`."""
    named = names(claim) & names(sentence)
    (ours, own), (theirs, told) = (_masked(_words(text), named) for text in (claim, sentence))
    begin = next((n for n in range(len(theirs) - len(ours) + 1) if theirs[n : n + len(ours)] == ours), None)
    if len(own) < 2 or begin is None:
        return False
    told = told[theirs[:begin].count("") :][: len(own)]
    between = set(ours[ours.index("") : len(ours) - ours[::-1].index("")])
    return own != told and sorted(own) == sorted(told) and not between <= JOINS


def _masked(words: Sequence[str], named: frozenset[str]) -> tuple[list[str], list[str]]:
    return ["" if word in named else word for word in words], [word for word in words if word in named]


def _is_small(text: str, language: str) -> bool:
    """Whether a text has nothing but denials and words that carry no meaning."""
    empty = empty_words(language)
    return all(word in empty or denials(word, language) for word in text.split() if word != ",")


def _content(text: str, language: str) -> frozenset[str]:
    """The terms of a text without its denials, and without its numbers, which are compared as values."""
    return frozenset(term for term in terms(text, language) if not is_number(term) and not denials(term, language))


def _unmade(one: str, other: str) -> bool:
    """Whether one word is the other with a syllable before it that denies: `paid` and `unpaid`."""
    short, long = sorted((one, other), key=len)
    return len(short) >= SHORTEST and long.endswith(short) and long.removesuffix(short) in UNMAKES
