"""Extracts numbers, amounts, dates and times from a text as comparable values; pure.

Number words are parsed by text2num, units by graph.text.units, in the six languages of `LANGUAGES`. `1.500` is 1500 in
a German text and 1.5 in an English one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import isclose
from typing import Literal
from unicodedata import numeric

from text_to_num import alpha2digit

from .metadata_values import COMMA, MONTHS, POINT, numbers, resolve
from .units import LANGUAGES, unit_at

SCALES = {
    "en": {"thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "mn": 1e6, "bn": 1e9, "dozen": 12},
    "de": {"tausend": 1e3, "million": 1e6, "millionen": 1e6, "mio": 1e6, "milliarde": 1e9, "milliarden": 1e9,
           "mrd": 1e9, "billion": 1e12, "billionen": 1e12},
    "fr": {"mille": 1e3, "million": 1e6, "millions": 1e6, "milliard": 1e9, "milliards": 1e9},
    "es": {"mil": 1e3, "millón": 1e6, "millones": 1e6},
    "it": {"mila": 1e3, "milione": 1e6, "milioni": 1e6, "miliardo": 1e9, "miliardi": 1e9},
    "nl": {"duizend": 1e3, "miljoen": 1e6, "miljard": 1e9},
}  # fmt: skip
FRACTIONS = {
    word: number
    for number, words in {
        2: "half hälfte moitié mitad metà helft", 3: "third drittel tiers tercio terzo derde",
        4: "quarter viertel quart cuarto quarto kwart", 5: "fifth fünftel cinquième quinto vijfde",
        10: "tenth zehntel dixième décimo decimo tiende",
    }.items()
    for word in words.split()
}  # fmt: skip
NUMERATORS = {
    word: number
    for number, words in enumerate(("a an one the ein eine der die un une la une una een", "two zwei deux dos due twee",
                                    "three drei trois tres tre drie", "four vier"), 1)
    for word in words.split()
}  # fmt: skip
ONE = {
    "en": "one|single|an?",
    "de": "ein|eins|eine[nmrs]?",
    "fr": "une?",
    "es": "uno?|una",
    "it": "uno?|una",
    "nl": "één|een",
}
BARE_ONE = re.compile(
    r"^(?:\w+ ){0,3}(?<!\bno )(one)\W*$|^(one) [^\W\d_]+\W*$|^(eine?s?|une?|un[oa]|één|een)\W*$", re.IGNORECASE
)
ONE_UNIT = frozenset({("one", 1.0)})
"""So that a word for one matches only a number without a unit."""
MONTH = "|".join(sorted((re.escape(name) for name in MONTHS), key=len, reverse=True))
FRACTION = re.compile(
    rf"\b(?:({'|'.join(NUMERATORS)})[ -])?({'|'.join(FRACTIONS)})s?\b"
    rf"(?= (?:of|der|des|du|de|d'|del|della|van)\b(?! (?:{MONTH})\b))"
    rf"|\b(two|three|zwei|drei|deux|trois|twee)[ -]({'|'.join(FRACTIONS)})s?\b"
    r"|\b(?:almost|nearly|about|over|fast|etwa|rund|presque|environ|casi|quasi|bijna|ongeveer) "
    rf"(a|one|ein|eine|un|une|una|een) ({'|'.join(FRACTIONS)})\b",
    re.IGNORECASE,
)
TIMES = {"once": 1, "twice": 2, "thrice": 3}
HOW_OFTEN = re.compile(
    r"\b(?:(?:once|(?P<one>ein)mal)(?= (?:an?|per|every|each|pro|im|am|je)\b)|twice|thrice|(?P<count>\w{3,8})ma+l)\b",
    re.IGNORECASE,
)
"""`viermal` becomes `vier mal`."""
HALF = re.compile(
    r"\b(?:(?:(?:an?|eine?[mnrs]?|une?|una|een) )?(?:half(?:[ -]an?)?|halbe[mnrs]?|halve|demi|medi[oa]|mezz[oa])[ -]"
    r"(?P<part>[^\W\d_]+)|(?P<whole>an?|one|eine?[mn]?|une?|una|een|één) (?P<unit>[^\W\d_]+)"
    r"(?P<plus> (?:and a half|et demie?|y medi[oa]|e mezz[oa]|en een half))?)\b",
    re.IGNORECASE,
)
APPROXIMATE = re.compile(
    r"(?:\b(?:about|around|roughly|approximately|approx\.?|almost|nearly|circa|ca\.?|some|etwa|ungefähr|rund|fast|knapp"
    r"|environ|presque|près de|quelque|aproximadamente|alrededor de|casi|unos|unas|cerca de|circa|quasi|ongeveer|bijna"
    r"|rond)|[~≈]) ?(?:\w{3} ?|[€$£] ?)?$",
    re.IGNORECASE,
)
DATE = re.compile(
    rf"\b(?P<d1>[0-3]?\d)(?:st|nd|rd|th|er|[.º])? ?(?:de |of |di )?(?P<m1>{MONTH})\b\.?"
    r"(?:,? ?(?:del? )?(?P<y1>\d{4}))?"
    rf"|\b(?P<m2>{MONTH})\b\.? (?P<d2>[0-3]?\d)(?:st|nd|rd|th)?\b(?![.:,]?\d)(?:,? (?P<y2>\d{{4}}))?"
    rf"|\b(?P<m3>{MONTH})\b\.?,? (?:del? )?(?P<y3>\d{{4}})\b"
    r"|(?<![\d.])(?P<y4>\d{4})-(?P<m4>\d\d)-(?P<d4>\d\d)(?!\d)"
    r"|(?<![\d./])(?P<d5>\d\d?)(?P<mark>[./-])(?P<m5>\d\d?)(?P=mark)(?P<y5>\d{4}|\d\d)(?!\d|[./]\d)"
    r"|(?<![\d./])(?P<d6>[0-3]\d)(?:\.(?P<m6>[01]\d)\.|/(?P<m7>[0-3]\d))(?!\d|[./]\d)",
    re.IGNORECASE,
)
TIME = re.compile(
    r"(?<![\d.,:])(?P<h1>[01]?\d|2[0-4])(?:[:.](?P<m1>[0-5]\d))? ?(?P<half>[ap])\.? ?m\b\.?"
    r"|(?<![\d.,:])(?P<h2>[01]?\d|2[0-4]):(?P<m2>[0-5]\d)(?::[0-5]\d)?(?![\d:])"
    r"|(?<![\d.,:])(?P<h3>[01]?\d|2[0-4])(?:[.](?P<m3>[0-5]\d))? ?(?:Uhr|uur|o'clock)\b"
    r"|(?<![\d.,:])(?P<h5>1?\d)(?:[:.](?P<m5>[0-5]\d))?(?= in the (?:morning|afternoon|evening)\b)"
    r"|(?<![\d.,:])(?P<h4>[01]?\d|2[0-4]) ?h(?:eures?)? ?(?P<m4>[0-5]\d)\b"
    r"|\b(?P<word>noon|midnight|mittags|mitternacht|midi|minuit|mediodía|medianoche|mezzogiorno|mezzanotte)\b",
    re.IGNORECASE,
)
PAST_NOON = re.compile(
    r" (?:in the (?:afternoon|evening)|nachmittags|abends|de l['’]après-midi|du soir|de la (?:tarde|noche)|di sera)\b"
)
NUMBER = re.compile(
    r"(?<![\w.,^])(?<![^\W\d_]-)(?P<sign>[-−])?(?P<digits>\d{1,3}(?:[.,'’\u00a0\u2009\u202f ]\d{3})+(?:[.,]\d+)?(?!\d)"
    r"|\d+(?:[.,]\d+)?)(?!(?:[.,]\d))(?P<ordinal>st|nd|rd|th|er|e|º|ª)?(?P<decade>s)?(?P<sup>[¼-¾⅐-⅞])?(?![\d_])"
)
SUPER = re.compile(r"(?<!\d)(\d{0,9}) ?([¼-¾⅐-⅞])")
SCALED = re.compile(r"(?<![\w.,])(\d+(?:[.,]\d+)*)[ \u00a0-]([^\W\d_]{2,10})\b\.?")
RANGE = re.compile(
    r"\s*(?:[-–—]|to|and|or|through|till|until|bis|und|oder|à|et|a|y|e|al|hasta|tot|en|of)\s*"
    r"(?:las? |[€$£]|[A-Z]{3} )?",
    re.IGNORECASE,
)


YEAR_SPAN = re.compile(rf"\b(?P<first>1\d{{3}}|20\d\d)(?:{RANGE.pattern})(?P<last>1\d{{3}}|20\d\d)\b", re.IGNORECASE)
YEARS = frozenset({("month", 12.0)})


@dataclass(frozen=True)
class Value:
    """A number, date or time of day; the `amount` of a time is in minutes.

    `units` are the possible base units with their factors. `date` is year, month and day, 0 for a missing part;
    `swapped_date` is its other reading. `approximate`: the text marks it as rounded.
    """

    kind: Literal["number", "ordinal", "date", "time"]
    text: str
    amount: float = 0.0
    units: frozenset[tuple[str, float]] = frozenset()
    date: tuple[int, int, int] = (0, 0, 0)
    swapped_date: tuple[int, int, int] | None = None
    approximate: bool = False
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
def in_digits(text: str, language: str = "en") -> str:
    """A text with its number words and fractions as digits."""
    return _in_digits(text, language) if text else text


@lru_cache(maxsize=16384)
def values(text: str, language: str = "en") -> tuple[Value, ...]:
    """The values of a text in order."""
    if not text or not (any(map(str.isdigit, text)) or any(map(str.isalpha, text))):
        return ()
    text = in_digits(text, language)
    result = [*_dates(text), *_times(text)]
    taken = [(value.start, value.end) for value in result]
    result += _numbers(text, language, taken)
    result.sort(key=lambda value: value.start)
    return tuple(_with_ranges(result, text)) if result else ()


def implied_values(text: str, language: str) -> tuple[Value, ...]:
    """The words for one and the articles of a sentence, which only a bare number is compared with; and the years from
    one year to another."""
    found = re.finditer(rf"\b({ONE.get(language, ONE['en'])})\b(?: ([^\W\d_]+))?", text, re.IGNORECASE)
    ones = (Value("number", m[1], 1.0, ONE_UNIT | unit_at(f"1 {m[2]}", 0, 1)[0]) for m in found)
    return *ones, *(
        Value("number", m.group(), float(m["last"]) - float(m["first"]), YEARS) for m in YEAR_SPAN.finditer(text)
    )


def bare_one(text: str) -> tuple[Value, ...]:
    """The one of a short answer: `One.`, `Just one.`, `One towel.`, `Une.`"""
    found = BARE_ONE.search(text)
    return (Value("number", found[found.lastindex or 0], 1.0),) if found else ()


def missing_values(claimed: Iterable[Value], stated: Iterable[Value]) -> list[Value]:
    """The claimed values that match none of the stated ones."""
    stated = list(stated)
    return [value for value in claimed if not any(value.matches(other) for other in stated)]


def _in_digits(text: str, language: str) -> str:
    """Write fractions and number words as digits."""
    text = SUPER.sub(lambda m: f"{int(m[1] or 0) + numeric(m[2]):.4g}", text)
    text = HALF.sub(_halves, HOW_OFTEN.sub(_times_in_digits, text))
    text = _scaled(FRACTION.sub(_fraction, text), language)
    number_language = language if language in LANGUAGES else "en"
    return "\n".join(
        alpha2digit(line, number_language, threshold=2) if line.strip() else line for line in text.split("\n")
    )


def _times_in_digits(match: re.Match[str]) -> str:
    """`4 mal` or `2 times` for a word."""
    if match["count"]:
        return f"{match['count']} mal"
    return "1 mal" if match["one"] else f"{TIMES[match.group().lower()]} times"


def _halves(match: re.Match[str]) -> str:
    """`0.5 year` for half a year, `1.5 year` for a year and a half, `1 Jahr` for ein Jahr; `a year` can mean each."""
    unit = match["part"] or match["unit"]
    if not is_duration(unit) or ((match["whole"] or "").lower() in ("a", "an") and not match["plus"]):
        return match.group()
    return f"{1.5 if match['plus'] else 1 if match['whole'] else 0.5} {unit}"


def is_duration(word: str) -> bool:
    """Whether a word is a unit of time."""
    return any(base in ("second", "month") for base, _ in unit_at(f"1 {word}", 0, 1)[0])


def _fraction(match: re.Match[str]) -> str:
    numerator, name = (part for part in ((match[1] or match[3] or match[5]), (match[2] or match[4] or match[6])))
    share = NUMERATORS.get((numerator or "a").lower(), 1) / FRACTIONS[name.lower()]
    before = match.group()[: match.start(5) - match.start()] if match[5] else ""
    return f"{before}{100 * share:.6g}%"


def _dates(text: str) -> Iterator[Value]:
    for match in DATE.finditer(text):
        part = {letter: _numbered(match, letter) for letter in "ymd"}
        month = part["m"] or "0"
        number = int(month) if month.isdigit() else int(MONTHS[month.lower()])
        year, day = int(part["y"] or 0), int(part["d"] or 0)
        year += 2000 if part["y"] and len(part["y"]) == 2 else 0
        if number > 12 >= day:
            number, day = day, number
        swapped_date = (year, day, number) if (match["mark"] == "/" or match["m7"]) and day <= 12 else None
        may = number == 5 and month.lower() == "may" and not (month[0].isupper() and (year or day))
        if number <= 12 and day <= 31 and not may:
            yield Value(
                "date",
                match.group(),
                date=(year, number, day),
                swapped_date=swapped_date,
                start=match.start(),
                end=match.end(),
            )


def _numbered(match: re.Match[str], letter: str) -> str | None:
    """The first of the groups with this letter and a number that the pattern has and that holds something."""
    names = (f"{letter}{number}" for number in range(1, 8))
    return next((match[name] for name in names if name in match.re.groupindex and match[name]), None)


def _times(text: str) -> Iterator[Value]:
    for match in TIME.finditer(text):
        hour = _numbered(match, "h")
        if hour is None:
            late = match["word"].lower() in ("midnight", "mitternacht", "minuit", "medianoche", "mezzanotte")
            amount = 0 if late else 720
        else:
            minute = _numbered(match, "m") or "0"
            hours = int(hour) % 12 + (12 if (match["half"] or "").lower() == "p" else 0) if match["half"] else int(hour)
            past_noon = hours < 12 and bool(PAST_NOON.match(text, match.end()))
            amount = hours * 60 + int(minute) + 720 * past_noon
        yield Value("time", match.group().strip(), amount=amount % 1440, start=match.start(), end=match.end())


def _numbers(text: str, language: str, taken: list[tuple[int, int]]) -> Iterator[Value]:
    for match in NUMBER.finditer(text):
        start, end = match.span()
        if any(first < end and start < last for first, last in taken):
            continue
        amount = _amount(match["digits"], language)
        if amount is None:
            continue
        signed = -amount if match["sign"] else amount
        if match["ordinal"]:
            yield Value("ordinal", match.group(), amount, start=start, end=end)
            continue
        units, start, end = unit_at(text, start, end)
        approximate = bool(APPROXIMATE.search(text[max(0, start - 24) : start]))
        yield Value("number", text[start:end].strip(), signed, units, approximate=approximate, start=start, end=end)


def _amount(digits: str, language: str) -> float | None:
    read = numbers(digits.replace("\u00a0", " ").replace("\u2009", " ").replace("\u202f", " "))
    follows = (COMMA,) if language in LANGUAGES and language != "en" else (POINT,)
    amount = resolve(read, follows)
    if amount is None:
        plain = re.sub(r"[^\d]", "", digits)
        amount = float(plain) if plain else None
    return None if amount is None else float(amount)


def _scaled(text: str, language: str) -> str:
    """Write `5 million` as 5000000."""
    stated = SCALES.get(language, SCALES["en"])

    def digits(match: re.Match[str]) -> str:
        factor, amount = (
            stated.get(match[2].lower().rstrip("s")) or stated.get(match[2].lower()),
            _amount(match[1], language),
        )
        return match.group() if factor is None or amount is None else f"{amount * factor:.0f}"

    return SCALED.sub(digits, text)


def _with_ranges(result: list[Value], text: str) -> Iterator[Value]:
    """Give the first number of a range the unit of the second: `3-5 days`, `from 9 to 11:30`."""
    for value, after in zip(result, [*result[1:], None], strict=True):
        bare = value.kind == "number" and not value.units and after and after.kind == "number"
        joined = bool(after and not value.units and RANGE.fullmatch(text[value.end : after.start]))
        if bare and joined and after and after.units:
            yield replace(value, units=after.units)
        elif joined and after and after.kind == "time" and value.kind == "number" and value.amount < 24:
            yield replace(value, kind="time", amount=60 * value.amount)
        else:
            yield value
