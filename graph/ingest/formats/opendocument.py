"""Reads OpenDocument texts, presentations and workbooks: their elements are those of HTML under other names."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace

from lxml import etree, html
from lxml.html import HtmlElement

from ..document import Document, File, Refused
from .blocks import PAGE, count_of
from .markup import read_page
from .package import Package

Element = etree._Element

OASIS = "{urn:oasis:names:tc:opendocument:xmlns:"
TEXT, STYLE, TABLE, DRAW, OFFICE, SHOW, SVG = (
    f"{OASIS}{name}:1.0}}" for name in ("text", "style", "table", "drawing", "office", "presentation", "svg-compatible")
)
LINK = "{http://www.w3.org/1999/xlink}href"
WEIGHT = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}font-weight"
TAGS = {
    f"{TEXT}p": "p",
    f"{TEXT}list-item": "li",
    f"{TEXT}a": "a",
    f"{TEXT}span": "span",
    f"{TEXT}line-break": "br",
    f"{TABLE}table": "table",
    f"{TABLE}table-column": "col",
    f"{SVG}title": "p",
    f"{SVG}desc": "p",
}
"""The elements of HTML that stand for those of OpenDocument; others are boxes."""
BLANKS = (f"{TEXT}tab", f"{TEXT}s")
UNSEEN = (
    *(f"{OFFICE}{name}" for name in ("annotation", "forms")),
    *(f"{TEXT}{name}" for name in ("tracked-changes", "hidden-text", "note-citation")),
    f"{SHOW}notes",
)
COUNTERS = (f"{TEXT}page-number", f"{TEXT}page-count", f"{TEXT}page-continuation")
PARAGRAPHS = (f"{TEXT}p", f"{TEXT}h")
DEEPEST_STYLE = 20
"""Styles based on each other that are followed."""


def opendocument(file: File) -> Document:
    """A text, a presentation or a workbook as a document; raises Refused."""
    package = Package(file.content)
    document = read_page(_Converter(package).page())
    meta = package.tree("meta.xml")
    title = meta.findtext(".//{http://purl.org/dc/elements/1.1/}title") if meta is not None else ""
    return replace(document, title=" ".join((title or "").split()) or document.title)


class _Converter:
    """Writes what is in a package as HTML."""

    def __init__(self, package: Package) -> None:
        root, masters = package.tree("content.xml"), package.tree("styles.xml")
        body = root.find(f"{OFFICE}body") if root is not None else None
        if root is None or body is None:
            raise Refused("corrupt: it holds no content of OpenDocument")
        trees = [tree for tree in (masters, root) if tree is not None]
        styles = {style.get(f"{STYLE}name") or "": style for tree in trees for style in tree.iter(f"{STYLE}style")}
        self._styles = {name: _with_parents(style, styles) for name, style in styles.items()}
        self._unseen = frozenset(name for name, style in styles.items() if _is_unseen(style))
        numbers = [number for tree in trees for number in tree.iter(f"{TEXT}list-level-style-number")]
        self._numbered = {_list_level(number) for number in numbers if number.get(f"{STYLE}num-format")}
        self._noted: list[str] = []
        self._lists: list[str] = []
        self._later: list[tuple[str, Element]] = []
        """What a paragraph refers to, with the marks of notes, until it is written."""
        self._body, self._masters = body, masters
        for tree in trees:
            etree.strip_elements(tree, *UNSEEN, *COUNTERS, with_tail=False)

    def page(self) -> HtmlElement:
        """A text with its headers and footers, the slides of a presentation, or the sheets of a workbook."""
        root = html.Element("body")
        self._running("header", root)
        for sheet in self._body.iterfind(f"{OFFICE}spreadsheet/{TABLE}table"):
            if "".join(sheet.itertext()).strip() and not self._is_hidden(sheet):
                title = etree.Element(f"{TEXT}h", {f"{TEXT}outline-level": "2"})
                title.text = sheet.get(f"{TABLE}name")
                sheet.addprevious(title)
        self._inside(self._body, root)
        self._running("footer", root)
        return root

    def write(self, element: Element, into: HtmlElement) -> None:
        """Write an element of OpenDocument into one of HTML."""
        tag = str(element.tag)
        if tag in BLANKS:
            _add_text(into, " ")
        elif tag == f"{TEXT}note":
            self._note(element, into)
        elif tag.startswith(DRAW) and into.tag in ("p", "span"):
            self._later.append(("", element))
        elif tag == f"{TABLE}table-row":
            self._row(element, into)
        else:
            if tag == f"{DRAW}page" and element.getprevious() is not None:
                etree.SubElement(into, "p").text = PAGE
            self._inside(element, self._made(element, into))
        if tag in PARAGRAPHS:
            self._write_later(into)

    def _note(self, note: Element, into: HtmlElement) -> None:
        kind = note.get(f"{TEXT}note-class") or "footnote"
        self._noted.append(kind)
        mark = f"[^{'' if kind == 'footnote' else 'e'}{self._noted.count(kind)}]"
        _add_text(into, f" {mark}")
        self._later.append((mark, note))

    def _write_later(self, into: HtmlElement) -> None:
        later, self._later = self._later, []
        for mark, each in later:
            box = etree.SubElement(into, "div")
            self._inside(each, box)
            if mark and (first := box.find(".//p")) is not None:
                first.text = f"{mark} {first.text or ''}"

    def _inside(self, element: Element, into: HtmlElement) -> None:
        _add_text(into, element.text)
        self._lists += [_list_style(element, self._lists)] if element.tag == f"{TEXT}list" else []
        for child in element:
            self.write(child, into)
            _add_text(into, child.tail)
        self._lists = self._lists[:-1] if element.tag == f"{TEXT}list" else self._lists

    def _made(self, element: Element, into: HtmlElement) -> HtmlElement:
        """The empty element of HTML that stands for one of OpenDocument, in its style."""
        tag = TAGS.get(str(element.tag), "span" if into.tag in ("p", "span") else "div")
        if element.tag == f"{TEXT}h":
            tag = f"h{min(count_of(element.get(f'{TEXT}outline-level')), 6)}"
        elif element.tag == f"{TEXT}list":
            tag = "ol" if (_list_style(element, self._lists), len(self._lists) + 1) in self._numbered else "ul"
        elif element.tag == f"{DRAW}frame" and element.get(f"{SHOW}class") == "title":
            tag = "h2"
        made = etree.SubElement(into, tag, href=element.get(LINK) or "")
        made.set("style", "display:none" if self._is_hidden(element) else self._style(element))
        for _ in range(count_of(element.get(f"{TABLE}number-columns-repeated")) - 1):
            into.append(deepcopy(made))
        return made

    def _style(self, element: Element) -> str:
        return self._styles.get(element.get(f"{TEXT}style-name") or "", "")

    def _is_hidden(self, element: Element) -> bool:
        field = element.find(f"{TEXT}hidden-paragraph") if element.tag in PARAGRAPHS else None
        return (
            element.get(f"{TEXT}display") == "none"
            or element.get(f"{TABLE}visibility") in ("collapse", "filter")
            or element.get(f"{DRAW}style-name") in self._unseen
            or element.get(f"{TABLE}style-name") in self._unseen
            or (field is not None and field.get(f"{TEXT}is-hidden") == "true")
        )

    def _row(self, row: Element, into: HtmlElement) -> None:
        """A row as often as it is repeated, without the empty cells at its end."""
        made = etree.SubElement(into, "tr", style="display:none" if self._is_hidden(row) else "")
        cells = [*row.iterchildren(f"{TABLE}table-cell", f"{TABLE}covered-table-cell")]
        while cells and not "".join(cells[-1].itertext()).strip():
            cells.pop()
        for cell in (cell for cell in cells if cell.tag == f"{TABLE}table-cell"):
            for _ in range(count_of(cell.get(f"{TABLE}number-columns-repeated"))):
                self._cell(cell, etree.SubElement(made, "td"))
        for _ in range(count_of(row.get(f"{TABLE}number-rows-repeated")) - 1 if cells else 0):
            into.append(deepcopy(made))

    def _cell(self, cell: Element, made: HtmlElement) -> None:
        """A cell; a date in the form that is read alike everywhere."""
        made.set("colspan", cell.get(f"{TABLE}number-columns-spanned") or "1")
        made.set("rowspan", cell.get(f"{TABLE}number-rows-spanned") or "1")
        if date := cell.get(f"{OFFICE}date-value"):
            made.text = date.replace("T", " ").removesuffix(" 00:00:00")
        else:
            self._inside(cell, made)

    def _running(self, kind: str, into: HtmlElement) -> None:
        """The paragraphs of all headers or footers, each text once."""
        names = (f"{STYLE}{kind}", f"{STYLE}{kind}-left", f"{STYLE}{kind}-first")
        parts = self._masters.iter(*names) if self._masters is not None else ()
        shown = [part for part in parts if part.get(f"{STYLE}display") != "false"]
        lines = (" ".join("".join(each.itertext()).split()) for part in shown for each in part.iter(f"{TEXT}p"))
        for line in dict.fromkeys(lines):
            etree.SubElement(into, "p").text = line


def _add_text(into: HtmlElement, text: str | None) -> None:
    if text and len(into):
        into[-1].tail = (into[-1].tail or "") + text
    elif text:
        into.text = (into.text or "") + text


def _with_parents(style: Element | None, styles: Mapping[str, Element]) -> str:
    """What a style and those that it is based on say, as CSS."""
    found: list[str] = []
    while style is not None and len(found) < DEEPEST_STYLE:
        found.insert(0, _css(style.find(f"{STYLE}text-properties")))
        style = styles.get(style.get(f"{STYLE}parent-style-name") or "")
    return "".join(found)


def _css(properties: Element | None) -> str:
    if properties is None:
        return ""
    lines = [properties.get(f"{STYLE}text-line-through-{name}") for name in ("style", "type")]
    found = {
        "display": properties.get(f"{TEXT}display"),
        "font-weight": properties.get(WEIGHT),
        "vertical-align": _shift(properties.get(f"{STYLE}text-position") or ""),
        "text-decoration": ("line-through" if {*lines} - {None, "none"} else "none") if any(lines) else None,
    }
    return "".join(f"{name}:{value};" for name, value in found.items() if value)


def _shift(written: str) -> str:
    """Raised or lowered: by a word, or by a percentage above or below the line."""
    shift = written.partition(" ")[0]
    if shift.rstrip("%").lstrip("-").isdigit():
        return "baseline" if shift.strip("-%") == "0" else "sub" if shift.startswith("-") else "super"
    return shift


def _is_unseen(style: Element) -> bool:
    """Whether a style is one of slides, or of sheets, that are not shown."""
    slide = style.find(f"{STYLE}drawing-page-properties[@{SHOW}visibility='hidden']")
    return slide is not None or style.find(f"{STYLE}table-properties[@{TABLE}display='false']") is not None


def _list_style(element: Element, around: list[str]) -> str:
    return element.get(f"{TEXT}style-name") or "".join(around[-1:])


def _list_level(number: Element) -> tuple[str, int]:
    parent = number.getparent()
    name = parent.get(f"{STYLE}name") if parent is not None else ""
    return name or "", int(number.get(f"{TEXT}level") or 0)
