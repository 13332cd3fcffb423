"""Finds what a claim changes in a sentence that it otherwise copies; pure."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from ..text.facts import APOSTROPHES, count_negations, count_opposites, denies_opposite, names, plain_words
from ..text.values import missing_values, values
from ..text.words import empty_words, is_number, terms
from .passages import AnalysedText, missing_terms
from .rivals import PART_ENDS

WORD = re.compile(rf"[^\W_]+(?:[.,:/-][^\W_]+)*(?:[{APOSTROPHES}](?=[^\W_]))?|[%‰€$£]|,")
NOT = re.compile(rf"n[{APOSTROPHES}]t\b|(?<=\bcan)not\b", re.IGNORECASE)
COPY_MIN_WORDS, COPY_MIN_SHARE = 5, 2 / 3
"""The fewest words of a claim that is a near copy, and the share of them that the sentence must have."""
MAX_REPLACED_WORDS = 3
"""The most words on each side of a replacement."""
MAX_SWAPPED_WORDS = 4
"""The most words that stand in each other's place."""
CONJUNCTIONS = frozenset("and or und oder et ou y o e ed en of ,".split())
"""Words between others whose order does not matter."""
BEGINS = frozenset("from since after ab von seit nach depuis après desde después dal dopo vanaf sinds na".split())
ENDS = frozenset("until till before by bis vor avant hasta antes fino entro prima tot voor".split())
"""What a date is the beginning of, and the end."""
ONLY = frozenset("only nur lediglich ausschließlich seulement uniquement sólo solo solamente soltanto alleen".split())
ALL = frozenset(
    "all every any always alle jede jeder jedes immer tous toutes toujours todos todas siempre tutti".split()
)
BEFORE = frozenset("before bevor avant antes prima voordat".split())
ORDER = re.compile(
    r"\b(before|after|bevor|nachdem|avant|après|antes|después|prima|dopo|voordat|nadat)\b", re.IGNORECASE
)
CopyDifference = Literal["denial", "opposite", "value", "limit", "word"]


@lru_cache(maxsize=16384)
def copy_difference(claim: str, sentence: str, language: str) -> CopyDifference | None:
    """How a claim differs from a sentence that it copies; None where it says the same or is no copy.

    `denial`: only one of them is negated. `opposite`, `value`, `word`: a word is replaced by its opposite, a number by
    another one, or a word by another one. `limit`: the claim says `only` of what the sentence says, or
    says of all what that says of some.
    """
    if not is_near_copy(claim, sentence):
        return None
    claim_words, sentence_words = _words(claim), _words(sentence)
    claim_negations, sentence_negations = (
        count_negations(" ".join(words), language) for words in (claim_words, sentence_words)
    )
    if denies_opposite(claim, sentence, language):
        return None
    if (claim_negations > 0) != (sentence_negations > 0) and _content(claim, language) == _content(sentence, language):
        return "denial"
    if _has_swapped_words(claim_words, sentence_words, language):
        return "opposite"
    kinds = set(_differences(claim, sentence, language))
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


def _differences(claim_text: str, sentence_text: str, language: str) -> Iterator[CopyDifference]:
    claim, sentence = _words(claim_text), _words(sentence_text)
    pieces = [pair for pair in _replaced(claim, sentence) if not _is_same_value(*pair, language)]
    numbers = [pair for pair in pieces if _is_other_value(*pair, language)]
    words = [pair for pair in pieces if pair not in numbers and all(_content(text, language) for text in pair)]
    yield from _generalised(pieces, language)
    is_other = not _is_same_value(claim_text, sentence_text, language)
    for new, old in pieces:
        yield from _changed_bound(new, old, claim)
        negation_differs = (count_negations(new, language) > 0) != (count_negations(old, language) > 0)
        own, other = _content(new, language), _content(old, language)
        is_new = any(claim.count(word) > sentence.count(word) for word in new.split())
        if negation_differs and _is_function_words(f"{new} {old}", language):
            yield "denial"
        elif (new, old) in numbers:
            # With another word or number beside it, it can be that of another case.
            alone = len(numbers) == 1 and not words
            if alone and (is_other if is_new else not _is_of_part(new, claim_text, sentence_text, language)):
                yield "value"
        elif is_new and count_opposites(plain_words(new), plain_words(old)):
            yield "opposite"
        elif is_new and len(own) == len(other) == 1 and missing_terms(own, [AnalysedText(old, language).term_forms]):
            yield "opposite" if new in names(claim_text) else "word"
        elif is_new and own and other and negation_differs:
            yield "word"


def _generalised(pieces: Sequence[tuple[str, str]], language: str) -> Iterator[CopyDifference]:
    """`All deliveries are free` where the sentence says it of deliveries over 200 euros."""
    if any(new in ALL for new, _ in pieces) and any(not new and values(old, language) for new, old in pieces):
        yield "limit"


def _changed_bound(new: str, old: str, claim: Sequence[str]) -> Iterator[CopyDifference]:
    """`until` in place of `from`, or `only` of what the sentence says without it; `only 5 euros` says no more."""
    if {new, old} & BEGINS and {new, old} & ENDS:
        yield "opposite"
    if new in ONLY and not any(is_number(word) for word in claim[claim.index(new) + 1 :][:2]):
        yield "limit"


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


def _is_of_part(number: str, claim: str, sentence: str, language: str) -> bool:
    """Whether a part of the sentence has a number and no term that the claim lacks: `5 EUR, for children 3 EUR`."""
    wanted, own = values(number, language), _content(claim, language)
    parts = PART_ENDS.split(sentence)
    return any(_content(part, language) <= own and not missing_values(wanted, values(part, language)) for part in parts)


def _has_swapped_words(claim: Sequence[str], sentence: Sequence[str], language: str) -> bool:
    """Whether a claim swaps words of the sentence across another one: `from Leeds to Bristol`, `the tenant pays`."""
    empty = empty_words(language)
    for begin in range(len(sentence) - len(claim) + 1):
        window = sentence[begin : begin + len(claim)]
        moved = [n for n, (new, old) in enumerate(zip(claim, window, strict=True)) if new != old]
        words = sorted(claim[n] for n in moved)
        if 0 < len(moved) <= MAX_SWAPPED_WORDS and words == sorted(window[n] for n in moved):
            between = {claim[n] for n in range(moved[0], moved[-1]) if n not in moved}
            return not between <= CONJUNCTIONS and not any(word in empty or is_number(word) for word in words)
    return False


@lru_cache(maxsize=16384)
def is_reversed(claim: str, sentence: str) -> bool:
    """Whether two texts with the same words tell two events in another order: A before B, B before A, A after B."""
    own, other = _events(claim), _events(sentence)
    if not own or not other or min(map(len, (*own, *other))) == 0:
        return False
    same = len(own[0] & other[0]) + len(own[1] & other[1])
    return len(own[0] & other[1]) + len(own[1] & other[0]) > same and same < COPY_MIN_WORDS


def _events(text: str) -> tuple[frozenset[str], frozenset[str]] | None:
    """The terms of what comes first and of what comes after it; None where a text does not tell."""
    parts = ORDER.split(text)
    if len(parts) != 3:
        return None
    first, second = (frozenset(terms(part)) for part in (parts[0], parts[2]))
    return (first, second) if parts[1].lower() in BEFORE else (second, first)


def _is_function_words(text: str, language: str) -> bool:
    """Whether a text has only negations and stop words."""
    empty = empty_words(language)
    return all(word in empty or count_negations(word, language) for word in text.split() if word != ",")


def _content(text: str, language: str) -> frozenset[str]:
    """The terms of a text without negations, and without numbers, which are compared as values."""
    return frozenset(
        term for term in terms(text, language) if not is_number(term) and not count_negations(term, language)
    )
