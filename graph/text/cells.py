"""Tells what kind of thing the cells of a table say: a name, or a number, an amount, a date; pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Row = Sequence[str]
Kind = Literal["gap", "text", "number", "year", "quantity", "date", "link"]

MAJORITY = 0.6
"""Share of a column's cells that must be of one kind, or of one unit, to make it the column's own."""
LONG = 60
"""Letters from which on a cell is a text and neither a value nor the name of a column."""
BAR = re.compile(r"(?<!\\)\|")
GAPS = {"", "-", "–", "—", "n/a", "N/A", "?", "."}
PLAIN = re.compile(r"\*\*|__|`")
LINK = re.compile(r"https?://\S+|www\.\S+|[\w.+-]+@[\w-]+\.[\w.]+")
DATE = re.compile(
    r"\d{4}-\d\d?-\d\d?(?:[T ]\d\d?:\d\d.*)?|\d\d?[./]\d\d?[./](?:\d{4}|\d\d)|\d\d?\.? [^\W\d_]{3,9}\.? \d{4}"
    r"|[^\W\d_]{3,9} \d\d?, \d{4}|\d\d?[:.]\d\d(?::\d\d)?(?: ?[ap]m)?(?: ?[-–] ?\d\d?[:.]\d\d)?"
)
MARKER = re.compile(r"\(?(?:\d{1,3}|[ivx]{1,5})[.)]|#\d+")
ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|er|e|\.)\b(?! ?\d)", re.IGNORECASE)
AMOUNT = re.compile(
    r"[<>~≈±≤≥+−–(-]*\s*(?P<before>[€$£¥]|[A-Z]{3}(?= ?[-\d]))?\s*[-−]?\d[\d.,'’ ]*(?:\s?[-–/x±\u00d7]\s?\d[\d.,]*)*"
    r"\s*(?P<after>[%‰°]\s?[CF]?|[€$£¥]|(?:[^\W\d_]|[°µ/²³.])[^\d()]{0,24})?\)?"
)
YEAR = re.compile(r"(?:19|20)\d\d")
FORMS: dict[Kind, re.Pattern[str]] = {"link": LINK, "date": DATE, "year": YEAR, "number": MARKER}


@dataclass(frozen=True)
class Cell:
    """What kind of thing a cell says; the unit of a quantity."""

    kind: Kind
    unit: str = ""

    @property
    def is_value(self) -> bool:
        """Whether the cell is data by its form alone."""
        return self.kind not in ("gap", "text")


def split(row: str) -> list[str]:
    """The cells of a Markdown row as they are written."""
    inner = row.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.replace("\\|", "|").strip() for cell in BAR.split(inner)]


def common(values: Sequence[str]) -> str | None:
    """The value that most have, if a clear majority has it."""
    if not values:
        return None
    value, count = Counter(values).most_common(1)[0]
    return value if count >= MAJORITY * len(values) else None


@lru_cache(maxsize=4096)
def cell_of(written: str) -> Cell:
    """What a cell says, by its form."""
    text = bare(written)
    if text in GAPS:
        return Cell("gap")
    if len(text) > LONG:
        return Cell("text")
    if kind := next((kind for kind, form in FORMS.items() if form.fullmatch(text)), None):
        return Cell(kind)
    amount = None if ORDINAL.match(text) else AMOUNT.fullmatch(text)
    if not amount:
        return Cell("text")
    unit = (amount["before"] or amount["after"] or "").strip().lower()
    return Cell("quantity", unit) if unit else Cell("number")


def bare(written: str) -> str:
    """A cell without emphasis."""
    return PLAIN.sub("", written).strip()
