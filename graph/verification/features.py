"""Features that compare a claim with one unit of a passage: the input of the `support` model; pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import LCSseq

from ..steps.names import Name, names_in, text_names
from ..text.facts import CLAUSE_ENDS, count_negations, count_opposites, denies_opposite, plain_words
from ..text.function_words import YES
from ..text.metadata_values import MONTHS
from ..text.periods import day_names, months, periods, weekdays
from ..text.values import Value, missing_values, values
from ..text.words import TermWeight, empty_words, is_number, share
from .alignment import is_reversed
from .claims import InterpretedClaim
from .passages import AnalysedText, PreparedPassage, missing_terms, terms_of

NEGATED_MIN_SHARE = 0.6
"""Share of a negated clause's terms that the claim must have for a negation mismatch."""
DEFAULT_COSINE = 0.5, 0.4
"""Intercept and slope over the share of matched terms: replaces the cosine where there is no embedding."""
ADDED_MIN_RUN, COPIED_MIN_SHARE, PARTLY_COPIED_MIN_SHARE = 3, 0.5, 0.3
"""Consecutive terms missing from the passage that count as an addition; shares of the claim's terms that appear in
order in a unit for the claim to be a copy, or a partial copy."""
COORDINATED = re.compile(r"[;.] |[;,] (?:and|but|und|aber|et|mais|y|pero|e|ma|en|maar) ")
EXCEPT = re.compile(
    r"\b(except(?: for)?|excluding|apart from|other than|außer|ausgenommen|sauf|excepté|excepto|salvo|tranne|eccetto"
    r"|behalve|uitgezonderd)\b",
    re.IGNORECASE,
)
AFFIRMED = re.compile(rf"\? (?:{'|'.join(YES)})\b", re.IGNORECASE)
"""A question that is answered with yes."""
Features = dict[str, float]


def features(
    claim: InterpretedClaim,
    index: int,
    passage: PreparedPassage,
    cosine: float | None,
    weigh: TermWeight,
    rival: float = 0.0,
) -> Features:
    """Compare a claim with unit `index` of a passage; shares are 0 to 1.

    `rival`: how much more of the question another unit covers.
    """
    unit, context = passage.unit_texts[index], passage.unit_contexts[index]
    matched = _matched_value_terms(claim, index, passage)
    missing = missing_terms(claim.all_terms, [unit.term_forms, context.term_forms]) - matched
    if context is not passage.context and unit.term_forms.isdisjoint(claim.all_terms - context.term_forms):
        # The sentence before gives a unit its subject; it does not say what the unit does not.
        context = passage.context
        missing = missing_terms(claim.all_terms, [unit.term_forms, context.term_forms]) - matched
    covered = share(claim.all_terms, claim.all_terms - missing, weigh)
    answer = claim.answer_terms
    copied_share = LCSseq.similarity(claim.terms, unit.terms) / len(claim.terms) if claim.terms else 1.0
    names_other = bool(unit.names - claim.words - claim.question_terms)
    opposites = count_opposites(claim.words, unit.words) > 0
    polarity = _negation_mismatch(claim, unit, passage, copied_share)
    if opposites and denies_opposite(claim.text, unit.text, claim.language):
        opposites, polarity = False, 0.0
    opposed = (
        opposites or _periods_differ(claim, unit) or is_reversed(claim.text, unit.text) or _is_excepted(claim, unit)
    )
    return {
        "held": covered,
        "answer": share(answer, answer - missing, weigh),
        "cosine": DEFAULT_COSINE[0] + DEFAULT_COSINE[1] * covered if cosine is None else cosine,
        **_value_features(claim, index, passage),
        "name_missing": float(_name_missing(claim, passage) or _is_about_other_name(claim, index, passage)),
        "name_replaced": copied_share * (names_other and _name_replaced(claim, unit, context)),
        "polarity": polarity,
        "opposed": float(opposed),
        "rival": rival if claim.answers_question else 0.0,
        "copied": copied_share,
        "other_cell": float(_is_from_other_column(claim, unit)),
        "added": float(
            copied_share >= PARTLY_COPIED_MIN_SHARE
            and _longest_missing_run(claim.terms, matched, passage) >= ADDED_MIN_RUN
        ),
    }


def _value_features(claim: InterpretedClaim, index: int, passage: PreparedPassage) -> Features:
    """Whether a value of the claim is missing from the whole passage, and from this unit and its context."""
    if not claim.values:
        return {"value_missing": 0.0, "value_elsewhere": 0.0}
    unit, others = passage.unit_texts[index], passage.context.values
    unmatched = missing_values(claim.values, [*unit.values, *others])
    return {
        "value_missing": float(bool(unmatched and missing_values(unmatched, passage.values))),
        "value_elsewhere": float(bool(unmatched)),
    }


def _matched_value_terms(claim: InterpretedClaim, index: int, passage: PreparedPassage) -> set[str]:
    """The terms of the claim's values that the unit states in any notation: `14:00` matches `2 p.m.`."""
    nearby = [*passage.unit_texts[index].values, *passage.context.values]
    return {term for value in claim.values if not missing_values([value], nearby) for term in terms_of(value.text)}


def _periods_differ(claim: InterpretedClaim, unit: AnalysedText) -> bool:
    """Whether both say how often or on which days, and differently: `every month` and `every year`."""
    claimed, stated = periods(claim.text, claim.language), periods(unit.text, unit.language)
    said = f"{claim.question} {claim.text}" if claim.needs_terms else claim.text
    named = (weekdays(said), weekdays(unit.text)), (months(claim.text), months(unit.text))
    if any(own and other and not own <= other for own, other in named):
        return True
    return bool(claimed and stated and claimed.isdisjoint(stated))


def _is_excepted(claim: InterpretedClaim, unit: AnalysedText) -> bool:
    """Whether a claim says of something what the unit says of all but that: `covered, except in the basic plan`."""
    marker = EXCEPT.search(unit.text)
    if not marker or EXCEPT.search(claim.text):
        return False
    terms = frozenset(terms_of(CLAUSE_ENDS.split(unit.text[marker.end() :])[0])) - empty_words(unit.language)
    return bool(terms) and terms <= claim.all_terms


@lru_cache(maxsize=1024)
def _name_missing(claim: InterpretedClaim, passage: PreparedPassage) -> bool:
    names = frozenset[str]().union(*claim.names) - MONTHS.keys() - day_names().keys()
    unmatched = missing_terms(names, [passage.term_forms, passage.context.term_forms])
    return bool(unmatched and unmatched - passage.words - passage.context.words)


def _name_replaced(claim: InterpretedClaim, unit: AnalysedText, context: AnalysedText) -> bool:
    """Whether the unit and its context have no word of one of the claim's names."""
    unmatched = [name for name in claim.names if not name & (unit.words | context.words)]
    return any(len(missing_terms(name, [unit.term_forms, context.term_forms])) == len(name) for name in unmatched)


def _is_about_other_name(claim: InterpretedClaim, index: int, passage: PreparedPassage) -> bool:
    """Whether the unit is about another model, code or owner than the question: the Brisel 180, the seal of Warsaw."""
    if not claim.answers_question:
        return False
    text = passage.unit_texts[index].text
    in_unit, in_context = text_names(text), text_names(passage.unit_contexts[index].text)
    names = names_in(claim.question)
    codes = [name for name in names if name.kind != "name"]
    if not any(in_unit.has(name) or in_context.has(name) for name in codes) and any(map(in_unit.rivals, codes)):
        return True
    named = [name for name in names if name.kind == "name"]
    unknown = [
        name
        for name in named
        if not any(text_names(each.text).has(name) for each in (*passage.unit_texts, passage.context))
    ]
    if unknown and claim.needs_terms and _copies_question(claim, passage.unit_texts[index]):
        return True
    return any(_belongs_to_other(claim.question, name, text) for name in named)


def _copies_question(claim: InterpretedClaim, unit: AnalysedText) -> bool:
    """Whether a unit with another name has half of the question's terms in order."""
    asked = [term for term in terms_of(claim.question) if term in claim.question_terms]
    other_names = unit.names - plain_words(claim.question)
    return bool(other_names) and LCSseq.similarity(asked, unit.terms) >= COPIED_MIN_SHARE * len(asked)


def _is_from_other_column(claim: InterpretedClaim, unit: AnalysedText) -> bool:
    """Whether a claim names columns of a table row and states cells of others.

    A cell that it may state in other words counts as stated.
    """
    # The first cell names the row.
    row, *labelled = [part.split(": ", 1) for part in unit.text.split("; ") if ": " in part] or [[""]]
    labels = [frozenset(terms_of(label)) for label, _ in labelled]
    cells = [_Cell(frozenset(terms_of(cell)), values(cell, unit.language)) for _, cell in labelled]
    days = weekdays(claim.text)
    named = _named_columns(labels, claim.all_terms) | {
        n for n, (label, _) in enumerate(labelled) if days and weekdays(label) == days
    }
    if not named or not {n for n, cell in enumerate(cells) if cell.is_stated(claim, claim.values)}.isdisjoint(named):
        return False
    own = missing_values(claim.values, values(row[-1], unit.language))
    stated = {n for n, cell in enumerate(cells) if cell.is_stated(claim, own)}
    known = frozenset(unit.terms).difference(*(cells[n].terms - labels[n] for n in named))
    reworded = missing_terms(claim.answer_terms, [known])
    alike = any(bool(cells[n].values) == bool(cells[m].values) for n in named for m in stated)
    return bool(stated) and (alike or not reworded)


@dataclass(frozen=True)
class _Cell:
    """The terms and values of a cell of a table row."""

    terms: frozenset[str]
    values: tuple[Value, ...]

    def is_stated(self, claim: InterpretedClaim, claimed: Sequence[Value]) -> bool:
        """Whether a claim has one of its values, or all terms of a cell without values."""
        if self.values:
            return len(missing_values(claimed, self.values)) < len(claimed)
        return bool(self.terms) and self.terms <= set(claim.terms)


def _named_columns(labels: Sequence[frozenset[str]], terms: frozenset[str]) -> set[int]:
    """The columns whose label, or a term that only it has, is among the terms; not `Captain` for `Vice captain`."""
    counts = Counter(term for label in labels for term in label)
    named = {
        n for n, label in enumerate(labels) if label and (label <= terms or any(counts[t] == 1 for t in label & terms))
    }
    return {n for n in named if not any(labels[n] < labels[m] for m in named)}


def _belongs_to_other(question: str, name: Name, text: str) -> bool:
    """Whether a text has the question's `the seal of Sigilium` with another name, and never with this one."""
    if not (owner := re.search(rf"(\w+ of (?:the )?){re.escape(name.text)}\b", question)):
        return False
    owners = [match[1] for match in re.finditer(rf"(?i:\b{re.escape(owner[1])})((?:[A-Z]\S* ?)+)", text)]
    return bool(owners) and not any(text_names(other).has(name) for other in owners)


def _longest_missing_run(claim_terms: tuple[str, ...], matched: set[str], passage: PreparedPassage) -> int:
    """The most consecutive claim terms that the passage and its context lack."""
    missing = _missing_everywhere(claim_terms, passage) - matched
    longest = run = 0
    for term in claim_terms:
        run = run + 1 if term in missing else 0
        longest = max(longest, run)
    return longest


@lru_cache(maxsize=1024)
def _missing_everywhere(claim_terms: tuple[str, ...], passage: PreparedPassage) -> set[str]:
    return missing_terms(claim_terms, [passage.term_forms, passage.context.term_forms])


def _negation_mismatch(
    claim: InterpretedClaim, unit: AnalysedText, passage: PreparedPassage, copied_share: float
) -> float:
    """How clearly one of claim and unit negates what the other states, 0 to 1."""
    if claim.is_bare_no and AFFIRMED.search(unit.text):
        return 1.0
    if claim.is_negated:
        denies = passage.is_exclusion or (unit.is_negated and not _says_plainly(claim, unit))
        return 0.0 if denies else copied_share
    if claim.assent is False:
        return 0.0
    own = claim.all_terms if claim.assent else frozenset(claim.terms)
    negated = claim.assent and any(not clause.isdisjoint(claim.question_terms) for clause in unit.negated_clauses)
    # A unit with all words of the claim is what it is about, whatever others deny.
    clauses = [clause for other in passage.unit_texts for clause in other.negated_clauses]
    if clauses and not missing_terms(claim.terms, [unit.term_forms]):
        clauses = [*unit.negated_clauses]
    shares = [NEGATED_MIN_SHARE * bool(negated)] + [_negated_share(claim, each) for each in clauses if len(each) > 1]
    if passage.is_exclusion:
        shares.append(_negated_share(claim, frozenset(unit.terms)))
    shares += [len(denied & own) / len(denied) for denied in passage.denied_questions if denied]
    shares += [copied_share for clause in unit.negated_clauses if len(clause) == 1 and clause <= own]
    most = max(shares, default=0.0)
    return most if most >= NEGATED_MIN_SHARE else 0.0


def _says_plainly(claim: InterpretedClaim, unit: AnalysedText) -> bool:
    """Whether the clause that a negated claim is about has no negation: `chalk is not allowed, balls are allowed`."""
    clauses = [part for part in COORDINATED.split(unit.text) if part.strip()]
    if len(clauses) < 2 or claim.is_bare_no:
        return False
    denied = [part for part in COORDINATED.split(claim.text) if count_negations(part, claim.language)]
    own = set(terms_of(" ".join(denied)))
    shares = [(len(own.intersection(terms_of(part))), part) for part in clauses]
    most = max(share for share, _ in shares)
    return most > 1 and all(count_negations(part, unit.language) == 0 for share, part in shares if share == most)


def _negated_share(claim: InterpretedClaim, clause: frozenset[str]) -> float:
    """The share of a negated clause's terms that the claim has; 0 where both have a number, and not the same."""
    shared = clause & claim.all_terms
    other_number = claim.values and any(is_number(term) for term in clause - shared)
    return 0.0 if other_number else len(shared) / len(clause)
