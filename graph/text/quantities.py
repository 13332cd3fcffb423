"""The quantities of a text: each number in one form, with the stem of its unit; pure."""

import re
from functools import lru_cache
from unicodedata import numeric

from text_to_num import alpha2digit

from .words import terms

COUNTED = {
    word: str(number)
    for number, word in enumerate(
        """zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
        seventeen eighteen nineteen twenty""".split()
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "seventy": "70", "eighty": "80", "ninety": "90"}
ALONE = re.compile(r"(?<!\bno )\b(?:" + "|".join(COUNTED) + r")\b", re.IGNORECASE)
"""Number words that the library leaves as they are where they stand by themselves, as in `one of them`."""
MONTHS = "january february march april may june july august september october november december".split()
ISO_DATE = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})(?!\d)")
GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?!\d)")
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
SCALED = re.compile(rf"(?<![\w.])(\d+(?:\.\d+)?)[ -]({'|'.join(SCALES)})s?\b", re.IGNORECASE)
FRACTION = re.compile(r"(?<!\d)(\d{0,15}) ?([¼-¾⅐-⅞])")
CURRENCIES = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY"}
MONEY = re.compile(rf"([{''.join(CURRENCIES)}])\s?(-?\d+(?:\.\d+)?)")
"""A sign of a currency before its amount."""
SIGNS = {"%": " percent ", "°": " degree "} | {sign: f" {name} " for sign, name in CURRENCIES.items()}
PER_CENT = re.compile(r"\bper cent\b", re.IGNORECASE)
DOZEN = re.compile(r"\ba dozen\b", re.IGNORECASE)
MINUS = re.compile(r"\bminus (?=\d)|(?<![\w.)\]%])[-−](?=\.?\d)", re.IGNORECASE)
NUMBER = re.compile(r"(?<![\da-zA-ZÀ-ɏͰ-ӿ_.~])(?<![^\W\d_]-)v?(~?(?:\d+(?:\.\d+)*|\.\d+))(?:st|nd|rd|th)?(?!\d)")
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
FOLLOWING = re.compile(rf"[ -]*({WORD.pattern})(?:[ -]+({WORD.pattern}))?")
YEAR = re.compile(r"1[0-9]\d\d|20\d\d")
MEASURES = frozenset(
    """second minut hour day week month quarter year decad centuri percent degre eur usd gbp jpy chf euro dollar pound
    cent mm cm m km mile feet foot inch metr kg g gram tonn ton liter litr ml w kw mw kwh v volt amp hz khz mhz ghz kb
    mb gb tb bit byte page""".split()
)
"""Stems of units that other words may stand before, as in `30 working days`."""


@lru_cache(maxsize=4096)
def quantities(text: str) -> frozenset[tuple[str, str]]:
    """Each number with the stem of its unit, or with "" where none follows; dates count by their parts."""
    text = spelled(text)
    return frozenset((_plain(match.group(1)), _unit(match, text[match.end() :])) for match in NUMBER.finditer(text))


def values(text: str) -> frozenset[str]:
    """The numbers alone."""
    return frozenset(number for number, _ in quantities(text))


def _unit(match: re.Match[str], after: str) -> str:
    """The word after a number, or the one after that where only that is a measure; a year has no unit but a measure."""
    stems = [next(iter(terms(word)), "") for word in _following(after)]
    if not stems or not stems[0]:
        return ""
    measure = next((stem for stem in stems if stem in MEASURES), "")
    return measure or ("" if YEAR.fullmatch(match.group(1)) else stems[0])


def _following(after: str) -> list[str]:
    """The two words at the most that follow with nothing but spaces and hyphens before them."""
    found = FOLLOWING.match(after)
    return [word for word in found.groups() if word] if found else []


def spelled(text: str) -> str:
    """Every number as digits without grouping, a minus as ~, signs as words, ISO dates as day, month and year."""
    text = with_dates(GROUPED.sub(lambda match: match.group().replace(",", ""), text))
    text = FRACTION.sub(_fraction, PER_CENT.sub("percent", DOZEN.sub("12", text)))
    text = SCALED.sub(_scaled, text)
    text = MINUS.sub("~", MONEY.sub(lambda match: f"{match.group(2)} {CURRENCIES[match.group(1)]}", text))
    for sign, word in SIGNS.items():
        text = text.replace(sign, word)
    return ALONE.sub(lambda match: COUNTED[match.group().lower()], _digits(text))


@lru_cache(maxsize=4096)
def _digits(text: str) -> str:
    """Number words as digits, line by line."""
    return "\n".join(alpha2digit(line, "en") if WORD.search(line) else line for line in text.split("\n"))


def with_dates(text: str) -> str:
    """ISO dates as day, name of the month and year."""
    return ISO_DATE.sub(_date, text)


def _date(match: re.Match[str]) -> str:
    month = int(match.group(2))
    name = MONTHS[month - 1].title() if 1 <= month <= 12 else match.group(2)
    return f"{int(match.group(3))} {name} {match.group(1)}"


def _fraction(match: re.Match[str]) -> str:
    return f"{int(match.group(1) or 0) + numeric(match.group(2)):.4g}"


def _scaled(match: re.Match[str]) -> str:
    return f"{float(match.group(1)) * SCALES[match.group(2).lower()]:.0f}"


def _plain(number: str) -> str:
    """A number without needless zeros; one of several points, such as a version, as it stands."""
    sign, number = ("-", number[1:]) if number.startswith("~") else ("", number)
    if number.count(".") > 1:
        return sign + number
    whole, point, rest = number.partition(".")
    rest = rest.rstrip("0")
    return sign + (whole.lstrip("0") or "0") + (point + rest if rest else "")
