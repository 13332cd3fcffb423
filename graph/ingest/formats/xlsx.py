"""What an Excel file tells of its sheets beside their values: what is hidden, how numbers look, how far they reach."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from xml.parsers import expat

from lxml import etree

from ..document import Refused
from .package import Package, R, serialised
from .raised import Piece, on_the_line
from .unseen import STRUCK_OUT
from .word_styles import POSITIONS

REFERENCE = re.compile(r"([A-Z]{1,3})(\d{1,7})")
PERCENT = {9: "0%", 10: "0.00%"}
"""The percentages among the formats that a file need not spell out."""
LITERAL = re.compile(r'\[\$([^\]-]*)[^\]]*\]|"([^"]*)"|([%€$£¥])')
DIGITS = re.compile(r"[#0?,]*\.?[0#?]*")
NOT_SHOWN = re.compile(r"\[(?!\$)[^\]]*\]|_.|\*.|\\")
OTHERWISE = re.compile(r"E[+-]|\?/|[ymdhs]|,(?![#0?])", re.IGNORECASE)
"""Powers of ten, fractions, dates, and numbers in thousands."""
UNSEEN = ";;;"
"""The format of cells that show nothing."""
STRUCK = "struck out"
"""Stands for the format of cells whose text is struck out."""
RICH = re.compile(rb"<(?:\w+:)?(?:vertAlign|strike)\b")


@dataclass
class SheetFormat:
    """One sheet: `rows` and `columns` reach to the last value; `formats` are those of single cells."""

    rows: int = 0
    columns: int = 0
    hidden_rows: set[int] = field(default_factory=set)
    hidden_columns: set[int] = field(default_factory=set)
    formats: dict[tuple[int, int], str] = field(default_factory=dict)


def prepare(package: Package, content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The file with raised text of cells on the line, and what of their text was left out as struck out."""
    book = package.main()
    changed: dict[str, bytes] = {}
    left_out: set[str] = set()
    for name in (package.beside(book, "sharedStrings"), *package.related(book, "/worksheet").values()):
        with suppress(Refused):  # One that is too large, or broken, is left as it is.
            root = package.tree(name) if RICH.search(package.part(name)) else None
            if root is not None:
                for text in root.iter("{*}si", "{*}is"):
                    _flatten(text, left_out)
                changed[name] = serialised(root)
    return package.write(changed) if changed else content, tuple(left_out)


def _flatten(text: etree._Element, left_out: set[str]) -> None:
    """One piece of text instead of several that look different."""
    pieces: list[Piece] = []
    for run in text.findall("{*}r"):
        raised = run.find("{*}rPr/{*}vertAlign")
        if _is_struck(run.find("{*}rPr")):
            left_out.add(STRUCK_OUT)
        else:
            position = POSITIONS.get(raised.get("val", ""), "") if raised is not None else ""
            pieces.append((run.findtext("{*}t") or "", position))
    if len(text.findall("{*}r")):
        text[:] = [etree.Element(f"{{{etree.QName(text).namespace}}}t")]
        text[0].text = "".join(on_the_line(pieces)).strip()


def _is_struck(properties: etree._Element | None) -> bool:
    strike = properties.find("{*}strike") if properties is not None else None
    return strike is not None and strike.get("val", "1") not in ("0", "false")


def title_and_formats(package: Package) -> tuple[str, dict[str, SheetFormat]]:
    """The title of an Excel file and the look of each sheet by its name; nothing for the binary form (.xlsb)."""
    try:
        book = package.main()
        if not book.endswith(".xml"):
            return "", {}
        formats = _formats(package, package.beside(book, "styles"))
        sheet_formats = {name: _sheet_format(package, part, formats) for name, part in _parts(package, book).items()}
        return package.title(), sheet_formats
    except (expat.ExpatError, KeyError, ValueError, RuntimeError) as error:
        raise Refused(f"corrupt: its description of the sheets cannot be read: {error}") from error


def _parts(package: Package, book: str) -> dict[str, str]:
    """Where in the package each sheet of cells is, by its name."""
    targets, root = package.related(book, "/worksheet"), package.tree(book)
    sheets = root.findall("{*}sheets/{*}sheet") if root is not None else []
    named = {sheet.get("name", ""): sheet.get(f"{R}id", "") for sheet in sheets}
    return {name: targets[relation] for name, relation in named.items() if relation in targets}


def _formats(package: Package, part: str) -> Mapping[str, str]:
    """The number format of each style of cells that has one that says something."""
    styles = package.tree(part)
    if styles is None:
        return {}
    own = styles.findall("{*}numFmts/{*}numFmt")
    codes = PERCENT | {int(tag.get("numFmtId", 0)): tag.get("formatCode", "") for tag in own}
    struck = {str(number) for number, font in enumerate(styles.findall("{*}fonts/{*}font")) if _is_struck(font)}
    used = [
        STRUCK if style.get("fontId") in struck else codes.get(int(style.get("numFmtId", 0)), "")
        for style in styles.findall("{*}cellXfs/{*}xf")
    ]
    return {str(number): code for number, code in enumerate(used) if code}


def _sheet_format(package: Package, part: str, formats: Mapping[str, str]) -> SheetFormat:
    scan = _Scan(formats)
    parser = expat.ParserCreate()
    parser.StartElementHandler = scan.start
    with package.stream(part) as sheet:
        parser.ParseFile(sheet)
    return scan.sheet_format


class _Scan:
    """Follows the elements of a sheet, which may be far too many to be kept."""

    def __init__(self, formats: Mapping[str, str]) -> None:
        self.formats = formats
        self.sheet_format = SheetFormat()
        self.row, self.column, self.style, self.hidden = -1, -1, "", False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        step = {"c": self._cell, "v": self._value, "is": self._value, "row": self._row, "col": self._columns}
        if known := step.get(name.rpartition(":")[2]):
            known(attributes)

    def _columns(self, attributes: dict[str, str]) -> None:
        if _is_hidden(attributes):
            self.sheet_format.hidden_columns |= set(range(int(attributes["min"]) - 1, int(attributes["max"])))

    def _row(self, attributes: dict[str, str]) -> None:
        self.row = int(attributes["r"]) - 1 if "r" in attributes else self.row + 1
        self.column = -1
        self.hidden = _is_hidden(attributes)

    def _cell(self, attributes: dict[str, str]) -> None:
        reference = REFERENCE.fullmatch(attributes.get("r", ""))
        self.column = _number(reference[1]) if reference else self.column + 1
        self.style = attributes.get("s", "")

    def _value(self, attributes: dict[str, str]) -> None:
        self.sheet_format.rows = max(self.sheet_format.rows, self.row + 1)
        self.sheet_format.columns = max(self.sheet_format.columns, self.column + 1)
        if self.hidden:
            self.sheet_format.hidden_rows.add(self.row)
        if self.style in self.formats:
            self.sheet_format.formats[self.row, self.column] = self.formats[self.style]


def _is_hidden(attributes: dict[str, str]) -> bool:
    return attributes.get("hidden") in ("1", "true")


def _number(letters: str) -> int:
    """A column's place, A being 0."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def shown(value: float, code: str) -> str:
    """A number by its format: a percentage, an amount with its currency or unit, the decimals that are seen."""
    code = NOT_SHOWN.sub("", code.split(";")[0])
    bare = LITERAL.sub("", code)
    if OTHERWISE.search(bare) or not any(placeholder in bare for placeholder in "0#?"):
        return plain(value)
    digits = max((match.group() for match in DIGITS.finditer(bare)), key=len).replace(",", "")
    whole, _, decimals = digits.partition(".")
    value = 100 * value if "%" in code else value
    number = f"{value:0{whole.count('0') + bool(decimals) + len(decimals)}.{len(decimals)}f}"
    first = min(code.find(sign) for sign in "0#?" if sign in code)
    before = "".join(_literal_text(match) for match in LITERAL.finditer(code, 0, first))
    after = "".join(_literal_text(match) for match in LITERAL.finditer(code, first))
    return f"{before.strip()} {number}{'' if after == '%' else ' '}{after.strip()}".strip()


def _literal_text(literal: re.Match[str]) -> str:
    return next((part for part in literal.groups() if part), "")


def plain(value: float) -> str:
    """A number as people write it: no more digits than it was entered with, no .0."""
    return f"{value:.15g}" if abs(value) < 1e15 else f"{value:.0f}"
