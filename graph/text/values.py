"""Extracts numbers, amounts, dates and times from a text as comparable values; pure.

Number words and units are those of the six languages of `LANGUAGES`. `1.500` is 1500 in a German text and 1.5 in an
English one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import isclose
from typing import Literal

from .metadata_values import DATE, date_parts, group_of
from .number_words import amount_of, in_digits
from .units import unit_at

ONE = re.compile(r"\b(one|single|an?|eins?|eine[nmrs]?|une?|uno|una|één|een)\b(?: ([^\W\d_]+))?", re.IGNORECASE)
BARE_ONE = re.compile(
    r"^(?:\w+ ){0,3}(?<!\bno )(one)\W*$|^(one) [^\W\d_]+\W*$|^(eine?s?|une?|un[oa]|één|een)\W*$", re.IGNORECASE
)
ONE_UNIT = frozenset({("one", 1.0)})
"""So that a word for one matches only a number without a unit."""
APPROXIMATE = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|almost|nearly|circa|ca\.?|some|etwa|ungefähr|rund|fast|knapp"
    r"|environ|presque|près de|quelque|aproximadamente|alrededor de|casi|unos|unas|cerca de|circa|quasi|ongeveer|bijna"
    r"|rond)|[~≈]) ?(?:\w{3} ?|[€$£] ?)?$",
    re.IGNORECASE,
)
AT_MOST = re.compile(
    r"\b(?:at most|up to|(?:no|not) (?:be )?(?:more|longer|later|higher|older|greater|heavier) than"
    r"|(?:not|n['’]t) exceed(?:ing)?|limited to|within|max(?:imum(?: of)?|\.)?|less than|fewer than"
    r"|höchstens|maximal|bis zu|nicht (?:mehr|länger|später|höher|älter) als|weniger als|innerhalb von"
    r"|au (?:plus|maximum)|jusqu['’]à|(?:pas|ne) plus de|moins de|como máximo|máximo(?: de)?|hasta|no más de|menos de"
    r"|al massimo|massimo(?: di)?|fino a|non più di|meno di|hoogstens|maximaal|niet meer dan|minder dan|binnen) $",
    re.IGNORECASE,
)
AT_LEAST = re.compile(
    r"\b(?:at least|(?:no|not) (?:be )?(?:less|fewer|shorter|earlier|lower|younger|sooner) than"
    r"|min(?:imum(?: of)?|\.)?|more than|exceed(?:s|ed|ing)?"
    r"|mindestens|wenigstens|ab|minimal|nicht (?:weniger|kürzer|früher|jünger) als|mehr als"
    r"|au (?:moins|minimum)|pas moins de|plus de|al menos|por lo menos|como mínimo|mínimo(?: de)?|no menos de|más de"
    r"|almeno|minimo(?: di)?|non meno di|più di|minstens|minimaal|ten minste|niet minder dan|meer dan) $",
    re.IGNORECASE,
)
"""What makes a number a bound, before it."""
LONGEST_BOUND = 24
DAYS = range(1, 32)
TIME_WORDS = "noon midnight mittags mitternacht midi minuit mediodía medianoche mezzogiorno mezzanotte".split()
TIME = re.compile(
    r"(?<![\d.,:])(?P<h1>[01]?\d|2[0-4])(?:[:.](?P<m1>[0-5]\d))? ?(?P<half>[ap])\.? ?m\b\.?"
    r"|(?<![\d.,:])(?P<h2>[01]?\d|2[0-4]):(?P<m2>[0-5]\d)(?::[0-5]\d)?(?![\d:])"
    r"|(?<![\d.,:])(?P<h3>[01]?\d|2[0-4])(?:[.](?P<m3>[0-5]\d))? ?(?:Uhr|uur|o'clock)\b"
    r"|(?<=\blas )(?P<h7>[01]?\d|2[0-4])(?P<m7>(?!))?(?= (?:horas|a las)\b)(?: horas)?"
    r"|(?<=alle )(?P<h6>[01]?\d|2[0-4])[.](?P<m6>[0-5]\d)(?!\d)"
    r"|(?<![\d.,:])(?P<h5>1?\d)(?:[:.](?P<m5>[0-5]\d))?(?= in the (?:morning|afternoon|evening)\b)"
    r"|(?<![\d.,:])(?P<h4>[01]?\d|2[0-4]) ?h(?:eures?)? ?(?P<m4>[0-5]\d)\b"
    rf"|\b(?P<word>{'|'.join(TIME_WORDS)})\b",
    re.IGNORECASE,
)
PAST_NOON = re.compile(
    r" (?:in the (?:afternoon|evening)|nachmittags|abends|'s middags|'s avonds|de l['’]après-midi|du soir"
    r"|de la (?:tarde|noche)|di sera)\b"
)
NUMBER = re.compile(
    r"(?<![\w.,^])(?<![^\W\d_]-)(?P<sign>[-−]|minus )?"
    r"(?P<digits>\d{1,3}(?:[.,'’\u00a0\u2009\u202f ]\d{3})+(?:[.,]\d+)?(?!\d)"
    r"|\d+(?:[.,]\d+)?)(?!(?:[.,]\d))(?P<ordinal>st|nd|rd|th|er|e|º|ª)?(?P<decade>s)?(?P<sup>[¼-¾⅐-⅞])?(?![\d_])"
)
RANGE = re.compile(
    r"\s*(?:[-–—]|to|and|or|through|till|until|bis|und|oder|à|et|a|y|e|al|hasta|tot|en|of)\s*"
    r"(?:las? |[€$£]|[A-Z]{3} )?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Value:
    """A number, date or time of day; the `amount` of a time is in minutes.

    `units` are the possible base units with their factors. `date` is year, month and day, 0 for a missing part;
    `swapped_date` is its other reading. `approximate`: the text marks it as rounded. `bound`: it is the lowest or the
    highest that is meant.
    """

    kind: Literal["number", "ordinal", "date", "time"]
    text: str
    amount: float = 0.0
    units: frozenset[tuple[str, float]] = frozenset()
    date: tuple[int, int, int] = (0, 0, 0)
    swapped_date: tuple[int, int, int] | None = None
    approximate: bool = False
    bound: Literal["", "least", "most"] = ""
    start: int = 0
    end: int = 0

    def same_kind(self, other: "Value") -> bool:
        """Whether two values are of the same kind, so that they contradict each other when they differ."""
        if self.kind != other.kind:
            return False
        return self.kind != "number" or bool({base for base, _ in self.units} & {base for base, _ in other.units})

    def matches(self, stated: "Value") -> bool:
        """Whether a text that states the other value also states this one."""
        if self.kind == "date" or stated.kind == "date":
            return self._matches_date(stated)
        if self.kind == "time" or stated.kind == "time":
            return self.kind == stated.kind and self.amount == stated.amount
        # An article is no number for `Kaldera 1`, only for a bare `one`.
        if self.bound and stated.bound and self.bound != stated.bound:
            return False
        if self.kind != stated.kind or (stated.units == ONE_UNIT and self.text[:1].isdigit()):
            return False
        if not self.units or not stated.units:
            return self._equal(self.amount, stated.amount)
        stated_units = dict(stated.units)
        return any(
            base in stated_units and self._equal(self.amount * factor, stated.amount * stated_units[base])
            for base, factor in self.units
        )

    def _equal(self, amount: float, other: float) -> bool:
        if amount == other or isclose(amount, other, rel_tol=1e-6):
            return True
        # A rounded value has fewer digits than the exact one: `about 200` matches 198, not the reverse.
        return self.approximate and abs(amount - other) <= 0.1 * abs(other) and _digits(amount) < _digits(other)

    def _matches_date(self, stated: "Value") -> bool:
        if self.kind != stated.kind:
            day, other = (self, stated) if self.kind == "date" else (stated, self)
            # A day matches its year, but a year does not match a day.
            return self is other and other.kind == "number" and not other.units and other.amount == day.date[0]
        pairs = product((self.date, self.swapped_date or self.date), (stated.date, stated.swapped_date or stated.date))
        return any(_same_date(*pair) for pair in pairs)


def _same_date(claimed: tuple[int, ...], stated: tuple[int, ...]) -> bool:
    """Whether two dates agree; 0 is a missing part, and a claimed month or day must be stated."""
    parts = list(zip(claimed, stated, strict=True))
    agree = all(one == other or 0 in (one, other) for one, other in parts)
    return agree and all(one == 0 or other for one, other in parts[1:])


def _digits(amount: float) -> int:
    """The number of significant digits: two for 1200."""
    return len(f"{abs(amount):.12g}".replace(".", "").strip("0"))


@lru_cache(maxsize=16384)
def values(text: str, language: str = "en") -> tuple[Value, ...]:
    """The values of a text in order."""
    text = in_digits(text, language)
    if not any(map(str.isdigit, text)):
        lowered = text.lower()
        return tuple(_times(text)) if any(word in lowered for word in TIME_WORDS) else ()
    result = [*_dates(text), *_times(text)]
    taken = [(value.start, value.end) for value in result]
    result += _numbers(text, language, taken)
    result.sort(key=lambda value: value.start)
    return tuple(_with_ranges(result, text)) if result else ()


def implied_values(text: str) -> tuple[Value, ...]:
    """The words for one and the articles of a sentence, which only a bare number is compared with."""
    return tuple(Value("number", m[1], 1.0, ONE_UNIT | unit_at(f"1 {m[2]}", 0, 1)[0]) for m in ONE.finditer(text))


def bare_one(text: str) -> tuple[Value, ...]:
    """The one of a short answer: `One.`, `Just one.`, `One towel.`, `Une.`"""
    found = BARE_ONE.search(text)
    return (Value("number", found[found.lastindex or 0], 1.0),) if found else ()


def missing_values(claimed: Iterable[Value], stated: Iterable[Value]) -> list[Value]:
    """The claimed values that match none of the stated ones."""
    stated = list(stated)
    return [value for value in claimed if not any(value.matches(other) for other in stated)]


def _dates(text: str) -> Iterator[Value]:
    for match in DATE.finditer(text):
        year, month, day = date_parts(match)
        is_open = match["mark"] == "/" or match["m7"]
        if is_open and month > 12:
            month, day = day, month
        swapped_date = (year, day, month) if is_open and day <= 12 else None
        may = re.search(r"\bmay\b", match.group())
        if 0 < month <= 12 and day <= 31 and not may:
            found = Value("date", match.group(), date=(year, month, day), swapped_date=swapped_date)
            yield replace(found, start=match.start(), end=match.end())


def _times(text: str) -> Iterator[Value]:
    for match in TIME.finditer(text):
        if match["word"]:
            late = match["word"].lower() in ("midnight", "mitternacht", "minuit", "medianoche", "mezzanotte")
            amount = 0 if late else 720
        else:
            hours, minutes = int(group_of(match, "h")), int(group_of(match, "m"))
            if match["half"]:
                hours = hours % 12 + 12 * (match["half"].lower() == "p")
            past_noon = hours < 12 and bool(PAST_NOON.match(text, match.end()))
            amount = hours * 60 + minutes + 720 * past_noon
        yield Value("time", match.group().strip(), amount=amount % 1440, start=match.start(), end=match.end())


def _numbers(text: str, language: str, taken: list[tuple[int, int]]) -> Iterator[Value]:
    for match in NUMBER.finditer(text):
        start, end = match.span()
        if any(first < end and start < last for first, last in taken):
            continue
        amount = amount_of(match["digits"], language)
        if amount is None:
            continue
        signed = -amount if match["sign"] else amount
        if match["ordinal"]:
            yield Value("ordinal", match.group(), amount, start=start, end=end)
            continue
        units, start, end = unit_at(text, start, end)
        approximate = bool(APPROXIMATE.search(text[max(0, start - 24) : start]))
        found = Value("number", text[start:end].strip(), signed, units, approximate=approximate, start=start, end=end)
        yield _bounded(found, text)


def _bounded(value: Value, text: str) -> Value:
    """The value with its bound: `at most 5`, `no fewer than 5`."""
    before = text[max(0, value.start - LONGEST_BOUND) : value.start]
    most, least = AT_MOST.search(before), AT_LEAST.search(before)
    if most and (not least or most.start() < least.start()):
        return replace(value, bound="most", text=f"{most.group()}{value.text}")
    return replace(value, bound="least", text=f"{least.group()}{value.text}") if least else value


def _with_ranges(result: list[Value], text: str) -> Iterator[Value]:
    """Give the first number of a range the unit of the second: `3-5 days`, `from 9 to 11:30`, `3 to 28 March`."""
    for value, after in zip(result, [*result[1:], None], strict=True):
        bare = value.kind == "number" and not value.units and after and after.kind == "number"
        joined = bool(after and not value.units and RANGE.fullmatch(text[value.end : after.start]))
        if bare and joined and after and after.units:
            yield replace(value, units=after.units)
        elif joined and after and after.kind == "time" and value.kind == "number" and value.amount < 24:
            yield replace(value, kind="time", amount=60 * value.amount)
        elif joined and after and after.kind == "date" and value.kind in ("number", "ordinal") and value.amount in DAYS:
            yield replace(value, kind="date", date=(*after.date[:2], int(value.amount)))
        else:
            yield value
