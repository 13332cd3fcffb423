"""Finds what a claim changes in a sentence that it otherwise copies; pure."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from ..text.facts import APOSTROPHES, count_negations, count_opposites, names, plain_words
from ..text.values import missing_values, values
from ..text.words import empty_words, is_number, terms
from .passages import AnalysedText, missing_terms

WORD = re.compile(rf"[^\W_]+(?:[.,:/-][^\W_]+)*(?:[{APOSTROPHES}](?=[^\W_]))?|[%‰€$£]|,")
NOT = re.compile(rf"n[{APOSTROPHES}]t\b|(?<=\bcan)not\b", re.IGNORECASE)
COPY_MIN_WORDS, COPY_MIN_SHARE = 5, 2 / 3
"""The fewest words of a claim that is a near copy, and the share of them that the sentence must have."""
MAX_REPLACED_WORDS = 3
"""The most words on each side of a replacement."""
CONJUNCTIONS = frozenset(["", *", and or und oder et ou y o e ed en of".split()])
"""Words between names whose order does not matter."""
CopyDifference = Literal["denial", "opposite", "value", "word"]


@lru_cache(maxsize=16384)
def copy_difference(claim: str, sentence: str, language: str) -> CopyDifference | None:
    """How a claim differs from a sentence that it copies; None where it says the same or is no copy.

    `denial`: only one of them is negated. `opposite`, `value`, `word`: a word is replaced by its opposite, a number by
    another one, or a word by another one.
    """
    if not is_near_copy(claim, sentence):
        return None
    claim_words, sentence_words = _words(claim), _words(sentence)
    claim_negations, sentence_negations = (
        count_negations(" ".join(words), language) for words in (claim_words, sentence_words)
    )
    if (claim_negations > 0) != (sentence_negations > 0) and _content(claim, language) == _content(sentence, language):
        return "denial"
    if _has_swapped_names(claim, sentence):
        return "opposite"
    kinds = set(_differences(claim_words, sentence_words, names(claim), language))
    kinds -= {"denial"} if claim_negations == sentence_negations else set()
    # A claim with two kinds of change is about something else.
    return next(iter(kinds)) if len(kinds) == 1 else "word" if kinds else None


@lru_cache(maxsize=16384)
def is_near_copy(claim: str, sentence: str) -> bool:
    """Whether a sentence has nearly all words of a claim, and most of its pairs of neighbouring words."""
    claim_words, sentence_words = _words(claim), _words(sentence)
    known, pairs = set(sentence_words), set(pairwise(sentence_words))
    shares_words = sum(word in known for word in claim_words) >= COPY_MIN_SHARE * len(claim_words)
    shares_pairs = 2 * sum(pair in pairs for pair in pairwise(claim_words)) >= len(claim_words) - 1
    return len(claim_words) >= COPY_MIN_WORDS and shares_words and shares_pairs


@lru_cache(maxsize=16384)
def _words(text: str) -> tuple[str, ...]:
    """The words and commas of a text in lower case; `isn't` becomes two words."""
    return tuple(word.lower() for word in WORD.findall(NOT.sub(" not", text)))


def _replaced(claim: Sequence[str], sentence: Sequence[str]) -> list[tuple[str, str]]:
    """The short pieces of the claim and of the sentence that replace each other; either may be empty.

    A claim whose parts have another order in the sentence is aligned part by part.
    """
    whole = _align(claim, sentence)
    in_order = all(len(new) <= MAX_REPLACED_WORDS for new, _ in whole)
    pieces = whole if in_order else [piece for part in _clauses(claim) for piece in _align(part, sentence)]
    return [(" ".join(new), " ".join(old)) for new, old in pieces if max(len(new), len(old)) <= MAX_REPLACED_WORDS]


def _clauses(words: Sequence[str]) -> Iterator[Sequence[str]]:
    """Split a claim at its commas."""
    begin = 0
    for position, word in enumerate([*words, ","]):
        if (word == "," and position - begin >= COPY_MIN_WORDS - 1) or position == len(words):
            yield words[begin:position]
            begin = position + 1


def _align(claim: Sequence[str], sentence: Sequence[str]) -> list[tuple[Sequence[str], Sequence[str]]]:
    """The words of a claim, or of a part of it, and those of the sentence in their place, where they differ."""
    longest = SequenceMatcher(None, claim, sentence, autojunk=False).find_longest_match()
    begin = max(0, longest.b - longest.a - MAX_REPLACED_WORDS)
    near = sentence[begin : longest.b + len(claim) - longest.a + MAX_REPLACED_WORDS]
    codes = SequenceMatcher(None, claim, near, autojunk=False).get_opcodes()
    differ = (code for code in codes if code[0] != "equal" and not (code[1] == len(claim) and near[code[3]] == ","))
    return [(claim[a:b], near[c:d]) for _, a, b, c, d in differ]


def _differences(
    claim: Sequence[str], sentence: Sequence[str], names: frozenset[str], language: str
) -> Iterator[CopyDifference]:
    pieces = [pair for pair in _replaced(claim, sentence) if not _is_same_value(*pair, language)]
    numbers = [pair for pair in pieces if _is_other_value(*pair, language)]
    words = [pair for pair in pieces if pair not in numbers and all(_content(text, language) for text in pair)]
    # With another word beside it, a number can be that of another case.
    if numbers and not words:
        yield "value"
    for new, old in pieces:
        negation_differs = (count_negations(new, language) > 0) != (count_negations(old, language) > 0)
        own, other = _content(new, language), _content(old, language)
        is_new = any(claim.count(word) > sentence.count(word) for word in new.split())
        if negation_differs and _is_function_words(f"{new} {old}", language):
            yield "denial"
        elif (new, old) in numbers:
            continue
        elif is_new and count_opposites(plain_words(new), plain_words(old)):
            yield "opposite"
        elif is_new and len(own) == len(other) == 1 and missing_terms(own, [AnalysedText(old, language).term_forms]):
            yield "opposite" if new in names else "word"
        elif is_new and own and other and negation_differs:
            yield "word"


def _is_same_value(new: str, old: str, language: str) -> bool:
    """Whether two pieces state the same values in two notations: `18 months` and `1.5 years`."""
    claimed, stated = values(new, language), values(old, language)
    return bool(claimed) and not missing_values(claimed, stated) and not missing_values(stated, claimed)


def _is_other_value(new: str, old: str, language: str) -> bool:
    """Whether a number stands in the place of another one of its kind."""
    stated = values(old, language)
    return any(
        any(each.kind == value.kind and (each.same_kind(value) or not each.units | value.units) for each in stated)
        for value in missing_values(values(new, language), stated)
    )


def _has_swapped_names(claim: str, sentence: str) -> bool:
    """Whether a claim swaps two names of the sentence: `from Leeds to Bristol`."""
    shared = names(claim) & names(sentence)
    claim_words, claim_names = _mask_names(_words(claim), shared)
    sentence_words, sentence_names = _mask_names(_words(sentence), shared)
    length = len(claim_words)
    starts = range(len(sentence_words) - length + 1)
    begin = next((n for n in starts if sentence_words[n : n + length] == claim_words), None)
    if len(claim_names) < 2 or begin is None:
        return False
    sentence_names = sentence_names[sentence_words[:begin].count("") :][: len(claim_names)]
    between = set(claim_words[claim_words.index("") : length - claim_words[::-1].index("")])
    swapped = claim_names != sentence_names and sorted(claim_names) == sorted(sentence_names)
    return swapped and not between <= CONJUNCTIONS


def _mask_names(words: Sequence[str], names: frozenset[str]) -> tuple[list[str], list[str]]:
    """The words with an empty string for each name, and the names in order."""
    return ["" if word in names else word for word in words], [word for word in words if word in names]


def _is_function_words(text: str, language: str) -> bool:
    """Whether a text has only negations and stop words."""
    empty = empty_words(language)
    return all(word in empty or count_negations(word, language) for word in text.split() if word != ",")


def _content(text: str, language: str) -> frozenset[str]:
    """The terms of a text without negations, and without numbers, which are compared as values."""
    return frozenset(
        term for term in terms(text, language) if not is_number(term) and not count_negations(term, language)
    )
