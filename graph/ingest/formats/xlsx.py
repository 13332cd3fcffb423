"""What an Excel file tells of its sheets beside their values: what is hidden, how numbers look, how far they reach."""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from lxml import etree

from ..document import Refused
from .package import Package, R, remove, serialised
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
    except (etree.XMLSyntaxError, KeyError, ValueError, RuntimeError) as error:
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
    """Follow the rows of a sheet, which may be far too many to be kept."""
    found, number = SheetFormat(), -1
    with package.stream(part) as sheet:
        for _, element in etree.iterparse(sheet, tag=("{*}col", "{*}row"), resolve_entities=False, no_network=True):
            hidden = element.get("hidden") in ("1", "true")
            if etree.QName(element).localname == "row":
                number = int(element.get("r") or number + 2) - 1
                has_values = _read_row(element, number, formats, found)
                found.hidden_rows |= {number} if hidden and has_values else set()
            elif hidden:
                found.hidden_columns |= set(range(int(element.get("min", 1)) - 1, int(element.get("max", 1))))
            element.clear()
            while element.getprevious() is not None:
                remove(element.getprevious())
    return found


def _read_row(row: etree._Element, number: int, formats: Mapping[str, str], found: SheetFormat) -> bool:
    """Note how far a row reaches and how its cells look; whether it has values."""
    column, has_values = -1, False
    for cell in row.iterchildren("{*}c"):
        reference = REFERENCE.fullmatch(cell.get("r") or "")
        column = _number(reference[1]) if reference else column + 1
        if cell.find("{*}v") is None and cell.find("{*}is") is None:
            continue
        has_values = True
        found.rows, found.columns = max(found.rows, number + 1), max(found.columns, column + 1)
        if code := formats.get(cell.get("s") or ""):
            found.formats[number, column] = code
    return has_values


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
