"""Chooses what is quoted for a question where no model reads: whole sentences, rows, lists and procedures; pure.

Nothing is cut out of a sentence or a row, and nothing is computed: where the answer is a total, a count or a
comparison that no sentence states, the rows that it would be computed from are quoted, and the answer is partial.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rapidfuzz.fuzz import ratio

from ..state import Evidence, Passage, Quote
from ..text.cells import cell_of
from ..text.function_words import LEADING_PRONOUN, is_number_word
from ..text.markdown import ITEM, STEP
from ..text.words import terms
from .evidence import in_order, naming, unit_text
from .question import SEVERAL, asked_terms, asks_how, asks_several, counted_in, not_stated, said, term_set

MOST = 12
"""Units of a list, a table or a procedure that are quoted at the most."""
ALIKE = 75.0
"""Likeness, 0 to 100, of two sentences without names and numbers from which on they say the same of two things."""
STOPS = ".!?:;…。！？"
CUT_FROM = 700
"""Characters from which on a passage is taken to be a piece of a longer section."""
SEQUENCE = re.compile(
    r"\W*(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|then|next|after (?:that|this)|afterwards|finally|lastly|at last|now"
    r"|zuerst|zunächst|dann|danach|anschließend|schließlich|zuletzt|d['’]abord|ensuite|puis|enfin|primero|luego|después"
    r"|finalmente|prima|poi|infine|først|derefter|så|til sidst|eerst|daarna|vervolgens|tenslotte)\b",
    re.IGNORECASE,
)
UNIT_REFERS_BACK = re.compile(rf"\W*{LEADING_PRONOUN}", re.IGNORECASE)
"""A sentence that begins so is quoted after the one before it, which names what it says it of."""
LONGEST_ITEM = 300
"""Characters of a list item that is quoted whole."""
LONGEST_SECTION = 600
"""Characters of a section that is quoted whole where its heading says all that is asked for."""
AFTER_NUMBER = re.compile(r"\b([\w.,]+)(?=((?:[ -][\w'’-]+){1,3}))")
"""A word and the three after it: a number, and what it counts."""


@dataclass(frozen=True)
class Quotes:
    """What is quoted, in reading order within a list; `partial` says why there may be more to it, or is empty."""

    found: list[Quote]
    partial: str = ""


def choose(
    question: str, passages: Sequence[Passage], fitting: Sequence[Evidence], found: Sequence[Evidence]
) -> Quotes:
    """What answers a question out of the units that are about it, best first; there must be one. `found` are all."""
    best = fitting[0]
    records = alike(best, passages, fitting)
    kin = naming(question, records, best)
    if _is_empty(question, best, records):
        return Quotes([])
    if computed(question, best) and len(kin) > 1:
        return _quotes(kin, found, "The answer has to be worked out from what is quoted.")
    passage, around = passages[best["passage"]], in_order(found, best["passage"])
    block = list_of(best, passage, around)
    if len(block) > 1 and _leads(best, passage):
        return _whole(block, found, passages)
    if asks_how(question):
        steps = _headed_steps(best, found, passages) or _procedure(question, best, block, passage, around)
        return _whole(steps, found, passages)
    if asks_several(question):
        records = alike(best, passages, found)
        is_free = len(block) > 1 and any(unit not in records for unit in block)
        return _whole(block if is_free else _asked_of(question, best, kin), found, passages)
    if len(block) > 1 and not asked_terms(question) & term_set(unit_text(best)):
        # The heading, or the sentence before, says what is asked for, and the items are the answer together.
        return _whole(block, found, passages)
    return _quotes(item_of(best, passage, around), found)


def _procedure(
    question: str, best: Evidence, block: list[Evidence], passage: Passage, own: Sequence[Evidence]
) -> list[Evidence]:
    """What tells how something is done: a list, a short section whose heading says it, or sentences in turn."""
    section = [unit for unit in own if unit["heading"] == best["heading"]]
    items = [unit for unit in section if unit["shape"] == "item"]
    if len(block) == 1 and len(items) > 1:
        block = list_of(items[0], passage, own)
    if len(block) > 1:
        return block
    is_named = asked_terms(question) <= term_set(best["heading"])
    is_short = section[-1]["end"] - section[0]["start"] <= LONGEST_SECTION
    return section if is_named and is_short else sequence_of(best, own)


def _headed_steps(best: Evidence, found: Sequence[Evidence], passages: Sequence[Passage]) -> list[Evidence]:
    """The sections that are steps around that of a unit, in all kept passages of its document; none if it is none."""
    if not STEP.match(best["heading"]):
        return []
    document = passages[best["passage"]]["document"]
    own = [unit for unit in found if passages[unit["passage"]]["document"] == document]
    own.sort(key=lambda unit: (passages[unit["passage"]]["start"], unit["start"]))
    first, last = _run(own, own.index(best), lambda *pair: all(STEP.match(unit["heading"]) for unit in pair))
    return own[first : last + 1]


def _is_empty(question: str, best: Evidence, records: Sequence[Evidence]) -> bool:
    """Whether the cell that a question asks for is empty in a row: others of its table have one of that label."""
    labels = frozenset[str]().union(*(_labels(unit["text"]) for unit in records)) - _labels(best["text"])
    asked = asked_terms(question)
    return any(set(terms(label)) <= asked for label in labels if terms(label))


def _asked_of(question: str, best: Evidence, records: Sequence[Evidence]) -> list[Evidence]:
    """Of records of one form those that have all of the question's words that the best one has."""
    asked = asked_terms(SEVERAL.sub("", question))
    wanted = asked & said(asked, term_set(best["text"]))
    return [unit for unit in records if wanted <= said(wanted, term_set(unit["text"]))]


def computed(question: str, best: Evidence) -> bool:
    """Whether a question asks for what has to be worked out, and the best unit does not state it."""
    if not_stated(question, best["text"]):
        return True
    counted = counted_in(question)
    return counted is not None and not _counts(counted, best)


def _counts(head: frozenset[str], best: Evidence) -> bool:
    """Whether a unit says how many: a number in a sentence, or in a cell whose column is what is counted."""
    if best["shape"] != "row":
        counted = (match for match in AFTER_NUMBER.findall(best["text"]) if is_number_word(match[0].lower()))
        return any(head & set(terms(after)) for _, after in counted)
    pairs = [pair.partition(": ") for pair in best["text"].split("; ")]
    counts = [(f"{label} {value}", cell_of(value or label).kind in ("number", "quantity")) for label, _, value in pairs]
    # In a table that lies on its side the first cell says what is counted.
    sideways = head & set(terms(pairs[0][2] or pairs[0][0])) and any(number for _, number in counts[1:])
    return bool(sideways) or any(number and bool(head & set(terms(cell))) for cell, number in counts)


def alike(best: Evidence, passages: Sequence[Passage], found: Sequence[Evidence]) -> list[Evidence]:
    """The units that say of other things what the best one says: the rows of its table, sentences of its form."""
    if best["question"]:
        return [best]
    document = passages[best["passage"]]["document"]
    same = [
        unit for unit in found if passages[unit["passage"]]["document"] == document and unit["shape"] == best["shape"]
    ]
    if best["shape"] == "row":
        # An empty cell has no label in the reading of its row.
        labels = _labels(best["text"])
        kin = [unit for unit in same if _labels(unit["text"]) <= labels or labels <= _labels(unit["text"])]
    else:
        form = _form(best["text"])
        kin = [unit for unit in same if unit is best or ratio(form, _form(unit["text"])) >= ALIKE]
    return sorted(
        kin, key=lambda unit: (unit["passage"] != best["passage"], passages[unit["passage"]]["start"], unit["start"])
    )


def _labels(reading: str) -> frozenset[str]:
    return frozenset(pair.partition(": ")[0] for pair in reading.split("; ") if ": " in pair)


def _form(text: str) -> str:
    """A sentence without its names and numbers."""
    words = re.findall(r"\w+(?:[-/.]\w+)*|[^\w\s]", text)
    return " ".join(
        "X" if any(map(str.isdigit, word)) or (place and word[:1].isupper()) else word.lower()
        for place, word in enumerate(words)
    )


def list_of(best: Evidence, passage: Passage, own: Sequence[Evidence]) -> list[Evidence]:
    """The list that a unit is an item of, or that it leads to, with the sentence before it; or the unit alone."""
    place = own.index(best)
    first = place + 1 if _leads(best, passage) else place
    if first >= len(own) or not _in_list(own[first], passage):
        return [best]
    first, last = _run(own, first, lambda one, other: _goes_on(one, other, passage))
    lead = [own[first - 1]] if first and _leads(own[first - 1], passage) else []
    return [*lead, *own[first : last + 1]]


def _leads(unit: Evidence, passage: Passage) -> bool:
    """Whether a unit ends so that a list may follow: with a colon, or outside of a list without a stop."""
    is_open = unit["text"][-1] not in STOPS and unit["shape"] == "sentence" and not _in_list(unit, passage)
    return unit["text"].endswith(":") or is_open


def _run(own: Sequence[Evidence], place: int, joined: Callable[[Evidence, Evidence], bool]) -> tuple[int, int]:
    """The places of the first and the last unit around one of which each is joined to the next."""
    first = last = place
    while first and joined(own[first - 1], own[first]):
        first -= 1
    while last + 1 < len(own) and joined(own[last], own[last + 1]):
        last += 1
    return first, last


def _goes_on(one: Evidence, other: Evidence, passage: Passage) -> bool:
    """Whether the next unit is of the same list: another item, or what an item says below its first line.

    What answers another question is of another list.
    """
    same = one["heading"] == other["heading"] and other["question"] in ("", one["question"])
    return same and _in_list(one, passage) and _in_list(other, passage)


def _in_list(unit: Evidence, passage: Passage) -> bool:
    """Whether a unit is an item, or stands indented under one or behind its first sentence."""
    line = passage["text"][passage["text"].rfind("\n", 0, unit["start"]) + 1 : unit["end"]]
    return unit["shape"] == "item" or line.startswith(("  ", "\t")) or bool(ITEM.match(line) or STEP.match(line))


def item_of(best: Evidence, passage: Passage, own: Sequence[Evidence]) -> list[Evidence]:
    """All that is said in the list item, or in answer to the question, that a unit is of, where that is short."""
    first, last = _run(own, own.index(best), lambda one, other: not _is_parted(passage, one, other))
    whole = _begins(own[first], passage) or own[first]["question"]
    short = whole and own[last]["end"] - own[first]["start"] <= LONGEST_ITEM
    return list(own[first : last + 1]) if short else [best]


def _begins(unit: Evidence, passage: Passage) -> bool:
    """Whether a unit is the first of a list item, which may stand in a line with others."""
    line = passage["text"].rfind("\n", 0, unit["start"]) + 1
    if line == unit["start"] and STEP.match(unit["text"]):
        return True
    return bool(ITEM.fullmatch(passage["text"], line, unit["start"]) or ITEM.match(passage["text"], unit["start"]))


def _is_parted(passage: Passage, one: Evidence, other: Evidence) -> bool:
    """Whether something stands between two units, or the other begins an item."""
    apart = "\n\n" in passage["text"][one["end"] : other["start"]] or one["heading"] != other["heading"]
    return apart or _begins(other, passage) or bool(other["question"])


def sequence_of(best: Evidence, own: Sequence[Evidence]) -> list[Evidence]:
    """The sentences that tell, one after another, what is to be done; or the unit alone."""
    first, last = _run(own, own.index(best), lambda one, other: bool(SEQUENCE.match(unit_text(other))))
    # A line that ends without a stop and has steps under it is their heading.
    return list(own[first + (last > first and own[first]["text"][-1] not in STOPS) : last + 1])


def _whole(units: Sequence[Evidence], found: Sequence[Evidence], passages: Sequence[Passage]) -> Quotes:
    """A list or a procedure, and whether it may go on where its passage was cut."""
    if len(units) > 1 and _is_cut(units, passages):
        return _quotes(units, found, "The list may go on beyond the passage that is quoted.")
    return _quotes(units, found)


def _is_cut(units: Sequence[Evidence], passages: Sequence[Passage]) -> bool:
    """Whether a list ends where its passage was cut from a longer document."""
    passage = passages[units[-1]["passage"]]
    rest = passage["text"][units[-1]["end"] :].strip(" \n|")
    begins = re.match(r"\s*(\d{1,3})[.)]", passage["text"][: units[0]["end"]].rpartition("\n")[2])
    return (not rest and len(passage["text"]) > CUT_FROM) or bool(begins and int(begins[1]) > 1)


def _quotes(units: Sequence[Evidence], found: Sequence[Evidence], partial: str = "") -> Quotes:
    """The units as they are said, each after the sentence that it leans on."""
    if len(units) > MOST:
        partial = f"The first {MOST} of {len(units)} are quoted."
    told = [each for unit in units[:MOST] for each in (leant_on(unit, found), unit) if each]
    return Quotes(once([Quote(text=unit_text(unit), passage=unit["passage"]) for unit in told]), partial)


def leant_on(unit: Evidence, found: Sequence[Evidence]) -> Evidence | None:
    """The unit before one that begins with a pronoun for what that names."""
    around = in_order(found, unit["passage"]) if UNIT_REFERS_BACK.match(unit["text"]) else []
    return next((each for each in reversed(around) if each["start"] < unit["start"]), None)


def once(quotes: Sequence[Quote]) -> list[Quote]:
    """Each quote where it stands first."""
    return list({(quote["passage"], quote["text"]): quote for quote in quotes}.values())
