"""The quotable units of the kept passages, sentences, list items and table rows, scored against the question; pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import log
from typing import Literal

from ..learned import logistic
from ..state import Evidence, Passage
from ..text.function_words import LEADING_PRONOUN
from ..text.markdown import ITEM, plain
from ..text.sentences import Unit, units
from ..text.words import TermWeight, share, weights
from .names import Name, carried_names, is_of_other_date, names_in, text_names
from .question import (
    WITH_VECTORS,
    asked_terms,
    asks_several,
    asks_to_work_out,
    counted_in,
    said,
    said_in,
    subject,
    telling,
    term_set,
)
from .versions import outdated

MOST_UNITS = 400
BIAS, MEANING, WORDS = -6.5, 4.4, 5.4
"""Log-odds that a unit holds the answer: in all, for its cosine, and for the share of the question's terms in it.

Fitted on SQuAD 2.0; more signs (its neighbours' terms, the kind of answer) do not find the sentence more often.
"""
OUTDATED = -8.0
"""Log-odds for a unit of a version that another kept passage's document supersedes."""
UNNAMED = -1.0
"""Log-odds for each name of the question that a unit is not about, where others are."""
ENTRY = 5.0
"""Log-odds for the entry of a code in a list of codes where its meaning is asked for."""
MEANS = re.compile(r"\b(?:means?|meaning|stands? for|bedeutet|bedeutung|signifie|significa|betekent)\b", re.IGNORECASE)

HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
SENTENCE_REFERS_BACK = re.compile(rf"\W*(?:\w+ \w+,? )?{LEADING_PRONOUN}", re.IGNORECASE)
"""A sentence that begins so says `it` of what the one before it in its paragraph names."""
RIVALS = 2
"""Of the best units, those that may say of something else what is asked for."""


def gather(passages: Sequence[Passage]) -> list[Evidence]:
    """The quotable units of the passages but for questions; `similarity` is the unit's cosine, or its passage's."""
    found: list[Evidence] = []
    for number, passage in enumerate(passages):
        own = units(passage["text"], passage["header"])
        known = len(passage["similar"]) == len(own)
        near = passage["similar"] if known else [passage["vector"] or 0.0] * len(own)
        headings = [(0, passage["section"].split(" > ")[-1]), *_headings(passage["text"])]
        for unit, similar in zip(own, near, strict=True):
            if any(map(str.isalpha, unit.reading)) and not unit.reading.endswith("?"):
                heading = next(text for start, text in reversed(headings) if start <= unit.start)
                last = found[-1] if found and found[-1]["passage"] == number else None
                found.append(
                    Evidence(
                        passage=number,
                        start=unit.start,
                        end=unit.end,
                        text=unit.reading,
                        question=unit.question,
                        shape=_shape(unit, passage["text"]),
                        heading=heading,
                        context=f"{passage['title']}, {heading}" if heading else passage["title"],
                        before=_before(unit, last, passage),
                        similarity=similar,
                        coverage=0.0,
                        score=0.0,
                    )
                )
    return found[:MOST_UNITS]


def _before(unit: Unit, last: Evidence | None, passage: Passage) -> str:
    """What a unit says `it` of: the text of the one before it, or nothing."""
    leans = (
        last and SENTENCE_REFERS_BACK.match(unit.reading) and "\n\n" not in passage["text"][last["end"] : unit.start]
    )
    return last["text"] if last and leans else ""


def _shape(unit: Unit, text: str) -> Literal["sentence", "item", "row"]:
    """Whether a unit is a table row, a list item or a sentence."""
    start = text.rfind("\n", 0, unit.start) + 1
    line = text[start : unit.end]
    if line.lstrip().startswith("|"):
        return "row"
    return "item" if ITEM.match(line) and start + len(line) - len(line.lstrip()) <= unit.start else "sentence"


@lru_cache(maxsize=2048)
def _headings(text: str) -> tuple[tuple[int, str], ...]:
    """The headings inside of a text and where they stand."""
    return tuple((match.start(), plain(match[1])) for match in HEADING.finditer(text))


def unit_text(unit: Evidence) -> str:
    """What a unit says by itself, without the question that its passage asks before it."""
    return unit["text"][len(unit["question"]) :].lstrip()


def terms_of(unit: Evidence, language: str) -> frozenset[str]:
    """The distinct terms of a unit and of what it stands under."""
    return term_set(f"{unit['text']}\n{unit['context']}", language)


def in_order(found: Sequence[Evidence], number: int) -> list[Evidence]:
    """The units of one passage in reading order."""
    return sorted((unit for unit in found if unit["passage"] == number), key=lambda unit: unit["start"])


def score(question: str, passages: Sequence[Passage], weigh: TermWeight, language: str = "en") -> list[Evidence]:
    """The units, best first: `score` is the probability that a unit holds the answer, `coverage` a share of terms."""
    found, old = gather(passages), outdated(question, passages)
    wanted, weigh = asked_terms(question, language), telling(question, weigh, language)
    for unit in found:
        if unit["before"] and wanted & term_set(unit["text"], language):
            unit["context"] += f". {unit['before']}"
        held = said_in(question, unit["text"], wanted, terms_of(unit, language))
        # Where only the words tell, a title alone answers nothing.
        is_related = language in WITH_VECTORS or wanted & said(wanted, term_set(unit["text"], language))
        unit["coverage"] = share(wanted, held, weigh) if is_related else 0.0
        odds = BIAS + MEANING * unit["similarity"] + WORDS * unit["coverage"]
        odds += OUTDATED * (unit["passage"] in old)
        unit["score"] = logistic(odds)
    return sorted(found, key=lambda unit: -unit["score"])


@dataclass(frozen=True)
class Named:
    """Which units are about what a question names."""

    fitting: list[Evidence]
    """The units that may answer, best first: those that are about less of what is named come later."""
    missing: list[Name]
    """Names that nothing has."""
    found: Sequence[Evidence]
    """All units with what they score when names count; those that fit are among them."""


def about_names(question: str, passages: Sequence[Passage], found: Sequence[Evidence], language: str = "en") -> Named:
    """Which units are about what the question names; `found` is best first.

    A row or a list item has a name itself, or stands under it. A sentence may have it from another one under the same
    heading. A unit that is not about a name counts less.
    """
    wanted, carried = names_in(question, language), carried_names(question, language)
    kept = _answering(question, passages, found, language)
    if not wanted + carried:
        return Named([found[n] for n in kept], [], found)
    view = _View(passages, found, wanted + carried)
    missing = [name for name in wanted + carried if not view.has(name)]
    if missing or view.is_rivals(question, wanted, language):
        return Named([], missing, found)
    lost = [
        sum(not view.fits(unit, name) for name in wanted)
        + sum(not text_names(unit["text"]).has(name) for name in carried)
        for unit in found
    ]
    least = min(lost, default=0)
    odds = [
        UNNAMED * (count - least) + ENTRY * is_entry(question, unit) for unit, count in zip(found, lost, strict=True)
    ]
    every = [less_likely(*each) for each in zip(found, odds, strict=True)]
    if not any(lost[n] == least for n in kept):
        return Named([], missing, every)
    return Named(sorted((every[n] for n in kept), key=lambda unit: -unit["score"]), missing, every)


def _answering(question: str, passages: Sequence[Passage], found: Sequence[Evidence], language: str) -> list[int]:
    """The numbers of the units that name whom a question is about, and no other month or weekday than it asks of."""
    titles, wanted = [passage["title"] for passage in passages], term_set(subject(question), language)
    alike = _rows_alike(question, found, language)
    return [
        number
        for number, unit in enumerate(found)
        if number not in alike
        and not is_of_other_date(question, unit["text"], titles[unit["passage"]])
        and wanted <= said(wanted, terms_of(unit, language))
    ]


def _rows_alike(question: str, found: Sequence[Evidence], language: str) -> set[int]:
    """The numbers of the rows that a question does not tell from the others of their table, though it asks for more.

    `What is the dose of aspirin?` has of each row the column's name alone, and of no row what it is about.
    """
    if asks_to_work_out(question) or asks_several(question) or counted_in(question) is not None:
        return set()
    tables: dict[tuple[int, str], list[int]] = {}
    for number, unit in enumerate(found):
        if unit["shape"] == "row":
            tables.setdefault((unit["passage"], unit["heading"]), []).append(number)
    wanted = asked_terms(question, language)
    result = set[int]()
    for rows in tables.values():
        told = [said(wanted, terms_of(found[n], language)) & wanted for n in rows]
        shared = frozenset.intersection(*told)
        if len(rows) > 1 and shared < wanted:
            result.update(n for n, own in zip(rows, told, strict=True) if own == shared)
    return result


def is_entry(question: str, unit: Evidence) -> bool:
    """Whether a unit is the entry of a code whose meaning is asked for: it begins with it."""
    first = text_names(unit["text"].partition("; ")[0].rpartition(": ")[2]).words[:1]
    return bool(MEANS.search(question)) and any(
        name.kind == "code" and name.words == first for name in names_in(question)
    )


def less_likely(unit: Evidence, odds: float) -> Evidence:
    """The unit with log-odds added to its score."""
    return Evidence(**{**unit, "score": logistic(log_odds(unit) + odds)}) if odds else unit


def log_odds(unit: Evidence) -> float:
    """The log-odds that a unit holds the answer."""
    return log(unit["score"] / (1 - unit["score"]))


class _View:
    """The units of the passages as names are looked up in them."""

    def __init__(self, passages: Sequence[Passage], found: Sequence[Evidence], names: Sequence[Name]) -> None:
        self.passages, self.found = passages, found
        self._files = [text_names(_file_and_metadata(passage)) for passage in passages]
        self._own = {id(unit): text_names(unit["text"]) for unit in found}
        self._under: dict[tuple[int, str], set[Name]] = {}
        self._headed = {n: set[Name]() for n in range(len(passages))}
        for unit in found:
            self._headed[unit["passage"]].update(name for name in names if text_names(unit["heading"]).has(name))
            section_names = self._under.setdefault((unit["passage"], unit["heading"]), set())
            section_names.update(name for name in names if self._own[id(unit)].has(name))

    def fits(self, unit: Evidence, name: Name) -> bool:
        """Whether a unit is about what a name means."""
        own = self._own[id(unit)]
        if own.has(name):
            return True
        if own.rivals(name):
            return False
        loose = unit["shape"] == "sentence" and not unit["question"]
        return self._above(unit, name) or (loose and name in self._under[unit["passage"], unit["heading"]])

    def has(self, name: Name) -> bool:
        """Whether anything has a name."""
        return any(name in section_names for section_names in self._under.values()) or any(
            self._above(unit, name) for unit in self.found
        )

    def _above(self, unit: Evidence, name: Name) -> bool:
        return text_names(unit["context"]).has(name) or self._files[unit["passage"]].has(name)

    def is_rivals(self, question: str, names: Sequence[Name], language: str) -> bool:
        """Whether what is asked for is said of something else of the kind, and no unit with the names says it.

        `How long can the Halden 7 fly?`: `The Halden 5 flies for 38 minutes.` is best, `The Halden 7 is orange.` fits.
        """
        fitting = next((unit for unit in self.found if all(self.fits(unit, name) for name in names)), None)
        rivals = [unit for unit in self.found[:RIVALS] if any(self._is_rival(unit, name) for name in names)]
        if fitting is None:
            # A row or an item says all of what it is about; what a sentence is about may stand around it.
            return (bool(rivals) or self.found[0]["shape"] != "sentence") and not asks_to_work_out(question)
        named = term_set(" ".join(name.text for name in names), language)
        lost = asked_terms(question, language) - named - terms_of(fitting, language)
        return any(lost & term_set(unit["text"], language) for unit in rivals)

    def _is_rival(self, unit: Evidence, name: Name) -> bool:
        """Whether a unit is about something else where the name would stand, or under another year or heading."""
        if self.fits(unit, name):
            return False
        other_year = name.kind == "number" and text_names(unit["context"]).rivals(name)
        return self._own[id(unit)].rivals(name) or other_year or name in self._headed[unit["passage"]]


def _file_and_metadata(passage: Passage) -> str:
    file = re.sub(r"[-_/.]", " ", passage["file"])
    return f"{file}\n{' '.join(str(value) for value in passage['metadata'].values())}"


def naming(question: str, found: Sequence[Evidence], like: Evidence, language: str = "en") -> list[Evidence]:
    """The units that name something that the question names, if the best one does."""
    names = names_in(question, language)
    named = [unit for unit in found if any(text_names(unit["text"]).has(name) for name in names)]
    return named if like in named else list(found)


def weighing(passages: Sequence[Passage]) -> TermWeight:
    """How telling a term is among the passages, where the index does not tell it of all."""
    texts = [term_set(unit["text"]) for unit in gather(passages)]
    known, unheard = weights(texts), log((len(texts) + 1) / 0.5)
    return lambda term: known.get(term, unheard)
