"""The styles and the numbering of a Word file."""

import re
from dataclasses import dataclass

from lxml import etree

from .blocks import RunStyle, with_inherited
from .raised import Position

Element = etree._Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
POSITIONS: dict[str, Position] = {"superscript": "up", "subscript": "down"}
HEADING = re.compile(r"heading (\d)|(title)", re.IGNORECASE)
LIST = re.compile(r"list (?:bullet|number) (\d)", re.IGNORECASE)
ROMAN = (("x", 10), ("ix", 9), ("v", 5), ("iv", 4), ("i", 1))


def value_of(properties: Element | None, name: str) -> str:
    """The value of a property, such as 18 of `<w:sz w:val="18"/>`; empty where it is not given."""
    found = properties.find(f"{W}{name}") if properties is not None else None
    return (found.get(f"{W}val") or "") if found is not None else ""


def is_on(properties: Element | None, name: str) -> bool | None:
    """Whether a property is switched on; None where it is not given."""
    element = properties.find(f"{W}{name}") if properties is not None else None
    return None if element is None else element.get(f"{W}val", "true") not in ("0", "false", "off")


def own_style(properties: Element | None) -> RunStyle:
    """What the properties of a run or of a paragraph say."""
    if properties is None:
        return RunStyle()
    strikes = [is_on(properties, "strike"), is_on(properties, "dstrike")]
    struck = any(strikes) if any(strike is not None for strike in strikes) else None
    raised = properties.find(f"{W}vertAlign")
    position = POSITIONS.get(raised.get(f"{W}val") or "", "") if raised is not None else None
    outline = value_of(properties, "outlineLvl")
    heading = int(outline) + 1 if outline.isdigit() and int(outline) < 9 else None
    return RunStyle(
        is_on(properties, "vanish"), struck, position, is_on(properties, "b"), heading, _numbering_of(properties)
    )


def _numbering_of(properties: Element) -> tuple[str, int] | None:
    numbering = properties.find(f"{W}numPr")
    number, level = value_of(numbering, "numId"), value_of(numbering, "ilvl")
    return (number, int(level) if level.isdigit() else 0) if number else None


def styles_of(root: Element | None) -> dict[str, RunStyle]:
    """The styles by their ids."""
    found: dict[str, tuple[str, RunStyle]] = {}
    for style in root.iter(f"{W}style") if root is not None else ():
        paragraph = own_style(style.find(f"{W}pPr"))
        own = own_style(style.find(f"{W}rPr"))._replace(heading=paragraph.heading, numbering=paragraph.numbering)
        name = value_of(style, "name")
        if titled := HEADING.fullmatch(name):
            own = own._replace(heading=int(titled[1] or 1))
        if (deeper := LIST.fullmatch(name)) and own.numbering:
            own = own._replace(numbering=(own.numbering[0], int(deeper[1]) - 1))
        found[style.get(f"{W}styleId") or ""] = (value_of(style, "basedOn"), own)
    return with_inherited(found)


@dataclass(frozen=True)
class _Level:
    format: str
    text: str
    start: int


class Numbering:
    """The lists of a file, which counts their items."""

    def __init__(self, root: Element | None) -> None:
        abstract: dict[str, dict[int, _Level]] = {}
        self._lists: dict[str, tuple[str, dict[int, _Level]]] = {}
        self._counts: dict[str, dict[int, int]] = {}
        for definition in root.iter(f"{W}abstractNum") if root is not None else ():
            levels = {int(level.get(f"{W}ilvl") or 0): _level(level) for level in definition.iter(f"{W}lvl")}
            abstract[definition.get(f"{W}abstractNumId") or ""] = levels
        for number in root.iter(f"{W}num") if root is not None else ():
            name, key = value_of(number, "abstractNumId"), number.get(f"{W}numId") or ""
            # A list that begins anew counts for itself, others go on with what their definition has counted.
            restarts = number.find(f".//{W}startOverride") is not None
            self._lists[key] = (key if restarts else f"abstract {name}", abstract.get(name, {}))

    def label(self, number: str, level: int) -> str | None:
        """What stands before the next item of a list, empty for a bullet; None where it is no item."""
        if number == "0":
            return None
        key, levels = self._lists.get(number, (number, {}))
        own = levels.get(level)
        if own is None:
            return ""
        counts = self._counts.setdefault(key, {})
        counts[level] = counts.get(level, own.start - 1) + 1
        for deeper in [each for each in counts if each > level]:
            del counts[deeper]

        def counted(place: re.Match[str]) -> str:
            at = int(place[1]) - 1
            known = levels.get(at, own)
            return _written(counts.get(at, known.start), known.format)

        return "" if own.format in ("bullet", "none") else re.sub(r"%(\d)", counted, own.text).strip()


def _level(level: Element) -> _Level:
    start = value_of(level, "start")
    return _Level(value_of(level, "numFmt"), value_of(level, "lvlText"), int(start) if start.isdigit() else 1)


def _written(number: int, form: str) -> str:
    if form.endswith("Letter"):
        text = chr(ord("a") + (number - 1) % 26)
    elif form.endswith("Roman"):
        text = ""
        for letters, worth in ROMAN:
            text += letters * (number // worth)
            number %= worth
    else:
        return str(number)
    return text.upper() if form.startswith("upper") else text
