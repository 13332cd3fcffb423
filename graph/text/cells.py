"""Classifies the cells of a table: text, number, quantity, date, link; pure."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Row = Sequence[str]
Kind = Literal["gap", "text", "number", "year", "quantity", "date", "link"]

MAJORITY = 0.6
"""The share of a column's cells that must have the same kind or unit for the column to have it."""
MAX_VALUE_LENGTH = 60
"""The most characters of a cell that can be a value or a column name."""
BAR = re.compile(r"(?<!\\)\|")
EMPTY_CELLS = {"", "-", "–", "—", "n/a", "N/A", "?", "."}
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
    """The kind of a cell, and the unit of a quantity."""

    kind: Kind
    unit: str = ""

    @property
    def is_value(self) -> bool:
        """Whether the cell is a value rather than text."""
        return self.kind not in ("gap", "text")


def split(row: str) -> list[str]:
    """The cells of a Markdown row."""
    inner = row.strip().removeprefix("|")
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.replace("\\|", "|").strip() for cell in BAR.split(inner)]


def majority_value(values: Sequence[str]) -> str | None:
    """The most common value, if it has a clear majority."""
    if not values:
        return None
    value, count = Counter(values).most_common(1)[0]
    return value if count >= MAJORITY * len(values) else None


@lru_cache(maxsize=4096)
def cell_of(written: str) -> Cell:
    """Classify a cell by its form."""
    text = bare(written)
    if text in EMPTY_CELLS:
        return Cell("gap")
    if len(text) > MAX_VALUE_LENGTH:
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
