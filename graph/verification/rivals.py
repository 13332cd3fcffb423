"""Other values that a claim could mean: which unit holds more of the question; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..steps.names import names_in, text_names
from ..text.values import Value, in_digits, missing_values
from ..text.words import TermWeight, share
from .passages import AnalysedText, PreparedPassage, missing_terms, terms_of
from .statement import InterpretedClaim, unit_asked_for

RIVAL_MARGIN = 0.05
"""How much more of the question another value must stand with."""
DURATIONS = ("second", "month")
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
    """What the units hold that state another value, where the claim is a bare value."""
    if not (claim.needs_question and claim.values):
        return ()
    return tuple(
        overlap_of(claim, unit, context, weigh)
        for passage in passages
        for unit, context in zip(passage.unit_texts, passage.unit_contexts, strict=True)
        if missing_values(claim.values, unit.values) and _rivals_of(claim, unit.values)
    )


def _rivals_of(claim: InterpretedClaim, stated: Sequence[Value]) -> list[Value]:
    """Other values of the claim's kind; days and months are both durations."""
    lasts = any(base in DURATIONS for own in claim.values for base, _ in own.units)
    return [
        value
        for value in stated
        if missing_values([value], claim.values)
        and (
            any(
                value.same_kind(own) or (value.kind == own.kind and not value.units | own.units) for own in claim.values
            )
            or (lasts and any(base in DURATIONS for base, _ in value.units))
        )
    ]


def has_rival_beside(claim: InterpretedClaim, unit: AnalysedText, weigh: TermWeight) -> bool:
    """Whether another value of the same sentence or row is the one that a bare value should be.

    It is in the unit that is asked for (`how many years?`), or its part of the sentence holds more of the question.
    """
    if _contrasts(claim, unit, weigh):
        return True
    if not (claim.needs_question and claim.values) or not _rivals_of(claim, unit.values):
        return False
    asked = unit_asked_for(claim.question)
    in_asked_unit = [value for value in unit.values if asked & value.units]
    if in_asked_unit and missing_values(claim.values, in_asked_unit) == list(claim.values):
        return not any(asked & value.units for value in claim.values)
    parts = [AnalysedText(part, unit.language) for part in PART_ENDS.split(unit.text)]
    own = [part for part in parts if part.values and not missing_values(claim.values, part.values)]
    others = [part for part in parts if _rivals_of(claim, part.values) and part not in own]
    # What stands before the first value holds for all of them.
    first = next((part for part in parts if part in own or part in others), unit)
    shared = frozenset(terms_of(in_digits(first.text, unit.language)[: first.values[0].start]))
    wanted = claim.question_terms - shared
    held = [max((_overlap(wanted, part, part, weigh) for part in side), default=0.0) for side in (own, others)]
    return bool(wanted and own) and held[1] > held[0]


def _contrasts(claim: InterpretedClaim, unit: AnalysedText, weigh: TermWeight) -> bool:
    """Whether the clause with the claim's answer is about something else than asked: `cats are free, but dogs pay`."""
    if "?" in unit.text or not CONTRAST.search(unit.text):
        return False
    answer, parts = claim.answer_terms, [AnalysedText(part, unit.language) for part in CONTRAST.split(unit.text)]
    own = [part for part in parts if answer and not missing_terms(answer, [part.term_forms])]
    held = [
        max((_overlap(claim.question_terms, p, p, weigh) for p in parts if (p in own) == side), default=0.0)
        for side in (True, False)
    ]
    return bool(own) and claim.answers_question and held[1] > held[0]
