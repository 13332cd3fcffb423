"""Parses dates, numbers and booleans as people write them; pure.

`3/4/2025` and `1.500` have one reading for each convention (day first, decimal point ...). A text with a reading under
only one convention shows which convention its author uses.
"""

import re
from collections.abc import Collection, Mapping
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
MONTH = "|".join(sorted((re.escape(name) for name in MONTHS), key=len, reverse=True))
DATE = re.compile(
    rf"\b(?P<d1>[0-3]?\d)(?:st|nd|rd|th|er|[.º])?[ -]?(?:de |of |di )?(?P<m1>{MONTH})\b\.?"
    r"(?:,?[ -]?(?:del? )?(?P<y1>\d{4}))?"
    rf"|\b(?P<m2>{MONTH})\b\.? (?P<d2>[0-3]?\d)(?:st|nd|rd|th)?\b(?![.:,]?\d)(?:,? (?P<y2>\d{{4}}))?"
    rf"|\b(?P<m3>{MONTH})\b\.?,? (?:del? )?(?P<y3>\d{{4}})\b"
    r"|(?<![\d.])(?P<y4>\d{4})(?P<sign>[-/.])(?P<m4>\d\d?)(?P=sign)(?P<d4>\d\d?)(?!\d)"
    r"|(?<![\d./])(?P<d5>\d\d?)(?P<mark>[./-])(?P<m5>\d\d?)(?P=mark)(?P<y5>\d{4}|\d\d)(?!\d|[./]\d)"
    r"|(?<![\d./])(?P<d6>[0-3]\d)(?:\.(?P<m6>[01]\d)\.|/(?P<m7>[0-3]\d))(?!\d|[./]\d)"
    r"|(?P<y8>\d{4}) ?[年년] ?(?P<m8>\d\d?) ?[月월] ?(?P<d8>\d\d?) ?[日일]",
    re.IGNORECASE,
)
"""A date in a text; the year, or the day, may be missing."""
TIME = re.compile(r"(?:T| +)[0-2]?\d:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)? ?(?:[AaPp][Mm]|Z|[+-]\d\d:?\d\d)?$", re.ASCII)
SPACED_POINT = re.compile(r"(?<=\d)\. (?=\d)")
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
    match = DATE.fullmatch(SPACED_POINT.sub(".", TIME.sub("", text)))
    if not match or len(group_of(match, "y")) != 4:
        return {}
    year, month, day = date_parts(match)
    month_first = (day, month) if match["mark"] in ("/", "-") else (month, day)
    readings = {DAY_FIRST: _day(year, month, day), MONTH_FIRST: _day(year, *month_first)}
    return {convention: found for convention, found in readings.items() if found}


def date_parts(match: re.Match[str]) -> tuple[int, int, int]:
    """Year, month and day of a date with the day first; 0 for a missing part."""
    year, month, day = (group_of(match, letter) for letter in "ymd")
    return int(year) + 2000 * (len(year) == 2), int(MONTHS.get(month.lower(), month)), int(day)


def group_of(match: re.Match[str], letter: str) -> str:
    """The group with a letter and a number that matched; 0 for none."""
    names = (f"{letter}{number}" for number in range(1, 9))
    return next((match[name] for name in names if name in match.re.groupindex and match[name]), "0")


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
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
