"""What of a claim a window of a passage says, word by word: the features that support is weighed by; pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import log

from rapidfuzz.distance import LCSseq, Levenshtein, Opcode

from ..text.facts import denials, denied, names, opposed, plain_words, words
from ..text.quantities import MEASURES, quantities
from ..text.words import Weigh, is_number
from .sources import Source, Window, pairs_in, quantities_in, share, terms_in, terms_of, words_in

CONDITION = re.compile(r"\b(?:unless|except|only if|provided that|as long as|until)\b", re.IGNORECASE)

ADDED_FROM, COPIED_FROM = 3, 0.5
"""Terms in a row that the passage has not, and the share of the claim that stands in order in one of its sentences."""
COUNTED_TO = 10
"""Up to which number a claim may have counted something itself."""
MOST_REPLACED = 3
"""Words that one stretch may have in place of others; what is longer is another wording."""
Pairs = frozenset[tuple[str, str]]
Quantity = tuple[str, str]
"""A number and its unit."""
Features = dict[str, float]


def features(claim: str, window: Window, found: Source, similarity: float, weigh: Weigh) -> Features:
    """What speaks for and against the window saying what the claim says; shares are 0 to 1.

    `similarity` is the cosine of the claim to the nearest unit of the window.
    """
    own, readings = terms_of(claim), found.readings(window)
    closest = max(readings, key=lambda reading: share(own, terms_of(reading), weigh))
    copied = LCSseq.similarity(own, terms_of(closest)) / len(own) if own else 1.0
    return {
        **_held(own, closest, terms_in([*readings, found.about]), found, weigh),
        "added": float(copied >= COPIED_FROM and _adds(own, found)),
        **_stated(claim, closest, readings, found),
        **_named(claim, readings, found),
        **_turned(claim, closest, copied),
        **_replaced(claim, closest, copied),
        "in_order": copied,
        "similarity": similarity,
        "length": log(1 + len(set(own))),
    }


def _held(own: Sequence[str], closest: str, here: Sequence[str], found: Source, weigh: Weigh) -> Features:
    """The claim's terms in the closest unit, in the window and in the passage, each with the passage's title."""
    about = terms_of(found.about)
    everywhere = {*terms_of(found.text), *about}
    wanted, pairs = set(pairwise(own)), pairs_in(found.text)
    return {
        "unit": share(own, (*terms_of(closest), *about), weigh),
        "window": share(own, here, weigh),
        "passage": share(own, everywhere, weigh),
        "pairs": len(wanted & pairs) / len(wanted) if wanted else 1.0,
        "numbers_placed": _placed(own, pairs),
        "rarest_missing": _rarest(set(own) - everywhere, weigh),
        "rarest_missing_here": _rarest(set(own) - set(here), weigh),
        "missing_run": _longest_run(own, everywhere) / max(1, len(own)),
    }


def _placed(own: Sequence[str], told: Pairs) -> float:
    """The share of the claim's numbers that have one of their neighbours in the passage too; 1 without a number."""
    numbers = [n for n, term in enumerate(own) if is_number(term)]
    held = [
        any((own[n], beside) in told or (beside, own[n]) in told for beside in own[max(0, n - 1) : n + 2])
        for n in numbers
    ]
    return sum(held) / len(held) if held else 1.0


def _rarest(missing: Iterable[str], weigh: Weigh) -> float:
    """The weight of the most telling word that is missing, as a share of that of a word which the index has not."""
    return max(map(weigh, missing), default=0.0) / max(weigh(""), 1e-9)


def _longest_run(own: Sequence[str], held: set[str]) -> int:
    """How many of the claim's terms its longest stretch of missing ones has."""
    longest = run = 0
    for term in own:
        run = 0 if term in held else run + 1
        longest = max(longest, run)
    return longest


def _adds(own: Sequence[str], found: Source) -> bool:
    """Whether a stretch of the claim is about what its passage and title never mention."""
    return _longest_run(own, {*terms_of(found.text), *terms_of(found.about)}) >= ADDED_FROM


def _stated(claim: str, closest: str, readings: Sequence[str], found: Source) -> Features:
    """The claim's numbers that are missing, and those that have another unit."""
    stated = quantities(claim)
    # The closest unit's word goes before that of the rest of the window, where another number may happen to be alike.
    there, here = _units_told([*readings, found.about]), _units_told([closest, found.about])
    missing = [(value, unit) for value, unit in stated if value not in there]
    return {
        "number_missing": float(bool(missing)),
        "figure_missing": float(any(_is_figure(value, unit) for value, unit in missing)),
        "number_missing_here": float(any(value not in here for value, _ in stated)),
        "number_repeated": _repeated(terms_of(claim), terms_of(closest)),
        "unit_differs": _units_differ(stated, there | here),
    }


def _is_figure(value: str, unit: str) -> bool:
    """Whether a number is more than a count of a few things, which a claim may have counted itself."""
    return not value.isdigit() or len(value) > 9 or int(value) > COUNTED_TO or unit in MEASURES


def _repeated(own: Sequence[str], there: Sequence[str]) -> float:
    """1 when the claim says a number more often than the closest unit, which has it."""
    return float(any(is_number(term) and own.count(term) > there.count(term) > 0 for term in set(own)))


def _units_differ(stated: Iterable[Quantity], told: Mapping[str, set[str]]) -> float:
    """1 when a number of the claim has a unit, and other ones where it is told."""
    return float(any(unit and "" not in told.get(v, {""}) and unit not in told[v] for v, unit in stated))


def _units_told(texts: Iterable[str]) -> dict[str, set[str]]:
    """Every number of some texts with the units that it has there."""
    units: dict[str, set[str]] = {}
    for value, unit in quantities_in(texts):
        units.setdefault(value, set()).add(unit)
    return units


def _named(claim: str, readings: Sequence[str], found: Source) -> Features:
    """Whether a name of the claim is missing from the window, and from the passage."""
    named = names(claim)
    return {
        "name_missing_here": float(bool(named - words_in([*readings, found.about]))),
        "name_missing": float(bool(named - words_in([found.text, found.about]))),
    }


def _turned(claim: str, closest: str, copied: float) -> Features:
    """Whether one denies or turns round what the other says; `copied` is how much of the claim is in order there."""
    denies = _denies_otherwise(claim, closest)
    return {
        "denial_differs": denies,
        "denied_otherwise": _denied_otherwise(claim, closest),
        "copied_and_denied": denies * copied,
        "condition_lost": float(bool(CONDITION.search(closest)) and not CONDITION.search(claim)),
        "opposed": float(opposed(plain_words(claim), plain_words(closest)) > 0),
    }


def _denies_otherwise(claim: str, closest: str) -> float:
    """1 when one denies and the other does not; a passage's denial counts where it reaches a word of the claim."""
    if denials(claim) > 0:
        return float(denials(closest) == 0)
    return float(bool(denied(closest) & set(terms_of(claim))))


def _denied_otherwise(claim: str, closest: str) -> float:
    """The share of what one of both denies that the other says without a denial: the larger share of both ways."""
    ours, theirs = denied(claim), denied(closest)
    plain = (ours & set(terms_of(closest))) - theirs, (theirs & set(terms_of(claim))) - ours
    return max(len(plain[0]) / max(1, len(ours)), len(plain[1]) / max(1, len(theirs)))


def _replaced(claim: str, closest: str, copied: float) -> Features:
    """What the claim changes of a sentence that is otherwise the same, word by word.

    How many words stand in the place of others, whether facts, opposites or denials are among what was changed, and the
    longest stretch of words that the sentence has not.
    """
    own, there = words(claim), words(closest)
    steps = Levenshtein.opcodes(own, there)
    changed = [op for op in steps if op.tag == "replace" and _between(op, own, there)]
    gone = {word for op in changed for word in own[op.src_start : op.src_end]}
    come = {word for op in changed for word in there[op.dest_start : op.dest_end]}
    facts = {word for word in gone if word[0].isdigit()} | (gone & names(claim)) | (come & names(closest))
    return {
        "replaced": float(min(4, sum(op.src_end - op.src_start for op in changed))),
        "fact_replaced": float(bool(facts)),
        "opposite_replaced": float(opposed(gone, come) > 0),
        "denial_changed": copied * any(_denies(op, own, there) for op in steps),
        "longest_new": float(min(12, max((op.src_end - op.src_start for op in steps if op.tag != "equal"), default=0))),
    }


def _denies(op: Opcode, own: Sequence[str], there: Sequence[str]) -> bool:
    """Whether a changed stretch denies on one side alone."""
    ours, theirs = " ".join(own[op.src_start : op.src_end]), " ".join(there[op.dest_start : op.dest_end])
    return op.tag != "equal" and (denials(ours) > 0) != (denials(theirs) > 0)


def _between(op: Opcode, own: Sequence[str], there: Sequence[str]) -> bool:
    """Whether as few words stand there, between the same words or at an end."""
    short = max(op.src_end - op.src_start, op.dest_end - op.dest_start) <= MOST_REPLACED
    inside = op.src_start > 0 and op.src_end < len(own)
    return short and (inside or len(own) == len(there))
