"""What a claim and a passage have in common and lack, as the features that the weights of `support` are over; pure."""

import re
from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz.distance import LCSseq

from ..steps.names import YEAR_AFTER, Name, held, names_in
from ..text.facts import opposed
from ..text.readings import MONTHS
from ..text.sentences import ROW
from ..text.values import unmet, values
from ..text.words import Weigh, is_number, share
from .passages import Source, Told, missing, terms_of
from .statement import Statement

DENIED_FROM = 0.6
"""Share of what a clause denies that a claim must say to be held against it."""
WITHOUT_COSINE = 0.5, 0.4
"""What stands in for the cosine where nothing compares by meaning: it follows the share of words that are held."""
ADDED_FROM, COPIED_FROM, BEGUN_FROM = 3, 0.5, 0.3
"""Terms in a row that the passage has not, and the shares of the claim in order in a sentence from which on it copies
the sentence, or its beginning."""
Features = dict[str, float]


def features(
    said: Statement, number: int, found: Source, cosine: float | None, weigh: Weigh, rival: float = 0.0
) -> Features:
    """What speaks for and against unit `number` of a passage saying what the claim says; shares are 0 to 1."""
    told, over = found.told[number], found.over[number]
    met = _met_terms(said, number, found)
    lost = missing(said.whole, [told.found, over.found]) - met
    held_share = share(said.whole, said.whole - lost, weigh)
    answer = frozenset(said.own) - said.asked
    order = LCSseq.similarity(said.own, told.terms) / len(said.own) if said.own else 1.0
    foreign = bool(told.names - said.words - said.asked)
    return {
        "held": held_share,
        "answer": share(answer, answer - lost, weigh),
        "cosine": WITHOUT_COSINE[0] + WITHOUT_COSINE[1] * held_share if cosine is None else cosine,
        **_valued(said, number, found),
        "name_missing": float(_name_missing(said, found) or _of_another(said, number, found)),
        "name_replaced": order * (foreign and _name_elsewhere(said, told, over)),
        "polarity": _polarity(said, told, found, order),
        "opposed": float(opposed(said.words, told.words) > 0),
        "rival": rival if said.answers else 0.0,
        "copied": order,
        "other_cell": float(_of_another_cell(said, told)),
        "added": float(order >= BEGUN_FROM and _longest_run(said.own, met, found) >= ADDED_FROM),
    }


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


def _of_another_cell(said: Statement, told: Told) -> bool:
    """Whether a claim names one column of a row and has the cell of another: the deputy, and who is the head."""
    # The first cell names the row.
    named = [part.split(": ", 1) for part in told.text.split("; ") if ": " in part][1:]
    own, cells = set(said.own), [(set(terms_of(label)), set(terms_of(cell)), values(cell)) for label, cell in named]
    lacks = any(
        label and cell and label <= said.whole and not cell & own and len(unmet(amounts, said.values)) == len(amounts)
        for label, cell, amounts in cells
    )
    return lacks and any(cell and cell <= own and not label & said.whole for label, cell, _ in cells)


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
    return share(asked, asked - missing(asked, [told.found, about.found]), weigh)


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
