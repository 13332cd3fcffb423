"""Whether a passage supports a claim: a linear model over a few features, and rules for the clear cases; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from ..learned import load, logistic
from ..state import Verdict
from ..text.facts import words
from ..text.values import Value, missing_values
from ..text.words import TermWeight
from .claims import claim_content
from .features import (
    COPIED_MIN_SHARE,
    Features,
    Overlap,
    features,
    has_rival_beside,
    lacks_name,
    overlap_of,
    question_overlap,
)
from .passages import PreparedPassage, Window, is_known_language, missing_terms, terms_of
from .statement import InterpretedClaim

EXPLAIN_BELOW = 0.9
"""The score below which a finding says what is missing."""
MAX_WRONG, MAX_REPLACED, MAX_UNKNOWN_LANGUAGE, RIVAL_MIN = 0.2, 0.55, 0.6, 0.3
"""The highest scores of a claim that is wrong, that copies a sentence but for a word, and that is in an unknown
language; the question overlap of another unit that counts as a reason."""
MAX_RIVALLED = 0.45
"""The highest score of a value where another one stands with more of what was asked, or a name of it is missing."""
SUPPORTED_MIN = 0.7
"""The score at which a unit certainly supports a claim."""
MAX_REASON_WORDS = 5
"""The most words that a reason names."""
MAX_CANDIDATES = 3
"""The most units of a passage that are scored."""
COPY_MIN_WORDS, COPY_MIN_SHARE = 5, 0.75
"""The fewest words of a claim that is a near copy, and the share of them that the sentence must have."""
ALL_HELD = 0.999
"""The share of its terms from which a claim has none that the unit lacks."""
EDGES = re.compile(r"(?<!\S)[\"'“”\u2018(]+|[.!?…:;,\"'“”’)]+(?!\S)")


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
    """The unit that the claim copies as a whole: a part of it can mean something else."""
    text = _normalised(claim.text)
    if not text or (claim.assent is not None and claim.is_fragment):
        return None
    for unit, analysed in zip(passage.units, passage.unit_texts, strict=True):
        if text in (_normalised(analysed.text), _normalised(_claim_content(passage.text[unit.start : unit.end]))):
            return Window(unit.start, unit.end)
    return None


_claim_content = lru_cache(maxsize=16384)(claim_content)


@lru_cache(maxsize=16384)
def _normalised(text: str) -> str:
    return " ".join(EDGES.sub("", text.lower()).split())


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
    elif best.replaces:
        score = min(score, MAX_REPLACED)
    unit_text, context = passage.unit_texts[best.index], passage.unit_contexts[best.index]
    own = overlap_of(claim, unit_text, context, weigh) if rivals else None
    rivalled = (own and any(rival.beats(own) for rival in rivals)) or has_rival_beside(claim, unit_text, weigh)
    if rivalled or lacks_name(claim, unit_text, context):
        score = min(score, MAX_RIVALLED)
    if score < EXPLAIN_BELOW:
        because, opposes = explain(claim, best.index, passage, best.features)
    if not (is_known_language(claim.language) and is_known_language(passage.language)):
        score, because = min(score, MAX_UNKNOWN_LANGUAGE), because or "the rules do not know the language"
    unit = passage.units[best.index]
    return PassageFinding(score, Window(unit.start, unit.end), because, opposes, sure=best.decides)


@dataclass(frozen=True)
class _UnitScore:
    """How well one unit supports a claim, which copies it but for what is wrong (`decides`) or a word (`replaces`)."""

    index: int
    features: Features
    score: float
    wrong: bool
    decides: bool
    replaces: bool


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
    wrong, copies = _is_wrong(values), is_near_copy(claim.text, text.text)
    # A copy that differs in two ways is about something else.
    differs_twice = bool(values["polarity"] and values["value_elsewhere"])
    decides = wrong and not differs_twice and (copies or bool(values["other_column"]))
    score = logistic(load("support").score(values))
    return _UnitScore(index, values, score, wrong, decides, replaces=copies and values["held"] < ALL_HELD)


@lru_cache(maxsize=16384)
def is_near_copy(claim: str, sentence: str) -> bool:
    """Whether a sentence has nearly all words of a claim, and most of its pairs of neighbouring words."""
    claim_words, sentence_words = words(claim), words(sentence)
    known, pairs = set(sentence_words), set(pairwise(sentence_words))
    shares_words = sum(word in known for word in claim_words) >= COPY_MIN_SHARE * len(claim_words)
    shares_pairs = 2 * sum(pair in pairs for pair in pairwise(claim_words)) >= len(claim_words) - 1
    return len(claim_words) >= COPY_MIN_WORDS and shares_words and shares_pairs


def _is_wrong(values: Features) -> bool:
    """A value, name or run of terms that the passage lacks, or a copy with another value, name or polarity."""
    nowhere = values["value_missing"] or values["name_missing"] or values["added"]
    elsewhere = values["other_column"] or values["other_row"]
    difference = values["value_elsewhere"] or values["name_replaced"] or values["opposed"] or values["polarity"]
    return bool(nowhere or elsewhere or (values["copied"] >= COPIED_MIN_SHARE and difference))


def explain(claim: InterpretedClaim, index: int, passage: PreparedPassage, values: Features) -> tuple[str, bool]:
    """What the claim has and the passage lacks, as a message, and whether the passage says otherwise."""
    unit = passage.unit_texts[index]
    if values["value_missing"] or values["value_elsewhere"]:
        unmatched = missing_values(claim.values, [*unit.values, *passage.context.values])
        others = [value for value in unit.values if any(value.same_kind(own) for own in unmatched)]
        where = "" if values["value_missing"] else "in what it says of this"
        if others:
            return f"{_quoted(unmatched)} is not there {where}".strip() + f": it says {_quoted(others)}", True
        return f"{_quoted(unmatched)} is not there {where}".strip(), False
    if values["name_missing"]:
        unmatched_names = frozenset[str]().union(*claim.names) - passage.full_text.words - passage.context.words
        return f"{', '.join(sorted(unmatched_names)) or 'what was asked about'} is not named there", False
    otherwise = (
        (values["other_column"], "another column of the row says it"),
        (values["other_row"], "another row says it"),
        (values["polarity"], "one denies what the other says"),
        (values["opposed"], "one says the opposite of the other"),
        (values["name_replaced"] > COPIED_MIN_SHARE, "it says this of another name"),
    )
    if because := next((because for holds, because in otherwise if holds), ""):
        return because, True
    if values["rival"] > RIVAL_MIN:
        return "another place says more of what was asked, and not this", False
    missing = missing_terms(claim.all_terms, [unit.term_forms, passage.unit_contexts[index].term_forms])
    missing_words = [word for word in words(f"{claim.text} {claim.question}") if missing.intersection(terms_of(word))]
    named = list(dict.fromkeys(missing_words or sorted(missing)))[:MAX_REASON_WORDS]
    return (f"nothing is said there of {', '.join(named)}" if named else ""), False


def _quoted(values: Sequence[Value]) -> str:
    return ", ".join(dict.fromkeys(value.text for value in values))
