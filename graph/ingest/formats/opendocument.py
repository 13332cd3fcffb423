"""Reads OpenDocument texts, presentations and workbooks as their reader sees them."""

from collections.abc import Iterator
from typing import NamedTuple

from lxml import etree

from ..document import Document, File, Refused
from .blocks import ABOVE, LEFT, Blocks, Run, RunStyle, count_of, line_of, with_inherited, with_merged
from .package import Package
from .raised import Position
from .unseen import HIDDEN

Element = etree._Element

OASIS = "{urn:oasis:names:tc:opendocument:xmlns:"
TEXT, STYLE, TABLE, DRAW, OFFICE, SHOW, SVG = (
    f"{OASIS}{name}:1.0}}" for name in ("text", "style", "table", "drawing", "office", "presentation", "svg-compatible")
)
LINK = "{http://www.w3.org/1999/xlink}href"
BLANKS = {f"{TEXT}tab": "  ", f"{TEXT}line-break": "\n"}
COUNTERS = (f"{TEXT}page-number", f"{TEXT}page-count", f"{TEXT}page-continuation")
UNSEEN = (f"{OFFICE}annotation", f"{TEXT}tracked-changes", f"{TEXT}hidden-text", f"{OFFICE}forms")
PARAGRAPHS = (f"{TEXT}p", f"{TEXT}h")
MOST_CELLS = 1000
"""Cells of a row up to which they are read: empty ones are often repeated to a sheet's end."""


class Sheet(NamedTuple):
    """A sheet of a workbook; a hidden one has no rows."""

    name: str
    hidden: bool
    rows: list[list[str]]


def opendocument(file: File) -> Document:
    """A text or a presentation as a document; raises Refused."""
    return _Reader(Package(file.content)).document()


def sheets(package: Package) -> tuple[list[Sheet], list[str]]:
    """The sheets of a workbook, and what was left out of them."""
    reader = _Reader(package)
    found = [reader.sheet(table) for table in reader.body.iterfind(f"{OFFICE}spreadsheet/{TABLE}table")]
    return found, sorted(reader.left_out)


class _Reader:
    def __init__(self, package: Package) -> None:
        root, self._masters = package.tree("content.xml"), package.tree("styles.xml")
        body = root.find(f"{OFFICE}body") if root is not None else None
        if root is None or body is None:
            raise Refused("corrupt: it holds no content of OpenDocument")
        trees = [tree for tree in (self._masters, root) if tree is not None]
        styles = [style for tree in trees for style in tree.iter(f"{STYLE}style")]
        self._styles = with_inherited({style.get(f"{STYLE}name") or "": _style_of(style) for style in styles})
        self._unseen = frozenset(style.get(f"{STYLE}name") or "" for style in styles if _is_unseen(style))
        numbers = [number for tree in trees for number in tree.iter(f"{TEXT}list-level-style-number")]
        self._numbered = {_list_level(number) for number in numbers if number.get(f"{STYLE}num-format")}
        self._package, self.body = package, body
        self._blocks = Blocks()
        self.left_out: set[str] = set()
        self._noted: list[str] = []
        # What a paragraph refers to, until it is written.
        self._frames: list[Element] = []
        self._notes: list[tuple[str, Element]] = []
        for tree in trees:
            etree.strip_elements(tree, *UNSEEN, with_tail=False)

    def document(self) -> Document:
        warnings = []
        if self.body.find(f"{OFFICE}presentation") is not None:
            warnings = self._slides()
        else:
            self._running("header")
            self._walk(self.body)
            self._running("footer")
        meta = self._package.tree("meta.xml")
        title = meta.findtext(".//{http://purl.org/dc/elements/1.1/}title") if meta is not None else ""
        return self._blocks.document(" ".join((title or "").split()), [*sorted(self.left_out), *warnings])

    def _slides(self) -> list[str]:
        hidden, noted = [], []
        for number, page in enumerate(self.body.iter(f"{DRAW}page"), 1):
            if number > 1:
                self._blocks.page()
            for notes in [*page.iterfind(f"{SHOW}notes")]:
                noted += [number] if any("".join(text.itertext()).strip() for text in notes.iter(*PARAGRAPHS)) else []
                page.remove(notes)
            if page.get(f"{DRAW}style-name") in self._unseen:
                hidden.append(number)
            else:
                self._walk(page)
        warnings = [f"hidden slides were left out: {', '.join(map(str, hidden))}"] if hidden else []
        return warnings + ([f"speaker notes were not read: slides {', '.join(map(str, noted))}"] if noted else [])

    def _walk(self, parent: Element) -> None:
        for child in parent:
            if self._is_hidden(child):
                continue
            if child.tag in PARAGRAPHS:
                self._paragraph(child)
            elif child.tag == f"{TEXT}list":
                self._list(child, 0, child.get(f"{TEXT}style-name") or "")
            elif child.tag == f"{TABLE}table":
                self._blocks.table(self._rows(child))
                self._what_it_refers_to()
            elif child.tag == f"{DRAW}frame" and child.get(f"{SHOW}class") == "title":
                self._blocks.heading(2, " ".join(map(self._line, child.iter(*PARAGRAPHS))))
            elif child.tag in (f"{SVG}title", f"{SVG}desc"):
                self._blocks.paragraph(child.text or "")
            else:
                self._walk(child)

    def _is_hidden(self, element: Element) -> bool:
        style = self._styles.get(element.get(f"{TEXT}style-name") or "", RunStyle())
        field = element.find(f"{TEXT}hidden-paragraph") if element.tag in PARAGRAPHS else None
        hidden = (
            element.get(f"{TEXT}display") == "none"
            or element.get(f"{TABLE}visibility") in ("collapse", "filter")
            or (field is not None and field.get(f"{TEXT}is-hidden") == "true")
            or (element.tag in PARAGRAPHS and style.hidden is True)
        )
        if hidden and "".join(element.itertext()).strip():
            self.left_out.add(HIDDEN)
        return hidden

    def _paragraph(self, paragraph: Element) -> None:
        if paragraph.tag == f"{TEXT}h":
            level = paragraph.get(f"{TEXT}outline-level") or "1"
            self._blocks.heading(count_of(level), self._line(paragraph))
        else:
            self._blocks.paragraph(self._line(paragraph, bold=True))
        self._what_it_refers_to()

    def _what_it_refers_to(self) -> None:
        notes, frames = self._notes, self._frames
        self._notes, self._frames = [], []
        for mark, note in notes:
            lines = [text for paragraph in note.iter(f"{TEXT}p") if (text := self._line(paragraph).strip())]
            self._blocks.note([f"{mark} {lines[0]}", *lines[1:]] if lines else [])
        for frame in frames:
            self._walk(frame)

    def _list(self, element: Element, depth: int, style: str) -> None:
        """A list and the lists in it; its style says at which depths the items are numbered."""
        number = 0
        for item in element.iterchildren(f"{TEXT}list-item", f"{TEXT}list-header"):
            number += item.tag == f"{TEXT}list-item"
            texts = [self._line(part) for part in item.iterchildren(f"{TEXT}p")]
            numbered = (style, depth + 1) in self._numbered and item.tag == f"{TEXT}list-item"
            self._blocks.item(depth, " ".join(texts), f"{number}." if numbered else "")
            self._what_it_refers_to()
            for part in item.iterchildren(f"{TEXT}h", f"{TEXT}list"):
                if part.tag == f"{TEXT}h":
                    self._paragraph(part)
                else:
                    self._list(part, depth + 1, part.get(f"{TEXT}style-name") or style)

    def sheet(self, table: Element) -> Sheet:
        """A sheet of a workbook."""
        hidden = table.get(f"{TABLE}style-name") in self._unseen
        return Sheet(table.get(f"{TABLE}name") or "", hidden, [] if hidden else with_merged(self._rows(table)))

    def _rows(self, table: Element) -> list[list[str]]:
        hidden = self._hidden_columns(table)
        rows: list[list[str]] = []
        above: dict[int, int] = {}
        for row in table.iter(f"{TABLE}table-row"):
            if next(row.iterancestors(f"{TABLE}table"), None) is not table:
                continue
            cells = self._cells(row, above)
            if self._is_hidden(row) or any(map(self._is_hidden, row.iterancestors(f"{TABLE}table-header-rows"))):
                continue
            copies = count_of(row.get(f"{TABLE}number-rows-repeated")) if cells else 1
            rows += [[cell for place, cell in enumerate(cells) if place not in hidden]] * copies
        return rows

    def _cells(self, row: Element, above: dict[int, int]) -> list[str]:
        """The texts of a row; `above` are the columns of cells that reach into the rows to come, and into how many."""
        cells: list[str] = []
        for cell in row.iterchildren(f"{TABLE}table-cell", f"{TABLE}covered-table-cell"):
            copies = min(count_of(cell.get(f"{TABLE}number-columns-repeated")), MOST_CELLS - len(cells))
            if cell.tag == f"{TABLE}covered-table-cell":
                covered = range(len(cells), len(cells) + copies)
                cells += [ABOVE if above.get(place, 0) > 0 else LEFT for place in covered]
            else:
                columns = count_of(cell.get(f"{TABLE}number-columns-spanned"))
                reach = count_of(cell.get(f"{TABLE}number-rows-spanned"))
                above |= {place: reach for place in range(len(cells), len(cells) + columns)} if reach > 1 else {}
                cells += [self._value(cell)] * copies
        for place in above:
            above[place] -= 1
        while cells and cells[-1] in ("", LEFT):
            cells.pop()
        return cells

    def _value(self, cell: Element) -> str:
        """The text of a cell; a date in the form that is read alike everywhere."""
        if date := cell.get(f"{OFFICE}date-value"):
            return date.replace("T", " ").removesuffix(" 00:00:00")
        text = " ".join(filter(None, (self._line(paragraph).strip() for paragraph in cell.iter(*PARAGRAPHS))))
        self._frames = []  # What stands in them is a part of the text.
        return text

    def _hidden_columns(self, table: Element) -> set[int]:
        hidden: set[int] = set()
        place = 0
        for column in table.iter(f"{TABLE}table-column"):
            copies = count_of(column.get(f"{TABLE}number-columns-repeated"))
            if column.get(f"{TABLE}visibility") in ("collapse", "filter"):
                self.left_out.add(HIDDEN)
                hidden |= set(range(place, place + copies))
            place += copies
        return hidden

    def _line(self, paragraph: Element, *, bold: bool = False) -> str:
        style = self._styles.get(paragraph.get(f"{TEXT}style-name") or "", RunStyle())
        return line_of(self._runs(paragraph, style), self.left_out, bold=bold)

    def _runs(self, element: Element, style: RunStyle) -> Iterator[Run]:
        yield element.text or "", style
        for child in element:
            if child.tag == f"{TEXT}note":
                yield f" {self._mark(child)}", RunStyle()
            elif isinstance(child.tag, str) and child.tag.startswith(DRAW) and child.tag != f"{DRAW}a":
                self._frames.append(child)
            elif child.tag == f"{TEXT}s":
                yield " " * count_of(child.get(f"{TEXT}c")), style
            elif child.tag in BLANKS:
                yield BLANKS[child.tag], style
            elif child.tag not in COUNTERS:
                own = self._styles.get(child.get(f"{TEXT}style-name") or "", RunStyle()).inherit(style)
                address = (child.get(LINK) or "") if child.tag == f"{TEXT}a" else ""
                runs = [*self._runs(child, own)]
                linked = "//" in address and any(text.strip() for text, _ in runs)
                yield from [("[", own), *runs, (f"]({address})", own)] if linked else runs
            yield child.tail or "", style

    def _mark(self, note: Element) -> str:
        kind = note.get(f"{TEXT}note-class") or "footnote"
        self._noted.append(kind)
        mark = f"[^{'' if kind == 'footnote' else 'e'}{self._noted.count(kind)}]"
        self._notes.append((mark, note))
        return mark

    def _running(self, kind: str) -> None:
        """The paragraphs of all headers or footers, each text once, without page numbers."""
        names = (f"{STYLE}{kind}", f"{STYLE}{kind}-left", f"{STYLE}{kind}-first")
        parts = self._masters.iter(*names) if self._masters is not None else ()
        shown = [part for part in parts if part.get(f"{STYLE}display") != "false"]
        lines = (" ".join(self._line(each).split()) for part in shown for each in part.iter(f"{TEXT}p"))
        for line in dict.fromkeys(lines):
            self._blocks.paragraph(line)


def _style_of(style: Element) -> tuple[str, RunStyle]:
    """The style that a style is based on, and what it says itself."""
    based, properties = style.get(f"{STYLE}parent-style-name") or "", style.find(f"{STYLE}text-properties")
    if properties is None:
        return based, RunStyle()
    display, position = properties.get(f"{TEXT}display"), properties.get(f"{STYLE}text-position")
    lines = [properties.get(f"{STYLE}text-line-through-{name}") for name in ("style", "type")]
    struck = any(line not in (None, "none") for line in lines) if any(lines) else None
    weight = properties.get("{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}font-weight")
    bold = weight in ("bold", "600", "700", "800", "900") if weight else None
    hidden = display == "none" if display else None
    return based, RunStyle(hidden, struck, _position(position) if position else None, bold)


def _position(written: str) -> Position:
    """Raised or lowered: by a word, or by a percentage above or below the line."""
    shift = written.split(" ")[0].rstrip("%")
    if shift in ("super", "sub"):
        return "up" if shift == "super" else "down"
    return "" if shift == "0" or not shift.lstrip("-").isdigit() else "down" if shift.startswith("-") else "up"


def _is_unseen(style: Element) -> bool:
    """Whether a style is one of slides, or of sheets, that are not shown."""
    slide = style.find(f"{STYLE}drawing-page-properties[@{SHOW}visibility='hidden']")
    return slide is not None or style.find(f"{STYLE}table-properties[@{TABLE}display='false']") is not None


def _list_level(number: Element) -> tuple[str, int]:
    parent = number.getparent()
    name = parent.get(f"{STYLE}name") if parent is not None else ""
    return name or "", int(number.get(f"{TEXT}level") or 0)
