"""Other values that a claim could mean: which unit holds more of the question; pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..steps.names import names_in, text_names
from ..text.facts import plain_words
from ..text.number_words import in_digits
from ..text.values import ONE_UNIT, Value, missing_values
from ..text.words import TermWeight, empty_words, share
from .claims import VERBS, InterpretedClaim
from .passages import AnalysedText, PreparedPassage, missing_terms, terms_of

RIVAL_MARGIN = 0.05
"""How much more of the question another value must stand with."""
PART_ENDS = re.compile(r"[;,] (?:(?:and|but|und|aber|et|mais|y|pero|e|ma|en|maar) )?| (?:and|und|et|y|e|en) ")
CONTRAST = re.compile(
    r",? (?:but|while|whereas|aber|während|mais|tandis que|pero|mientras que|ma|mentre|maar|terwijl) ", re.IGNORECASE
)


def question_overlap(claim: InterpretedClaim, unit: AnalysedText, context: AnalysedText, weigh: TermWeight) -> float:
    """The weighted share of the question's terms that a unit and its context have."""
    return _overlap(claim.question_terms, unit, context, weigh)


@lru_cache(maxsize=16384)
def _overlap(question_terms: frozenset[str], unit: AnalysedText, context: AnalysedText, weigh: TermWeight) -> float:
    return share(
        question_terms, question_terms - missing_terms(question_terms, [unit.term_forms, context.term_forms]), weigh
    )


def best_question_overlap(claim: InterpretedClaim, passages: Sequence[PreparedPassage], weigh: TermWeight) -> float:
    """The highest question overlap among the units that do not state the claim's answer."""
    units = [pair for passage in passages for pair in zip(passage.unit_texts, passage.unit_contexts, strict=True)]
    ranked = sorted(((question_overlap(claim, *pair, weigh), pair[0]) for pair in units), key=lambda each: -each[0])
    return next(
        (
            overlap
            for overlap, unit in ranked
            if missing_terms(claim.answer_terms, [unit.term_forms]) or missing_values(claim.values, unit.values)
        ),
        0.0,
    )


@dataclass(frozen=True)
class Overlap:
    """How much of the question a unit holds, by itself and with its context, and how many of its names."""

    alone: float
    in_context: float
    names: int

    def beats(self, other: "Overlap") -> bool:
        """Whether a unit holds more of the question by itself, and no less in its context."""
        more = self.alone > other.alone + RIVAL_MARGIN or (self.names > other.names and self.alone >= other.alone)
        return more and self.in_context >= other.in_context and self.names >= other.names


def overlap_of(claim: InterpretedClaim, unit: AnalysedText, context: AnalysedText, weigh: TermWeight) -> Overlap:
    texts = text_names(unit.text), text_names(context.text)
    held = sum(any(text.has(name) for text in texts) for name in names_in(claim.question))
    return Overlap(question_overlap(claim, unit, unit, weigh), question_overlap(claim, unit, context, weigh), held)


def rival_overlaps(
    claim: InterpretedClaim, passages: Sequence[PreparedPassage], weigh: TermWeight
) -> tuple[Overlap, ...]:
    """What the units hold that state another value or name, where the claim is a bare one."""
    if not claim.needs_question:
        return ()
    return tuple(
        overlap_of(claim, unit, context, weigh)
        for passage in passages
        for unit, context in zip(passage.unit_texts, passage.unit_contexts, strict=True)
        if not _has_answer(claim, unit)
        and (_rivals_of(claim, unit.values) if claim.values else _has_other_answer(claim, unit))
    )


def _rivals_of(claim: InterpretedClaim, stated: Sequence[Value]) -> list[Value]:
    """Other values of the claim's kind; days and months are both durations."""
    lasts = any(_is_duration(own) for own in claim.values)
    return [
        value
        for value in missing_values(stated, claim.values)
        if (lasts and _is_duration(value))
        or any(value.same_kind(own) or (value.kind == own.kind and not value.units | own.units) for own in claim.values)
    ]


def _is_duration(value: Value) -> bool:
    return any(base in ("second", "month") for base, _ in value.units)


def has_rival_beside(claim: InterpretedClaim, unit: AnalysedText) -> bool:
    """Whether the claim's answer belongs to something else in the same sentence or row: `cats are free, but dogs pay`.

    Another part of the sentence has a term of the claim or question that the answer's part lacks.
    """
    is_contrast, parts = _parts(unit)
    if len(parts) == 1:
        return False
    own = [part for part in parts if _has_answer(claim, part)]
    others = [part for part in parts if part not in own and (is_contrast or _has_other_answer(claim, part))]
    opening = frozenset() if is_contrast else _opening(parts[0])
    return bool(own and others) and all(_is_of_others(claim, part, others, opening) for part in own)


@lru_cache(maxsize=4096)
def _parts(unit: AnalysedText) -> tuple[bool, list[AnalysedText]]:
    """Whether a sentence contrasts its parts, and the parts."""
    is_contrast = "?" not in unit.text and bool(CONTRAST.search(unit.text))
    parts = (CONTRAST if is_contrast else PART_ENDS).split(unit.text)
    return is_contrast, [AnalysedText(part, unit.language) for part in parts]


def _is_of_others(
    claim: InterpretedClaim, own: AnalysedText, others: Sequence[AnalysedText], opening: frozenset[str]
) -> bool:
    """Whether a part has terms of its own and lacks one of the claim that another part has."""
    if not missing_terms(_described(own.terms, own.values), [_forms(claim.all_terms)]):
        return False
    # What stands before the first value holds also for a part that is no clause.
    is_clause = any(word in VERBS for word in own.text.lower().split())
    wanted = _described(claim.all_terms, claim.values) - empty_words(claim.language)
    lacking = missing_terms(wanted, [own.term_forms, *([] if is_clause else [_forms(opening)])])
    return any(len(missing_terms(lacking, [other.term_forms])) < len(lacking) for other in others)


def _described(terms: Iterable[str], values: Sequence[Value]) -> frozenset[str]:
    """The terms that are not part of a value."""
    return frozenset(terms).difference(*(terms_of(value.text) for value in values))


def _opening(part: AnalysedText) -> frozenset[str]:
    """The terms before the first value of a part."""
    text = in_digits(part.text, part.language)
    return frozenset(terms_of(text[: part.values[0].start] if part.values else text))


def _forms(terms: Iterable[str]) -> frozenset[str]:
    return AnalysedText(" ".join(sorted(terms)), "en").term_forms


def _answer_names(claim: InterpretedClaim) -> frozenset[str]:
    """The words of the claim's names that the question does not have."""
    names = frozenset[str]().union(*claim.names) - plain_words(claim.question)
    return names - {name for name in names if not missing_terms(terms_of(name), [_forms(claim.question_terms)])}


def _has_answer(claim: InterpretedClaim, part: AnalysedText) -> bool:
    if claim.values:
        return not missing_values(claim.values, part.values)
    if names := _answer_names(claim):
        return names <= part.words
    return bool(claim.answer_terms) and not missing_terms(claim.answer_terms, [part.term_forms])


def _has_other_answer(claim: InterpretedClaim, part: AnalysedText) -> bool:
    if claim.values:
        return any(value.units != ONE_UNIT for value in missing_values(part.values, claim.values))
    return bool(_answer_names(claim) and part.names - claim.words - plain_words(claim.question))
