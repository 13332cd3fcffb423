"""Whether a passage supports a claim: a linear model over a few features, and rules for the clear cases; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..learned import load, logistic
from ..state import Verdict
from ..text.facts import CLAUSE_ENDS, count_negations
from ..text.values import Value, missing_values
from ..text.words import TermWeight
from .alignment import CopyDifference, copy_difference, is_near_copy
from .claims import InterpretedClaim
from .features import COPIED_MIN_SHARE, Features, features
from .passages import DENIAL, PreparedPassage, Window, is_known_language, missing_terms, terms_of
from .rivals import Overlap, has_rival_beside, overlap_of, question_overlap

EXPLAIN_BELOW = 0.9
"""The score below which a finding says what is missing."""
MAX_WRONG, MAX_WORD_REPLACED, MAX_UNKNOWN_LANGUAGE, RIVAL_MIN = 0.2, 0.55, 0.6, 0.3
"""The highest scores of a claim that is wrong, that replaces a word of a copied sentence, and that is in a language
unknown to the rules; and the question overlap of another unit that counts as a reason."""
MAX_RIVALLED = 0.45
"""The highest score of a bare value where another one stands with more of the question."""
SUPPORTED_MIN = 0.7
"""The score at which a unit certainly supports a claim."""
MAX_REASON_WORDS = 5
"""The most words that a reason names."""
SAME_WORDS = "it has the words of the claim, perhaps not in this relation"
MAX_CANDIDATES = 3
"""The most units of a passage that are scored."""
EDGES = re.compile(r"(?<!\S)[\"'“”\u2018(]+|[.!?…:;,\"'“”’)]+(?!\S)")
SENTENCE_END = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True)
class PassageFinding:
    """How well a passage supports a claim, 0 to 1.

    `opposes`: the passage says otherwise. `because`: what is missing or different. `sure`: a rule decided.
    """

    score: float
    window: Window | None
    because: str = ""
    opposes: bool = False
    sure: bool = False


NOTHING_NEAR = PassageFinding(0.0, None, "nothing in the passage is near")


def verdict(finding: PassageFinding, support_from: float) -> Verdict:
    """The verdict of a finding."""
    if finding.score >= support_from:
        return "supported"
    return "contradicted" if finding.opposes else "not_found"


def nearest_units(claim: InterpretedClaim, passage: PreparedPassage, weigh: TermWeight) -> list[int]:
    """The units with most of the terms of claim and question, best first."""
    terms = {*claim.terms, *claim.question_terms}
    term_weights = {term: weigh(term) * (1.0 if term in claim.terms else 0.3) for term in terms}
    missing_weights = [
        sum(term_weights[term] for term in missing_terms(term_weights, [unit.term_forms]))
        for unit in passage.unit_texts
    ]
    # A bare yes or no is checked against the unit closest to the question only.
    count = 1 if claim.assent is not None and claim.is_fragment else MAX_CANDIDATES
    return sorted(range(len(missing_weights)), key=missing_weights.__getitem__)[:count]


def find_verbatim(claim: InterpretedClaim, passage: PreparedPassage) -> Window | None:
    """The unit that has the claim word for word, and does not deny it.

    A fragment must be a whole unit: part of a unit can mean something else.
    """
    text = _normalised(claim.text)
    if not text or (claim.assent is not None and claim.is_fragment):
        return None
    for unit in passage.units:
        # The question of an answer is not stated, and the answer can be a no and a sentence.
        said = unit.reading.removeprefix(unit.question)
        if unit.question and (claim.is_fragment or (claim.assent and DENIAL.match(said))):
            continue
        for sentence in SENTENCE_END.split(said) if unit.question else [said]:
            before, copy, after = _normalised(sentence).partition(text)
            whole = copy and not before.strip() and not after.strip()
            part = copy and not claim.is_fragment and not _denies(before, passage.language)
            if whole or part or (len(text.split()) > 5 and _comma_parts(sentence) == _comma_parts(claim.text)):
                return Window(unit.start, unit.end)
    return None


def _denies(before: str, language: str) -> bool:
    """Whether the clause that a text ends with has a negation."""
    return count_negations(CLAUSE_ENDS.split(before)[-1], language) > 0


def _comma_parts(text: str) -> list[str]:
    """The parts between commas, in any order: `If it rains, we stay` and `We stay, if it rains`."""
    return sorted(_normalised(part) for part in text.split(", "))


@lru_cache(maxsize=16384)
def _normalised(text: str) -> str:
    words = " ".join(EDGES.sub("", text.lower()).split())
    return f" {words} " if words else ""


def check_claim(
    claim: InterpretedClaim,
    passage: PreparedPassage,
    cosines: Mapping[str, float],
    weigh: TermWeight,
    best_overlap: float,
    rivals: Sequence[Overlap],
    units: Sequence[int],
) -> PassageFinding:
    """The finding for the best of the `units`; `cosines` are by the text of a unit, `rivals` are of other values.

    Without units, only a verbatim copy supports the claim.
    """
    if not units:
        window = find_verbatim(claim, passage)
        return PassageFinding(1.0, window, sure=True) if window else NOTHING_NEAR
    scored = [_score_unit(claim, index, passage, cosines, weigh, best_overlap) for index in units]
    best = max(scored, key=lambda each: (each.score >= SUPPORTED_MIN and not each.wrong, each.decides, each.score))
    score, because, opposes = best.score, "", False
    if best.wrong:
        score = min(score, MAX_WRONG)
    elif best.difference == "word":
        score = min(score, MAX_WORD_REPLACED)
    unit_text = passage.unit_texts[best.index]
    own = overlap_of(claim, unit_text, passage.unit_contexts[best.index], weigh) if rivals else None
    if (own and any(rival.beats(own) for rival in rivals)) or has_rival_beside(claim, unit_text):
        score = min(score, MAX_RIVALLED)
    if score < EXPLAIN_BELOW:
        because, opposes = explain(claim, best.index, passage, best.features, best.difference)
    if not (is_known_language(claim.language) and is_known_language(passage.language)):
        score, because = min(score, MAX_UNKNOWN_LANGUAGE), because or "the rules do not know the language"
    unit = passage.units[best.index]
    return PassageFinding(score, Window(unit.start, unit.end), because, opposes, sure=best.decides)


@dataclass(frozen=True)
class _UnitScore:
    """How well one unit supports a claim; `decides`: the claim copies it but for what is wrong."""

    index: int
    features: Features
    score: float
    difference: CopyDifference | None
    wrong: bool
    decides: bool


def _score_unit(
    claim: InterpretedClaim,
    index: int,
    passage: PreparedPassage,
    cosines: Mapping[str, float],
    weigh: TermWeight,
    best_overlap: float,
) -> _UnitScore:
    text = passage.unit_texts[index]
    overlap = question_overlap(claim, text, passage.unit_contexts[index], weigh)
    rival = max(0.0, best_overlap - overlap) if claim.question_terms else 0.0
    values = features(claim, index, passage, cosines.get(text.text), weigh, rival)
    difference = copy_difference(claim.text, text.text, claim.language)
    wrong = difference in ("denial", "opposite", "value", "limit") or _is_wrong(values)
    is_denied = values["copied"] == 1 and values["polarity"] == 1 and len(claim.terms) > 1
    copies_unit = bool(values["other_cell"]) or is_denied or is_near_copy(claim.text, text.text)
    decides = wrong and copies_unit and not (difference and values["value_elsewhere"])
    return _UnitScore(index, values, logistic(load("support").score(values)), difference, wrong, decides)


def _is_wrong(values: Features) -> bool:
    """A value, name or run of terms that the passage lacks, or a copy with another value, name or polarity."""
    nowhere = values["value_missing"] or values["name_missing"] or values["added"] or values["other_cell"]
    difference = values["value_elsewhere"] or values["name_replaced"] or values["opposed"] or values["polarity"]
    return bool(nowhere or (values["copied"] >= COPIED_MIN_SHARE and difference))


def explain(
    claim: InterpretedClaim, index: int, passage: PreparedPassage, values: Features, difference: CopyDifference | None
) -> tuple[str, bool]:
    """What the claim has and the passage lacks, as a message, and whether the passage says otherwise."""
    unit = passage.unit_texts[index]
    if values["value_missing"] or values["value_elsewhere"]:
        stated = [*unit.values, *passage.context.values]
        unmatched = missing_values(claim.values, stated) or claim.values
        others = [value for value in unit.values if any(value.same_kind(own) for own in unmatched)]
        where = "" if values["value_missing"] else "in what it says of this"
        if others:
            return f"{_quoted(unmatched)} is not there {where}".strip() + f": it says {_quoted(others)}", True
        return f"{_quoted(unmatched)} is not there {where}".strip(), False
    if values["name_missing"]:
        unmatched_names = frozenset[str]().union(*claim.names) - passage.words - passage.context.words
        return f"{', '.join(sorted(unmatched_names)) or 'what was asked about'} is not named there", False
    if difference == "limit":
        return "it does not say this of all, or only of this", False
    otherwise = (
        (values["other_cell"], "it says this of another role or column"),
        (values["polarity"] or difference == "denial", "one denies what the other says"),
        (values["opposed"] or difference == "opposite", "one says the opposite of the other"),
        (values["name_replaced"] > COPIED_MIN_SHARE, "it says this of another name"),
        (difference == "value", "it has another number in this place"),
    )
    if because := next((because for holds, because in otherwise if holds), ""):
        return because, True
    if values["rival"] > RIVAL_MIN:
        return "another place says more of what was asked, and not this", False
    missing = missing_terms(claim.all_terms, [unit.term_forms, passage.unit_contexts[index].term_forms])
    said = re.findall(r"\w+(?:[.,’']\w+)*", f"{claim.text} {claim.question}".lower())
    missing_words = [word for word in said if missing.intersection(terms_of(word))]
    named = list(dict.fromkeys(missing_words or sorted(missing)))[:MAX_REASON_WORDS]
    return f"nothing is said there of {', '.join(named)}" if named else SAME_WORDS, False


def _quoted(values: Sequence[Value]) -> str:
    return ", ".join(dict.fromkeys(value.text for value in values))
