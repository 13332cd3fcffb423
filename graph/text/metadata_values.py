"""Parses dates, numbers and booleans as people write them; pure.

`3/4/2025` and `1.500` have one reading for each convention (day first, decimal point ...). A text with a reading under
only one convention shows which convention its author uses.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import TypeVar

DAY_FIRST, MONTH_FIRST = "day first", "month first"
POINT, COMMA = "decimal point", "decimal comma"
MONTHS = {
    name: str(month)
    for month, names in enumerate(
        (
            "january jan januar jänner januari janvier janv enero ene gennaio gen janeiro",
            "february feb februar februari février févr fév fevrier febrero febbraio fevereiro fev",
            "march mar märz mär maart mrt mars marts marzo março",
            "april apr avril avr abril abr aprile",
            "may mai mei maj mayo maggio mag maio",
            "june jun juni juin junio giugno giu junho",
            "july jul juli juillet juil julio luglio lug julho",
            "august aug augustus augusti août aout agosto ago",
            "september sep sept septembre septiembre settembre setembro set",
            "october oct oktober okt octobre octubre ottobre ott outubro out",
            "november nov novembre noviembre novembro",
            "december dec dezember dez décembre déc decembre diciembre dic dicembre dezembro desember des",
        ),
        start=1,
    )
    for name in names.split()
}
TIME = r"(?:(?:T| +)[0-2]?\d:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)? ?(?:[AaPp][Mm]|Z|[+-]\d\d:?\d\d)?)?"
YEAR_FIRST = re.compile(rf"(\d{{4}})([-/.])(\d\d?)\2(\d\d?){TIME}", re.ASCII)
EAST_ASIAN = re.compile(r"(\d{4}) ?[年년] ?(\d\d?) ?[月월] ?(\d\d?) ?[日일]", re.ASCII)
YEAR_LAST = re.compile(rf"(\d\d?)([-/.]) ?(\d\d?)\2 ?(\d{{4}}){TIME}", re.ASCII)
DAY_MONTH = re.compile(
    r"([0-3]?[0-9])(?:st|nd|rd|th|er|[.º])?[ -]*(?:de |of )?([^\W\d_]+)\.?,?[ -]+(?:del? )?([0-9]{4})"
)
MONTH_DAY = re.compile(r"([^\W\d_]+)\.? +([0-3]?[0-9])(?:st|nd|rd|th)?,? +([0-9]{4})")
MAX_LENGTH = 40
MAX_DIGITS = 18
"""The most digits of a whole number that fit into 64 bits."""
BLANKS = "[ '’\u00a0\u2009\u202f]"
GROUPED = r"([-−]?)(0|[1-9]\d*|[1-9]\d{0,2}(MARK|BLANK)\d{3}(?:\3\d{3})*)(?:DECIMAL(\d+))?".replace("BLANK", BLANKS)
NUMBERS = {
    POINT: re.compile(GROUPED.replace("MARK", ",").replace("DECIMAL", r"\."), re.ASCII),
    COMMA: re.compile(GROUPED.replace("MARK", r"\.").replace("DECIMAL", ","), re.ASCII),
}
BOOLEANS = dict.fromkeys(("true", "yes", "ja", "oui"), True) | dict.fromkeys(("false", "no", "nein", "non"), False)

Value = TypeVar("Value")


@lru_cache(maxsize=65536)
def dates(text: str) -> Mapping[str, date]:
    """The possible dates of a text by convention; none where it is not a full date."""
    if len(text := text.strip()) > MAX_LENGTH:
        return {}
    by_convention = {convention: _day(*parts) for convention, *parts in _parts(text)}
    return {convention: day for convention, day in by_convention.items() if day}


def _parts(text: str) -> Iterator[tuple[str, str, str, str]]:
    """Year, month and day under each convention."""
    if match := YEAR_LAST.fullmatch(text):
        first, mark, second, year = match.groups()
        yield DAY_FIRST, year, second, first
        # Dates with points never have the month first.
        yield MONTH_FIRST, year, *((second, first) if mark == "." else (first, second))
    elif parts := _only_parts(text):
        yield DAY_FIRST, *parts
        yield MONTH_FIRST, *parts


def _only_parts(text: str) -> tuple[str, str, str] | None:
    if match := YEAR_FIRST.fullmatch(text):
        return match[1], match[3], match[4]
    if match := EAST_ASIAN.fullmatch(text):
        return match[1], match[2], match[3]
    if match := DAY_MONTH.fullmatch(text):
        return match[3], MONTHS.get(match[2].lower(), "0"), match[1]
    if match := MONTH_DAY.fullmatch(text):
        return match[3], MONTHS.get(match[1].lower(), "0"), match[2]
    return None


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


@lru_cache(maxsize=65536)
def numbers(text: str) -> Mapping[str, int | float]:
    """The possible numbers of a text by decimal sign; none where it is not a plain number.

    Codes are not numbers: texts with a leading zero, too many digits, or anything besides digits and separators.
    """
    if len(text := text.strip()) > MAX_LENGTH:
        return {}
    matches = ((convention, form.fullmatch(text)) for convention, form in NUMBERS.items())
    return {convention: _number(match) for convention, match in matches if match and len(match[2]) <= MAX_DIGITS}


def _number(match: re.Match[str]) -> int | float:
    whole = "".join(digit for digit in match[2] if digit.isdigit())
    sign = "-" if match[1] else ""
    return float(f"{sign}{whole}.{match[4]}") if match[4] else int(sign + whole)


def boolean(text: str) -> bool | None:
    """The value of a word for yes or no; None for any other text."""
    return BOOLEANS.get(text.strip().lower())


def resolve(readings: Mapping[str, Value], conventions: Collection[str] = ()) -> Value | None:
    """The only value of the readings, or the one under the conventions in use; None if it stays ambiguous."""
    if len(set(readings.values())) == 1:
        return next(iter(readings.values()))
    matching = [value for convention, value in readings.items() if convention in conventions]
    return matching[0] if len(matching) == 1 else None


def canonical_text(value: object) -> str:
    """The canonical text of a value: `1500` for 1500.0, ISO for a date, `true` and `false`; a text unchanged."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value)
