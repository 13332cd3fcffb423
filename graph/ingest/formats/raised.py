"""Writes raised and lowered text on the line so that no number changes its value; pure.

A power reads `10^6`, the mark of a note `250 [^2]`, an ordinal `1st`, a formula `CO2`. Nothing but the text around it
tells a power from a note's mark: a raised number after 10 or 2, a unit or a variable is a power.
"""

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Literal

Position = Literal["", "up", "down"]
Piece = tuple[str, Position]

DEGREES = re.compile(r"\s?[CF]\b")
SIGN = re.compile(r"[^\w\s]+")
NOTE = re.compile(r"\[.*\]|\(\w{1,3}\)|\d{1,3}\)|\d{1,3}(?:\s*[,;–-]\s*\d{1,3})+", re.DOTALL)
NUMBER = re.compile(r"(\S*?)(\d(?:[\d.,'’]*\d)?)$")
LETTERS = re.compile(r"[^\W\d_]+$")
ORDINAL = re.compile(r"(?:\d|\b[IVXLCDM]+|\b[nN])$")
BRACKET = re.compile(r"[(\[]([^()\[\]]*)[)\]]$")
BASES = ("10", "2")
WORD = re.compile(r"[^\W\d_]{3,}")


def raised(before: str, mark: str, after: str = "") -> str:
    """A raised text on the line, between the text before and after it."""
    mark = " ".join(mark.split())
    if not mark:
        return ""
    if mark.isdigit() and after[:1] in ("/", "\u2044"):
        return _apart(before, mark)
    if mark in ("o", "0") and DEGREES.match(after):
        return "°"
    if SIGN.fullmatch(mark) or _is_ordinal(before, mark):
        return {"TM": "™", "SM": "℠"}.get(mark, mark)
    if NOTE.fullmatch(mark) or not _is_power(before, mark):
        return _closed(_apart(before, f"[^{mark.strip('[]() ')}]"), after)
    return _closed(f"^{mark}" if re.fullmatch(r"[+−-]?\w+[+−-]?", mark) else f"^({mark})", after)


def lowered(before: str, mark: str, after: str = "") -> str:
    """A lowered text on the line: CO2, x_max, 1010_2."""
    mark = " ".join(mark.split())
    glued = not before or not (before[-1].isdigit() or (len(mark) > 1 and mark.isalpha()))
    text = mark if glued or before[-1:] in ("/", "\u2044") else f"_{mark}"
    return text + " " if after[:1].isdigit() and mark[-1:].isdigit() else text


def formula(name: str, parts: Sequence[str]) -> str:
    """A power, an index, a fraction or brackets of OMML or MathML as text: `x^2`, `a_i`, `(a+b)/c`; else its parts."""
    grouped = [text if len(text) == 1 or text.isalnum() else f"({text})" for text in parts]
    match name, grouped:
        case (("sSup" | "msup"), [_, power]):
            return f"{parts[0]}^{power}"
        case (("sSub" | "msub"), [_, index]):
            return f"{parts[0]}_{index}"
        case (("f" | "mfrac"), [top, bottom]):
            return f"{top}/{bottom}"
        case "d", _:
            return f"({', '.join(parts)})"
    return "".join(parts)


def on_the_line(pieces: Sequence[Piece]) -> list[str]:
    """The texts of the pieces of a paragraph, raised and lowered ones as they read on the line.

    What several raised pieces say in a row is said by the first of them.
    """
    written: list[str] = []
    before = ""
    place = 0
    for position, group in groupby(pieces, key=lambda piece: piece[1]):
        texts = [text for text, _ in group]
        place += len(texts)
        if position:
            after = next((text for text, _ in pieces[place:] if text), "")
            change = raised(before, "".join(texts), after) if position == "up" else None
            texts = [lowered(before, "".join(texts), after) if change is None else change, *[""] * (len(texts) - 1)]
        before = (before + "".join(texts))[-80:]
        written += texts
    return written


def _is_ordinal(before: str, mark: str) -> bool:
    letters = mark.rstrip(".")
    return letters.isalpha() and (len(letters) > 1 or (letters in "eo" and ORDINAL.search(before) is not None))


def _is_power(before: str, mark: str) -> bool:
    if not mark.isdigit() and not mark.isalpha():
        return bool(before) and not before[-1].isspace()
    number = NUMBER.search(before)
    if number:
        return mark.isdigit() and _is_base(number[1], number[2])
    # A unit is often set apart: N/mm 2.
    letters = LETTERS.search(before.rstrip())
    if letters:
        return len(letters[0]) < 3
    bracket = BRACKET.search(before)
    return bracket is not None and not WORD.search(bracket[1])


def _is_base(lead: str, number: str) -> bool:
    return number in BASES and (not lead or lead[-1].isalpha() or lead[-1] in "(=+*/\u00d7\u00b7\u2212-")


def _apart(before: str, text: str) -> str:
    return f" {text}" if before and not before[-1].isspace() else text


def _closed(text: str, after: str) -> str:
    return f"{text} " if after[:1].isalnum() else text
