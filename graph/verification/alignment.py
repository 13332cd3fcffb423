"""What a claim changes of a sentence that it otherwise copies: there the difference decides; pure."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from ..text.facts import APOSTROPHES, denials, opposed, plain_words
from ..text.words import empty_words, is_number, terms
from .passages import Told, missing

WORD = re.compile(rf"[^\W_]+(?:[.,:/-][^\W_]+)*(?:[{APOSTROPHES}](?=[^\W_]))?|[%‰€$£]|,")
NOT = re.compile(rf"n[{APOSTROPHES}]t\b|(?<=\bcan)not\b", re.IGNORECASE)
LEAST, ALIKE_FROM = 5, 0.75
"""Words that a claim must have to be a copy with one thing changed, and the share of them that the sentence has."""
LONGEST = 3
"""Words up to which a stretch of one can stand in the place of a stretch of the other."""
UNMAKES, SHORTEST = frozenset("un in im il ir non dis des dé on".split()), 4
"""Syllables before a word that make it its opposite, and the letters that the word must have."""
Change = Literal["denial", "opposite", "word"]
KINDS: tuple[Change, ...] = ("denial", "opposite", "word")


@lru_cache(maxsize=16384)
def change(claim: str, sentence: str, language: str) -> Change | None:
    """What a claim says otherwise than the sentence that it copies; None where it says the same, or is no copy.

    `denial`: one denies what the other says. `opposite`, `word`: a word has its opposite, or another, in its place.
    """
    ours, theirs = _words(claim), _words(sentence)
    if not copies(claim, sentence):
        return None
    claims, tells = (denials(" ".join(words), language) for words in (ours, theirs))
    if (claims > 0) != (tells > 0) and _content(claim, language) == _content(sentence, language):
        return "denial"
    found = {kind for piece in _pieces(ours) for kind in _changes(piece, theirs, language)}
    return next((kind for kind in KINDS if kind in found and not (kind == "denial" and claims == tells)), None)


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


def _changes(piece: Sequence[str], sentence: Sequence[str], language: str) -> Iterator[Change]:
    whole = Told(" ".join(sentence), language)
    for ours, theirs in _replaced(piece, sentence):
        turned = (denials(ours, language) > 0) != (denials(theirs, language) > 0)
        own, other = _content(ours, language), _content(theirs, language)
        if turned and _is_small(f"{ours} {theirs}", language):
            yield "denial"
        elif own and other and missing(own, [whole.found]):
            single = len(own) == len(other) == 1
            if opposed(plain_words(ours), plain_words(theirs)) or (single and _unmade(*own, *other)):
                yield "opposite"
            elif turned or single:
                yield "word"


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
