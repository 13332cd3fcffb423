"""Prepares an OpenDocument text or presentation for the converter: what is shown, in plain paragraphs."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from .package import Package, remove, serialised
from .raised import Piece, Position, RunStyle, on_the_line, with_inherited
from .unseen import HIDDEN, STRUCK_OUT

Element = etree._Element

OASIS = "{urn:oasis:names:tc:opendocument:xmlns:"
TEXT, STYLE, TABLE, DRAW, OFFICE, SHOW = (
    f"{OASIS}{name}:1.0}}" for name in ("text", "style", "table", "drawing", "office", "presentation")
)
BLANKS = {f"{TEXT}tab": "  ", f"{TEXT}line-break": "\n", f"{TEXT}soft-page-break": ""}
COUNTERS = (f"{TEXT}page-number", f"{TEXT}page-count", f"{TEXT}page-continuation")
UNSEEN = (f"{OFFICE}annotation", f"{OFFICE}annotation-end", f"{TEXT}tracked-changes", f"{TEXT}hidden-text")
KEPT = (f"{DRAW}frame", f"{DRAW}g", f"{DRAW}custom-shape")


@dataclass
class _Reading:
    styles: dict[str, RunStyle]
    collapsed: frozenset[str]
    notes: list[Element] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)


def prepare(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The file with plain paragraphs only, and what was left out of it."""
    package = Package(content)
    root, masters = package.tree("content.xml"), package.tree("styles.xml")
    body = root.find(f"{OFFICE}body") if root is not None else None
    if root is None or body is None or not len(body):
        return content, ()
    properties = [element for tree in (masters, root) if tree is not None for element in tree.iter(f"{STYLE}style")]
    reading = _Reading(
        with_inherited({style.get(f"{STYLE}name") or "": _style_of(style) for style in properties}),
        _invisible(properties),
    )
    warnings = _without_hidden_pages(root, reading)
    _mend(body[0], reading)
    if masters is not None and body[0].tag == f"{OFFICE}text":
        place = next(
            (index for index, child in enumerate(body[0]) if child.tag in (f"{TEXT}p", f"{TEXT}h")), len(body[0])
        )
        body[0][place:place] = [*_running(masters, "header", reading)]
        body[0].extend([*_running(masters, "footer", reading)])
    return package.write({"content.xml": serialised(root)}), (*sorted(reading.left_out), *warnings)


def _style_of(style: Element) -> tuple[str, RunStyle]:
    """The style that a style is based on, and what it says itself."""
    based, properties = style.get(f"{STYLE}parent-style-name") or "", style.find(f"{STYLE}text-properties")
    if properties is None:
        return based, RunStyle()
    display, position = properties.get(f"{TEXT}display"), properties.get(f"{STYLE}text-position")
    lines = [properties.get(f"{STYLE}text-line-through-{name}") for name in ("style", "type")]
    struck = any(line not in (None, "none") for line in lines) if any(lines) else None
    return based, RunStyle(display == "none" if display else None, struck, _position(position) if position else None)


def _position(written: str) -> Position:
    """Raised or lowered: by a word, or by a percentage above or below the line."""
    shift = written.split(" ")[0].rstrip("%")
    if shift in ("super", "sub"):
        return "up" if shift == "super" else "down"
    return "" if shift == "0" or not shift.lstrip("-").isdigit() else "down" if shift.startswith("-") else "up"


def _invisible(styles: list[Element]) -> frozenset[str]:
    """The styles of slides that are not shown."""
    hidden = f"{STYLE}drawing-page-properties[@{SHOW}visibility='hidden']"
    return frozenset(style.get(f"{STYLE}name") or "" for style in styles if style.find(hidden) is not None)


def _without_hidden_pages(root: Element, reading: _Reading) -> tuple[str, ...]:
    hidden = []
    for number, page in enumerate([*root.iter(f"{DRAW}page")], 1):
        if page.get(f"{DRAW}style-name") in reading.collapsed:
            hidden.append(number)
            page[:] = []
    return (f"hidden slides were left out: {', '.join(map(str, hidden))}",) if hidden else ()


def _mend(root: Element, reading: _Reading) -> None:
    etree.strip_elements(root, *UNSEEN, with_tail=False)
    for element in [
        *root.iter(f"{TEXT}section", f"{TABLE}table-row", f"{TABLE}table-header-rows", f"{TEXT}p", f"{TEXT}h")
    ]:
        if _is_hidden(element, reading):
            if "".join(element.itertext()).strip():
                reading.left_out.add(HIDDEN)
            remove(element)
    for table in [*root.iter(f"{TABLE}table")]:
        _without_hidden_columns(table, reading)
    for paragraph in [*root.iter(f"{TEXT}p", f"{TEXT}h")]:
        if next(paragraph.iterancestors(f"{TEXT}note"), None) is None:
            _flatten(paragraph, reading)
    _place_notes(root, reading)


def _is_hidden(element: Element, reading: _Reading) -> bool:
    field_of = element.find(f"{TEXT}hidden-paragraph") if element.tag in (f"{TEXT}p", f"{TEXT}h") else None
    style = reading.styles.get(element.get(f"{TEXT}style-name") or "", RunStyle())
    return (
        element.get(f"{TEXT}display") == "none"
        or element.get(f"{TABLE}visibility") in ("collapse", "filter")
        or (field_of is not None and field_of.get(f"{TEXT}is-hidden") == "true")
        or (element.tag in (f"{TEXT}p", f"{TEXT}h") and style.hidden is True)
    )


def _without_hidden_columns(table: Element, reading: _Reading) -> None:
    hidden: set[int] = set()
    place = 0
    for column in table.iter(f"{TABLE}table-column"):
        repeated = int(column.get(f"{TABLE}number-columns-repeated") or 1)
        if column.get(f"{TABLE}visibility") in ("collapse", "filter"):
            hidden.update(range(place, min(place + repeated, place + 1000)))
        place += repeated
    for row in [*table.iter(f"{TABLE}table-row")] if hidden else ():
        reading.left_out.add(HIDDEN)
        for number, cell in [*enumerate(row)]:
            if number in hidden:
                row.remove(cell)


def _flatten(paragraph: Element, reading: _Reading) -> None:
    """One text without spans, which the converter loses in tables; what stands in a frame follows the paragraph."""
    text_style = reading.styles.get(paragraph.get(f"{TEXT}style-name") or "", RunStyle())
    pieces: list[Piece] = []
    frames: list[Element] = []
    for text, shown, frame in _pieces(paragraph, text_style, reading):
        if frame is not None:
            frames.append(frame)
        elif shown.hidden or shown.struck:
            if text.strip():
                reading.left_out.add(HIDDEN if shown.hidden else STRUCK_OUT)
        else:
            pieces.append((text, shown.position or ""))
    written = "".join(on_the_line(pieces))
    paragraph[:] = []
    paragraph.text = written
    holder = paragraph.getparent()
    for frame in frames[::-1] if holder is not None else ():
        boxes = [*frame.iter(f"{DRAW}text-box")]
        moved = [block for box in boxes for block in box] if boxes else [_in_paragraph(frame)]
        place = holder.index(paragraph) + 1 if holder is not None else 0
        if holder is not None:
            holder[place:place] = moved


def _in_paragraph(frame: Element) -> Element:
    paragraph = etree.Element(f"{TEXT}p")
    frame.tail = None
    paragraph.append(frame)
    return paragraph


def _pieces(
    element: Element, text_style: RunStyle, reading: _Reading
) -> Iterator[tuple[str, RunStyle, Element | None]]:
    yield element.text or "", text_style, None
    for child in [*element]:
        if child.tag == f"{TEXT}note":
            reading.notes.append(child)
            yield f" {_mark(child, reading)}", RunStyle(), None
        elif child.tag in KEPT:
            yield "", text_style, child
        elif child.tag == f"{TEXT}s":
            yield " " * min(int(child.get(f"{TEXT}c") or 1), 100), text_style, None
        elif child.tag in BLANKS:
            yield BLANKS[child.tag], text_style, None
        else:
            own = reading.styles.get(child.get(f"{TEXT}style-name") or "", RunStyle())
            yield from _pieces(child, own.inherit(text_style), reading)
        yield child.tail or "", text_style, None


def _mark(note: Element, reading: _Reading) -> str:
    kind = note.get(f"{TEXT}note-class") or "footnote"
    number = sum((other.get(f"{TEXT}note-class") or "footnote") == kind for other in reading.notes)
    return f"[^{number}]" if kind == "footnote" else f"[^e{number}]"


def _place_notes(root: Element, reading: _Reading) -> None:
    """The notes stand at the end of the text, each behind its mark."""
    notes, reading.notes = reading.notes, []
    counted: list[Element] = []
    for note in notes:
        counted.append(note)
        mark = _mark(note, _Reading({}, frozenset(), counted))
        for number, paragraph in enumerate([*note.iter(f"{TEXT}p")]):
            _flatten(paragraph, reading)
            text = etree.SubElement(root, f"{TEXT}p")
            text.text = f"{mark} {(paragraph.text or '').strip()}" if number == 0 else paragraph.text


def _running(masters: Element, kind: str, reading: _Reading) -> Iterator[Element]:
    """The paragraphs of all headers or footers, each text once, without page numbers."""
    seen: set[str] = set()
    names = (kind, f"{kind}-left", f"{kind}-first")
    for part in [*masters.iter(*(f"{STYLE}{name}" for name in names))]:
        etree.strip_elements(part, *COUNTERS, with_tail=False)
        _mend(part, reading)
        for paragraph in part.iter(f"{TEXT}p"):
            text = " ".join((paragraph.text or "").split())
            if text and text not in seen and part.get(f"{STYLE}display") != "false":
                seen.add(text)
                written = etree.Element(f"{TEXT}p")
                written.text = text
                yield written
