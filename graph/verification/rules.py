"""Whether a passage says what a claim says: a few features, a small linear model, and what is sure without it; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..learned import load, logistic
from ..state import Verdict
from ..text.facts import CLAUSE_ENDS, denials, words
from ..text.values import Value, unmet
from ..text.words import Weigh
from .alignment import Change, change, copies
from .claims import stated
from .features import COPIED_FROM, asked_share, features
from .passages import Source, Window, knows, missing, terms_of
from .statement import Statement

SURE = 0.9
"""Score from which on nothing is amiss."""
SURELY_NOT, DOUBTED, UNKNOWN_LANGUAGE, RIVAL_FROM = 0.2, 0.55, 0.6, 0.3
"""The most that a claim scores that is surely wrong, that has another word than the sentence that it copies, and that
is in a language that the rules do not know."""
SUPPORTS = 0.7
"""Score from which on a unit surely supports a claim."""
REASONS = 5
"""Words that a reason names at the most."""
CANDIDATES = 3
"""Units of a passage that are looked at closely."""
EDGES = re.compile(r"(?<!\S)[\"'“”\u2018(]+|[.!?…:;,\"'“”’)]+(?!\S)")
TURNS = re.compile(
    r"\b(?:unless|if|except|until|before|provided|false|untrue|wrong|denie[sd]|myth|claims?|claimed|believed?)\b",
    re.IGNORECASE,
)
"""What before a piece of a sentence can turn what the piece says."""
CONDITION = re.compile(r"\b(?:unless|except|only if|provided that|as long as|until)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """How well a passage supports a claim, 0 to 1; `opposes`: it says otherwise. `because` says what is amiss."""

    score: float
    window: Window | None
    because: str = ""
    opposes: bool = False
    sure: bool = False


def verdict(finding: Finding, support_from: float) -> Verdict:
    """What a passage says to a claim that it does not support."""
    if finding.score >= support_from:
        return "supported"
    return "contradicted" if finding.opposes else "not_found"


def nearest(said: Statement, found: Source, weigh: Weigh) -> list[int]:
    """The units that hold most of the claim and of what was asked, best first."""
    wanted = {term: weigh(term) * (1.0 if term in said.own else 0.3) for term in {*said.own, *said.asked}}
    scored = [
        (sum(wanted[term] for term in missing(wanted, [told.found])), number) for number, told in enumerate(found.told)
    ]
    # A bare yes or no stands or falls by the unit that is most about the question.
    count = 1 if said.assent is not None and said.is_fragment else CANDIDATES
    return [number for _, number in sorted(scored)[:count]]


def verbatim(said: Statement, found: Source) -> Window | None:
    """The unit that holds the claim word by word, with nothing before or behind it that turns what it says.

    A fragment must be a whole unit: less of one says something else where it stands.
    """
    wanted = _folded(said.text)
    if not wanted or (said.assent is not None and said.is_fragment):
        return None
    for number, (unit, told) in enumerate(zip(found.units, found.told, strict=True)):
        if not _may_hold(wanted, found, number):
            continue
        before, piece, behind = _folded(told.text).partition(wanted)
        whole = piece and not before.strip() and not behind.strip()
        clause = CLAUSE_ENDS.split(before)[-1]
        turned = denials(clause, found.language) or TURNS.search(before) or CONDITION.search(behind)
        copied = whole or (piece and not turned and not said.is_fragment)
        if copied or _as_written(found, number) == wanted:
            return Window(unit.start, unit.end)
    return None


def _may_hold(wanted: str, found: Source, number: int) -> bool:
    return wanted in _folded(found.told[number].text) or wanted in _as_written(found, number)


def _as_written(found: Source, number: int) -> str:
    unit = found.units[number]
    return _folded(_said(found.text[unit.start : unit.end]))


_said = lru_cache(maxsize=16384)(stated)


@lru_cache(maxsize=16384)
def _folded(text: str) -> str:
    words = " ".join(EDGES.sub("", text.lower()).split())
    return f" {words} " if words else ""


def judge(
    said: Statement, found: Source, cosines: Mapping[str, float], weigh: Weigh, most: float, units: Sequence[int]
) -> Finding:
    """The best of the `units` of a passage for a claim; `cosines` by the text of a unit, `most` as `most_asked` gives.

    No units: the claim stands somewhere word by word.

    What stands in the passage word by word is supported whatever the weights say. What the rules cannot read is never
    surely supported.
    """
    if not units and (window := verbatim(said, found)):
        return Finding(1.0, window, sure=True)
    if not units:
        return Finding(0.0, None, "nothing in the passage is near")
    told = []
    for number in units:
        rival = max(0.0, most - asked_share(said, found.told[number], found.over[number], weigh)) if said.asked else 0.0
        told.append(features(said, number, found, cosines.get(found.told[number].text), weigh, rival))
    model = load("support")
    changes = [change(said.text, found.told[number].text, said.language) for number in units]
    # Of a sentence that the claim copies but for one thing, this one thing decides; only sure support outranks it.
    wrong = [changes[n] in ("denial", "opposite") or _is_surely_wrong(each) for n, each in enumerate(told)]
    decides = [
        w
        and (told[n]["other_cell"] or copies(said.text, found.told[units[n]].text))
        and not (changes[n] and told[n]["value_elsewhere"])
        for n, w in enumerate(wrong)
    ]
    scores = [logistic(model.score(each)) for each in told]
    ranks = [(s >= SUPPORTS and not w, d, s) for s, w, d in zip(scores, wrong, decides, strict=True)]
    place = max(range(len(ranks)), key=ranks.__getitem__)
    score = scores[place]
    number, best = units[place], told[place]
    if wrong[place]:
        score = min(score, SURELY_NOT)
    elif changes[place] == "word":
        score = min(score, DOUBTED)
    unit = found.units[number]
    because, opposes = reason(said, number, found, best, changes[place]) if score < SURE else ("", False)
    if not (knows(said.language) and knows(found.language)):
        score, because = min(score, UNKNOWN_LANGUAGE), because or "the rules do not know the language"
    return Finding(score, Window(unit.start, unit.end), because, opposes, sure=decides[place])


def _is_surely_wrong(compared: Mapping[str, float]) -> bool:
    """What stands nowhere (a value, a name, a stretch), or a copied sentence with another value, name or polarity."""
    nowhere = compared["value_missing"] or compared["name_missing"] or compared["added"] or compared["other_cell"]
    changed = compared["value_elsewhere"] or compared["name_replaced"] or compared["opposed"] or compared["polarity"]
    return bool(nowhere or (compared["copied"] >= COPIED_FROM and changed))


def reason(
    said: Statement, number: int, found: Source, compared: Mapping[str, float], changed: Change | None
) -> tuple[str, bool]:
    """In words, what the claim has and the passage lacks, and whether the passage says otherwise."""
    told = found.told[number]
    if compared["value_missing"] or compared["value_elsewhere"]:
        gone = unmet(said.values, [*told.values, *found.about.values])
        others = [value for value in told.values if any(value.same_kind(own) for own in gone)]
        where = "" if compared["value_missing"] else "in what it says of this"
        if others:
            return f"{_quoted(gone)} is not there {where}".strip() + f": it says {_quoted(others)}", True
        return f"{_quoted(gone)} is not there {where}".strip(), False
    if compared["name_missing"]:
        gone_names = frozenset[str]().union(*said.names) - found.whole.words - found.about.words
        return f"{', '.join(sorted(gone_names)) or 'what was asked about'} is not named there", False
    otherwise = (
        (compared["other_cell"], "another column of the row says it"),
        (compared["polarity"] or changed == "denial", "one denies what the other says"),
        (compared["opposed"] or changed == "opposite", "one says the opposite of the other"),
        (compared["name_replaced"] > COPIED_FROM, "it says this of another name"),
    )
    if because := next((because for holds, because in otherwise if holds), ""):
        return because, True
    if compared["rival"] > RIVAL_FROM:
        return "another place says more of what was asked, and not this", False
    lost = missing(said.whole, [told.found, found.over[number].found])
    spoken = [word for word in words(f"{said.text} {said.question}") if lost.intersection(terms_of(word))]
    named = list(dict.fromkeys(spoken or sorted(lost)))[:REASONS]
    return (f"nothing is said there of {', '.join(named)}" if named else ""), False


def _quoted(values: Sequence[Value]) -> str:
    return ", ".join(dict.fromkeys(value.text for value in values))
