"""Whether a passage says what a claim says: a few features, a small linear model, and what is sure without it; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import LCSseq

from ..learned import load, logistic
from ..state import Verdict
from ..steps.names import YEAR_AFTER, Name, held, names_in
from ..text.facts import opposed
from ..text.readings import MONTHS
from ..text.sentences import ROW
from ..text.values import Value, unmet
from ..text.words import Weigh, is_number
from .claims import stated
from .passages import Source, Told, Window, knows, missing, terms_of
from .statement import Statement

DENIED_FROM = 0.6
"""Share of what a clause denies that a claim must say to be held against it."""
WITHOUT_COSINE = 0.5, 0.4
"""What stands in for the cosine where nothing compares by meaning: it follows the share of words that are held."""
ADDED_FROM, COPIED_FROM, BEGUN_FROM = 3, 0.5, 0.3
"""Terms in a row that the passage has not, and the share of the claim that stands in order in one of its sentences."""
SURE = 0.9
"""Score from which on nothing is amiss."""
SURELY_NOT, UNKNOWN_LANGUAGE, RIVAL_FROM = 0.2, 0.6, 0.3
"""The most that a claim scores that is surely wrong, and one in a language that the rules do not know."""
CANDIDATES = 3
"""Units of a passage that are looked at closely."""
EDGES = re.compile(r"(?<!\S)[\"'“”\u2018(]+|[.!?…:;,\"'“”’)]+(?!\S)")
TURNS = re.compile(
    r"\b(?:unless|if|except|until|before|provided|false|untrue|wrong|denie[sd]|myth|claims?|claimed|believed?)\b",
    re.IGNORECASE,
)
"""What before a piece of a sentence can turn what the piece says."""
CONDITION = re.compile(r"\b(?:unless|except|only if|provided that|as long as|until)\b", re.IGNORECASE)
Features = dict[str, float]


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
        turned = Told(before, found.language).denied or TURNS.search(before) or CONDITION.search(behind)
        copied = whole or (piece and not turned and not said.is_fragment)
        if copied or _as_written(found, number) == wanted:
            return Window(unit.start, unit.end, number)
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


def features(
    said: Statement, number: int, found: Source, cosine: float | None, weigh: Weigh, rival: float = 0.0
) -> Features:
    """What speaks for and against unit `number` of a passage saying what the claim says; shares are 0 to 1."""
    told, over = found.told[number], found.over[number]
    met = _met_terms(said, number, found)
    lost = missing(said.whole, [told.found, over.found]) - met
    held = _share(said.whole, lost, weigh)
    order = LCSseq.similarity(said.own, told.terms) / len(said.own) if said.own else 1.0
    foreign = bool(told.names - said.words - said.asked)
    return {
        "held": held,
        "answer": _share(frozenset(said.own) - said.asked, lost, weigh),
        "cosine": WITHOUT_COSINE[0] + WITHOUT_COSINE[1] * held if cosine is None else cosine,
        **_valued(said, number, found),
        "name_missing": float(_name_missing(said, found) or _of_another(said, number, found)),
        "name_replaced": order * (foreign and _name_elsewhere(said, told, over)),
        "polarity": _polarity(said, told, found, order),
        "opposed": float(opposed(said.words, told.words) > 0),
        "rival": rival if said.answers else 0.0,
        "copied": float(order >= COPIED_FROM),
        "added": float(order >= BEGUN_FROM and _longest_run(said.own, met, found) >= ADDED_FROM),
    }


def _share(wanted: set[str] | frozenset[str], gone: set[str], weigh: Weigh) -> float:
    total = sum(map(weigh, wanted))
    return 1 - sum(weigh(term) for term in gone & wanted) / total if total > 0 else 1.0


def _valued(said: Statement, number: int, found: Source) -> Features:
    """Whether a value of the claim is missing from the passage, and from the unit with its title and section."""
    if not said.values:
        return {"value_missing": 0.0, "value_elsewhere": 0.0}
    here = [*found.told[number].values, *found.about.values]
    gone = unmet(said.values, here)
    return {
        "value_missing": float(bool(gone and unmet(gone, found.whole.values))),
        "value_elsewhere": float(bool(gone)),
    }


def _met_terms(said: Statement, number: int, found: Source) -> set[str]:
    """The words of the claim's values that the unit tells, in whatever words: `2 p.m.` is met by `14:00`."""
    here = [*found.told[number].values, *found.about.values]
    return {term for value in said.values if not unmet([value], here) for term in terms_of(value.text)}


@lru_cache(maxsize=1024)
def _name_missing(said: Statement, found: Source) -> bool:
    gone = frozenset[str]().union(*said.names) - found.whole.words - found.about.words - MONTHS.keys()
    return bool(gone and missing(gone, [found.whole.found, found.about.found]))


def _name_elsewhere(said: Statement, told: Told, over: Told) -> bool:
    """Whether of a name no word stands in the unit or over it."""
    gone = [name for name in said.names if not name & (told.words | over.words)]
    return any(len(missing(name, [told.found, over.found])) == len(name) for name in gone)


def _of_another(said: Statement, number: int, found: Source) -> bool:
    """Whether a unit is of another thing than the one asked about: of the Brisel 180, the seal of Warsaw."""
    if not said.answers:
        return False
    told, here, above = found.told[number], held(found.told[number].text), held(found.over[number].text)
    names = names_in(said.question)
    asked = [name for name in names if name.kind != "name" and name.before not in YEAR_AFTER]
    if asked and not any(here.has(name) or above.has(name) for name in asked):
        unit = found.units[number]
        row = ROW.match(found.text[unit.start : unit.end])
        if any(map(here.rivals, asked)) or (row and any(_numbered(here.words, name.before) for name in asked)):
            return True
    return any(_owned_by_another(said.question, name, told.text) for name in names if name.kind == "name")


def _numbered(words: Sequence[str], label: str) -> bool:
    """Whether a row has a number in the cell after a label, or in the one after its column's name."""
    return any(label == word and any(map(str.isdigit, words[n + 1 : n + 3])) for n, word in enumerate(words))


def _owned_by_another(question: str, name: Name, text: str) -> bool:
    """Whether a text tells what the question calls `the seal of Sigilium` of another name, and not of this one."""
    if not (owner := re.search(rf"(\w+ of (?:the )?){re.escape(name.text)}\b", question)):
        return False
    told = [match[1] for match in re.finditer(rf"(?i:\b{re.escape(owner[1])})((?:[A-Z]\S* ?)+)", text)]
    return bool(told) and not any(held(other).has(name) for other in told)


def _longest_run(own: tuple[str, ...], met: set[str], found: Source) -> int:
    """How many terms in a row the passage and its title do not mention."""
    lost = _nowhere(own, found) - met
    longest = run = 0
    for term in own:
        run = run + 1 if term in lost else 0
        longest = max(longest, run)
    return longest


@lru_cache(maxsize=1024)
def _nowhere(own: tuple[str, ...], found: Source) -> set[str]:
    return missing(own, [found.whole.found, found.about.found])


def asked_share(said: Statement, told: Told, about: Told, weigh: Weigh) -> float:
    """How much of the question a unit is about."""
    return _share_of(said.asked, told, about, weigh)


@lru_cache(maxsize=16384)
def _share_of(asked: frozenset[str], told: Told, about: Told, weigh: Weigh) -> float:
    return _share(asked, missing(asked, [told.found, about.found]), weigh)


def most_asked(said: Statement, found: Sequence[Source], weigh: Weigh) -> float:
    """How much of the question the unit is about that is most about it, of those that do not say the claim's answer."""
    answer = frozenset(said.own) - said.asked
    shares = [(asked_share(said, t, o, weigh), t) for each in found for t, o in zip(each.told, each.over, strict=True)]
    ranked = sorted(shares, key=lambda each: -each[0])
    return next((s for s, t in ranked if missing(answer, [t.found]) or unmet(said.values, t.values)), 0.0)


def _polarity(said: Statement, told: Told, found: Source, order: float) -> float:
    """How far one denies what the other says, 0 to 1."""
    if said.denies:
        return 0.0 if told.denies or found.excludes else order
    if said.assent is False or said.asks_denied:
        return 0.0
    denied = said.assent and any(not reached.isdisjoint(said.asked) for reached in told.denied)
    shares = [DENIED_FROM * bool(denied)] + [
        _share_denied(said, reached) for other in found.told for reached in other.denied if len(reached) > 1
    ]
    if found.excludes:
        shares.append(_share_denied(said, frozenset(told.terms)))
    most = max(shares, default=0.0)
    return most if most >= DENIED_FROM else 0.0


def _share_denied(said: Statement, reached: frozenset[str]) -> float:
    """How much of what is denied the claim says; 0 where that is about another number."""
    held = reached & said.whole
    return 0.0 if any(is_number(term) for term in reached - held) else len(held) / len(reached)


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
    score, place = max((logistic(model.score(each)), -n) for n, each in enumerate(told))
    number, best = units[-place], told[-place]
    if _is_surely_wrong(best):
        score = min(score, SURELY_NOT)
    unit = found.units[number]
    because, opposes = reason(said, number, found, best) if score < SURE else ("", False)
    if not (knows(said.language) and knows(found.language)):
        score, because = min(score, UNKNOWN_LANGUAGE), because or "the rules do not know the language"
    return Finding(score, Window(unit.start, unit.end, number), because, opposes)


def _is_surely_wrong(compared: Mapping[str, float]) -> bool:
    """What stands nowhere (a value, a name, a stretch), or a copied sentence with another value, name or polarity."""
    nowhere = compared["value_missing"] or compared["name_missing"] or compared["added"]
    changed = compared["value_elsewhere"] or compared["name_replaced"] or compared["opposed"] or compared["polarity"]
    return bool(nowhere or (compared["copied"] and changed))


def reason(said: Statement, number: int, found: Source, compared: Mapping[str, float]) -> tuple[str, bool]:
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
    if compared["polarity"]:
        return "one denies what the other says", True
    if compared["opposed"]:
        return "one says the opposite of the other", True
    if compared["name_replaced"] > COPIED_FROM:
        return "it says this of another name", True
    if compared["rival"] > RIVAL_FROM:
        return "another place says more of what was asked, and not this", False
    gone_terms = sorted(missing(said.whole, [told.found, found.over[number].found]))
    return (f"nothing is said there of {', '.join(gone_terms[:5])}" if gone_terms else ""), False


def _quoted(values: Sequence[Value]) -> str:
    return ", ".join(dict.fromkeys(value.text for value in values))
