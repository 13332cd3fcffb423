"""Reduces one part of a Word file to plain paragraphs of what its reader sees."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from .package import remove
from .raised import Piece, Position, RunStyle, formula, on_the_line, with_inherited
from .unseen import HIDDEN, STRUCK_OUT

Element = etree._Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
BLANKS = {
    f"{W}tab": "  ",
    f"{W}ptab": "  ",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
    f"{W}softHyphen": "",
}
GONE = (f"{W}del", f"{W}moveFrom", f"{W}commentReference", f"{W}annotationRef", f"{W}footnoteRef", f"{W}endnoteRef")
LINEAR = ("oMath", "r", "e", "sup", "sub", "num", "den", "sSup", "sSub", "f", "d")
"""What of a formula can be written on a line."""
FEWEST_HALF_POINTS = 4
POSITIONS: dict[str, Position] = {"superscript": "up", "subscript": "down"}


@dataclass
class Reading:
    """What is known of the file while its parts are prepared, and what was left out."""

    styles: dict[str, RunStyle]
    notes: dict[tuple[str, str], str] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)


def styles_of(root: Element | None) -> dict[str, RunStyle]:
    found: dict[str, tuple[str, RunStyle]] = {}
    for style in root.iter(f"{W}style") if root is not None else ():
        based = style.find(f"{W}basedOn")
        parent = based.get(f"{W}val") if based is not None else None
        own = _style_of(style.find(f"{W}rPr"))._replace(numbering=style.find(f"{W}pPr/{W}numPr"))
        found[style.get(f"{W}styleId") or ""] = (parent or "", own)
    return with_inherited(found)


def _style_of(properties: Element | None) -> RunStyle:
    if properties is None:
        return RunStyle()
    strikes = [_on(properties, "strike"), _on(properties, "dstrike")]
    struck = any(strikes) if any(strike is not None for strike in strikes) else None
    raised = properties.find(f"{W}vertAlign")
    position = POSITIONS.get(raised.get(f"{W}val") or "", "") if raised is not None else _shifted(properties)
    return RunStyle(_on(properties, "vanish"), struck, position)


def _shifted(properties: Element) -> Position | None:
    """Raised or lowered by so many half points, which people do by hand."""
    shift = properties.find(f"{W}position")
    points = shift.get(f"{W}val", "") if shift is not None else ""
    if not re.fullmatch(r"-?\d{1,4}", points) or abs(int(points)) < FEWEST_HALF_POINTS:
        return None
    return "up" if int(points) > 0 else "down"


def _on(properties: Element, name: str) -> bool | None:
    element = properties.find(f"{W}{name}")
    return None if element is None else element.get(f"{W}val", "true") not in ("0", "false", "off")


def mend(root: Element, reading: Reading) -> None:
    """One part of the file: what is seen of it, as plain text in plain paragraphs."""
    _one_of_each(root)
    for element in [*root.iter(*GONE)]:
        # A deleted row says so in its properties; elsewhere what was deleted stands inside the element.
        row = element.getparent()
        remove(row.getparent() if row is not None and row.tag == f"{W}trPr" else element)
    for row in [*root.iter(f"{W}tr")]:
        properties = row.find(f"{W}trPr")
        if properties is not None and _on(properties, "hidden"):
            reading.left_out.add(HIDDEN)
            remove(row)
    for prompt in [*root.iter(f"{W}showingPlcHdr")]:
        remove(next(prompt.iterancestors(f"{W}sdt"), None))
    for math in [*root.iter(f"{M}oMath")]:
        _formula(math)
    for paragraph in [*root.iter(f"{W}p")]:
        _mend_paragraph(paragraph, reading)
    for box in [*root.iter(f"{W}txbxContent")][::-1]:
        _out_of_the_box(box)


def _one_of_each(root: Element) -> None:
    """Word writes a drawing twice, for programs of today and of yesterday."""
    for both in [*root.iter(f"{MC}AlternateContent")]:
        chosen = next((part for part in both if len(part)), None)
        parent = both.getparent()
        if parent is not None:
            place = parent.index(both)
            parent[place : place + 1] = [*chosen] if chosen is not None else []


def runs_of(paragraph: Element) -> Iterator[Element]:
    for child in paragraph:
        if child.tag == f"{W}r":
            yield child
        elif child.tag != f"{W}p":
            yield from runs_of(child)


def _mend_paragraph(paragraph: Element, reading: Reading) -> None:
    style = paragraph.find(f"{W}pPr/{W}pStyle")
    base = reading.styles.get(style.get(f"{W}val") or "", RunStyle()) if style is not None else RunStyle()
    runs: list[Element] = []
    pieces: list[Piece] = []
    for run in [*runs_of(paragraph)]:
        run_style = _run_style(run, base, reading)
        text = _text_of(run, reading)
        hidden = run_style.hidden or _is_white(run)
        if hidden or run_style.struck:
            if text.strip():
                reading.left_out.add(HIDDEN if hidden else STRUCK_OUT)
            empty(run)
            continue
        if text:
            runs.append(run)
            noted = run.find(f"{W}footnoteReference") is not None or run.find(f"{W}endnoteReference") is not None
            pieces.append((text, "" if noted else run_style.position or ""))
    for run, text in zip(runs, on_the_line(pieces), strict=True):
        write(run, text)


def _is_white(run: Element) -> bool:
    """Whether a run is white, and nothing around it has a ground or a style that may give it one."""
    colour = run.find(f"{W}rPr/{W}color")
    if colour is None or colour.get(f"{W}val", "").upper() != "FFFFFF":
        return False
    around = [run, *run.iterancestors()]
    properties = [part.find(f"{W}{etree.QName(part).localname}Pr") for part in around]
    grounds = [f"{W}{name}" for name in ("shd", "highlight", "pStyle", "tblStyle")]
    return not any(found is not None and any(map(found.findall, grounds)) for found in properties) and not any(
        part.tag == f"{W}txbxContent" for part in around
    )


def _run_style(run: Element, base: RunStyle, reading: Reading) -> RunStyle:
    properties = run.find(f"{W}rPr")
    if properties is None:
        return base
    style = properties.find(f"{W}rStyle")
    named = reading.styles.get(style.get(f"{W}val") or "", RunStyle()) if style is not None else RunStyle()
    run_style = _style_of(properties).inherit(named).inherit(base)
    # The converter would mark underlining, which says nothing, and raising, which is said in the text now.
    for name in ("u", "vertAlign", "strike", "dstrike"):
        remove(properties.find(f"{W}{name}"))
    return run_style


def _text_of(run: Element, reading: Reading) -> str:
    text = ""
    for child in run:
        if child.tag == f"{W}t":
            text += child.text or ""
        elif _is_blank(child):
            text += BLANKS[str(child.tag)]
        elif child.tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
            text += _note_mark(child, reading)
    return text


def _is_blank(element: Element) -> bool:
    # What begins a page stays, for the converter to count.
    return element.tag in BLANKS and element.get(f"{W}type", "textWrapping") == "textWrapping"


def _note_mark(reference: Element, reading: Reading) -> str:
    kind = etree.QName(reference).localname.removesuffix("Reference")
    number = sum(known == kind for known, _ in reading.notes) + 1
    key = kind, reference.get(f"{W}id") or ""
    mark = reading.notes.setdefault(key, f"[^{number}]" if kind == "footnote" else f"[^e{number}]")
    return f" {mark}"


def empty(run: Element) -> None:
    for child in [*run]:
        if _is_blank(child) or child.tag in (f"{W}t", f"{W}footnoteReference", f"{W}endnoteReference", f"{W}sym"):
            run.remove(child)


def write(run: Element, text: str) -> None:
    """Put text into a run instead of its own, with its line breaks; pictures and fields in it stay."""
    empty(run)
    for number, line in enumerate(text.split("\n")):
        if number:
            etree.SubElement(run, f"{W}br")
        if line:
            element = etree.SubElement(run, f"{W}t")
            element.text = line
            element.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")


def paragraph_of(text: str) -> Element:
    paragraph = etree.Element(f"{W}p")
    write(etree.SubElement(paragraph, f"{W}r"), text)
    return paragraph


def _formula(math: Element) -> None:
    """A formula of powers, indices and fractions becomes text where it stands; the converter moves it elsewhere."""
    text, parent = _linear(math), math.getparent()
    if text is None or parent is None:
        return
    run = etree.Element(f"{W}r")
    write(run, text)
    parent.replace(math, run)


def _linear(element: Element) -> str | None:
    name = etree.QName(element).localname
    if name == "t":
        return element.text or ""
    parts = [_linear(child) for child in element if not etree.QName(child).localname.endswith("Pr")]
    texts = [part for part in parts if part is not None]
    return formula(name, texts) if name in LINEAR and len(texts) == len(parts) else None


def _out_of_the_box(box: Element) -> None:
    """The paragraphs of a text box follow the paragraph that it is drawn at."""
    paragraph = next(box.iterancestors(f"{W}p"), None)
    parent = paragraph.getparent() if paragraph is not None else None
    if paragraph is None or parent is None:
        return
    place = parent.index(paragraph) + 1
    parent[place:place] = [*box]
    remove(box)
