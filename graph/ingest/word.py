"""Prepares a Word file for the converter: what its reader sees, headers, notes and text boxes too, as paragraphs."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lxml import etree

from .markup import HIDDEN, STRUCK_OUT
from .package import Package, serialised
from .raised import Piece, Position, on_the_line

Element = etree._Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
MC = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
BLANKS = {
    f"{W}tab": "  ",
    f"{W}ptab": "  ",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
    f"{W}softHyphen": "",
}
GONE = (f"{W}del", f"{W}moveFrom", f"{W}commentReference", f"{W}annotationRef", f"{W}footnoteRef", f"{W}endnoteRef")
PAGE_FIELD = re.compile(r"^\s*(?:PAGE|NUMPAGES|SECTION|SECTIONPAGES)\b", re.IGNORECASE)
PAGE_MARK = "\ufffc"
"""Stands for a page number while a header's text is put together."""
FEW_WORDS = 3
POSITIONS: dict[str, Position] = {"superscript": "up", "subscript": "down"}


class Look(NamedTuple):
    """How a style or a run shows text: hidden, struck out, raised or lowered; None where it does not say."""

    hidden: bool | None = None
    struck: bool | None = None
    position: Position | None = None

    def over(self, other: "Look") -> "Look":
        return Look(
            other.hidden if self.hidden is None else self.hidden,
            other.struck if self.struck is None else self.struck,
            other.position if self.position is None else self.position,
        )


@dataclass
class _Reading:
    """What is known of the file while its parts are prepared, and what was left out."""

    styles: dict[str, Look]
    notes: dict[tuple[str, str], str] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)


def prepare(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The file with plain paragraphs only, and what was left out of it."""
    package = Package(content)
    main = _main(package)
    root = package.tree(main)
    body = root.find(f"{W}body") if root is not None else None
    if root is None or body is None:
        return content, ()
    reading = _Reading(_styles(package.tree(_beside(main, "styles.xml"))))
    _mend(root, reading)
    _note_paragraphs(body, _notes(package, main, reading), reading)
    headers, footers = _running(package, main, root, reading)
    body[:0] = [_paragraph(text) for text in headers]
    place = next((index for index, child in enumerate(body) if child.tag == f"{W}sectPr"), len(body))
    body[place:place] = [_paragraph(text) for text in footers]
    # The converter would name the notes once more, by numbers of its own.
    changed = {
        name: serialised(etree.Element(f"{W}{kind}s")) for kind, name in _note_parts(main) if name in package.names
    }
    return package.write({**changed, main: serialised(root)}), tuple(sorted(reading.left_out))


def _note_parts(main: str) -> tuple[tuple[str, str], ...]:
    return ("footnote", _beside(main, "footnotes.xml")), ("endnote", _beside(main, "endnotes.xml"))


def _main(package: Package) -> str:
    relations = package.tree("_rels/.rels")
    for relation in relations if relations is not None else ():
        if (relation.get("Type") or "").endswith("/officeDocument"):
            return (relation.get("Target") or "").lstrip("/")
    return "word/document.xml"


def _beside(main: str, target: str) -> str:
    return (
        target.lstrip("/")
        if target.startswith("/")
        else posixpath.normpath(posixpath.join(posixpath.dirname(main), target))
    )


def _styles(root: Element | None) -> dict[str, Look]:
    found: dict[str, tuple[str, Look]] = {}
    for style in root.iter(f"{W}style") if root is not None else ():
        based = style.find(f"{W}basedOn")
        parent = based.get(f"{W}val") if based is not None else None
        found[style.get(f"{W}styleId") or ""] = (parent or "", _look(style.find(f"{W}rPr")))
    return {name: _inherited(name, found) for name in found}


def _inherited(name: str, found: dict[str, tuple[str, Look]]) -> Look:
    look, seen = Look(), set()
    while name in found and name not in seen:
        seen.add(name)
        name, own = found[name]
        look = look.over(own)
    return look


def _look(properties: Element | None) -> Look:
    if properties is None:
        return Look()
    strikes = [_on(properties, "strike"), _on(properties, "dstrike")]
    struck = any(strikes) if any(strike is not None for strike in strikes) else None
    raised = properties.find(f"{W}vertAlign")
    position = POSITIONS.get(raised.get(f"{W}val") or "", "") if raised is not None else None
    return Look(_on(properties, "vanish"), struck, position)


def _on(properties: Element, name: str) -> bool | None:
    element = properties.find(f"{W}{name}")
    return None if element is None else element.get(f"{W}val", "true") not in ("0", "false", "off")


def _mend(root: Element, reading: _Reading) -> None:
    """One part of the file: what is seen of it, as plain text in plain paragraphs."""
    _one_of_each(root)
    for element in [*root.iter(*GONE)]:
        # A deleted row says so in its properties; elsewhere what was deleted stands inside the element.
        row = element.getparent()
        _remove(row.getparent() if row is not None and row.tag == f"{W}trPr" else element)
    for row in [*root.iter(f"{W}tr")]:
        properties = row.find(f"{W}trPr")
        if properties is not None and _on(properties, "hidden"):
            reading.left_out.add(HIDDEN)
            _remove(row)
    for prompt in [*root.iter(f"{W}showingPlcHdr")]:
        _remove(next(prompt.iterancestors(f"{W}sdt"), None))
    for formula in [*root.iter(f"{M}oMath")]:
        _formula(formula)
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


def _remove(element: Element | None) -> None:
    parent = element.getparent() if element is not None else None
    if element is not None and parent is not None:
        parent.remove(element)


def _runs(paragraph: Element) -> Iterator[Element]:
    for child in paragraph:
        if child.tag == f"{W}r":
            yield child
        elif child.tag != f"{W}p":
            yield from _runs(child)


def _mend_paragraph(paragraph: Element, reading: _Reading) -> None:
    style = paragraph.find(f"{W}pPr/{W}pStyle")
    base = reading.styles.get(style.get(f"{W}val") or "", Look()) if style is not None else Look()
    runs: list[Element] = []
    pieces: list[Piece] = []
    for run in [*_runs(paragraph)]:
        look = _look_of(run, base, reading)
        text = _text_of(run, reading)
        if look.hidden or look.struck:
            if text.strip():
                reading.left_out.add(HIDDEN if look.hidden else STRUCK_OUT)
            _empty(run)
            continue
        if text:
            runs.append(run)
            noted = run.find(f"{W}footnoteReference") is not None or run.find(f"{W}endnoteReference") is not None
            pieces.append((text, "" if noted else look.position or ""))
    for run, text in zip(runs, on_the_line(pieces), strict=True):
        _write(run, text)


def _look_of(run: Element, base: Look, reading: _Reading) -> Look:
    properties = run.find(f"{W}rPr")
    if properties is None:
        return base
    style = properties.find(f"{W}rStyle")
    named = reading.styles.get(style.get(f"{W}val") or "", Look()) if style is not None else Look()
    look = _look(properties).over(named).over(base)
    # The converter would mark underlining, which says nothing, and raising, which is said in the text now.
    for name in ("u", "vertAlign", "strike", "dstrike"):
        _remove(properties.find(f"{W}{name}"))
    return look


def _text_of(run: Element, reading: _Reading) -> str:
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


def _note_mark(reference: Element, reading: _Reading) -> str:
    kind = etree.QName(reference).localname.removesuffix("Reference")
    number = sum(known == kind for known, _ in reading.notes) + 1
    key = kind, reference.get(f"{W}id") or ""
    mark = reading.notes.setdefault(key, f"[^{number}]" if kind == "footnote" else f"[^e{number}]")
    return f" {mark}"


def _empty(run: Element) -> None:
    for child in [*run]:
        if _is_blank(child) or child.tag in (f"{W}t", f"{W}footnoteReference", f"{W}endnoteReference", f"{W}sym"):
            run.remove(child)


def _write(run: Element, text: str) -> None:
    """Put text into a run instead of its own, with its line breaks; pictures and fields in it stay."""
    _empty(run)
    for number, line in enumerate(text.split("\n")):
        if number:
            etree.SubElement(run, f"{W}br")
        if line:
            element = etree.SubElement(run, f"{W}t")
            element.text = line
            element.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")


def _paragraph(text: str) -> Element:
    paragraph = etree.Element(f"{W}p")
    _write(etree.SubElement(paragraph, f"{W}r"), text)
    return paragraph


def _formula(formula: Element) -> None:
    """A formula of powers, indices and fractions becomes text where it stands; the converter moves it elsewhere."""
    text = _linear(formula)
    parent = formula.getparent()
    if text is None or parent is None:
        return
    run = etree.Element(f"{W}r")
    _write(run, text)
    parent.replace(formula, run)


def _linear(element: Element) -> str | None:
    name = etree.QName(element).localname
    if name == "t":
        return element.text or ""
    parts = [_linear(child) for child in element if not etree.QName(child).localname.endswith("Pr")]
    if any(part is None for part in parts):
        return None
    texts = [part if part is not None else "" for part in parts]
    grouped = [text if len(text) == 1 or text.isalnum() else f"({text})" for text in texts]
    match name, grouped:
        case "sSup", [_, power]:
            return f"{texts[0]}^{power}"
        case "sSub", [_, index]:
            return f"{texts[0]}_{index}"
        case "f", [top, bottom]:
            return f"{top}/{bottom}"
        case "d", _:
            return f"({', '.join(texts)})"
        case (("oMath" | "r" | "e" | "sup" | "sub" | "num" | "den"), _):
            return "".join(texts)
    return None


def _out_of_the_box(box: Element) -> None:
    """The paragraphs of a text box follow the paragraph that it is drawn at."""
    paragraph = next(box.iterancestors(f"{W}p"), None)
    parent = paragraph.getparent() if paragraph is not None else None
    if paragraph is None or parent is None:
        return
    place = parent.index(paragraph) + 1
    parent[place:place] = [*box]
    _remove(box)


def _notes(package: Package, main: str, reading: _Reading) -> dict[str, list[str]]:
    """The paragraphs of every note that the text refers to, by its mark."""
    found: dict[str, list[str]] = {}
    for kind, name in _note_parts(main):
        root = package.tree(name)
        if root is None:
            continue
        _mend(root, reading)
        for note in root.iter(f"{W}{kind}"):
            mark = reading.notes.get((kind, note.get(f"{W}id") or ""))
            if mark:
                found[mark] = [*_lines(note)]
    return found


def _note_paragraphs(body: Element, notes: dict[str, list[str]], reading: _Reading) -> None:
    """A note follows the paragraph, list or table that refers to it."""
    waiting: list[str] = []
    for block in [*body]:
        if waiting and (block.tag == f"{W}sectPr" or block.find(f"{W}pPr/{W}numPr") is None):
            place = body.index(block)
            body[place:place] = [_paragraph(text) for text in waiting]
            waiting = []
        text = "".join(element.text or "" for element in block.iter(f"{W}t"))
        for mark in re.findall(r"\[\^e?\d+\]", text):
            lines = notes.pop(mark, [])
            waiting += [f"{mark} {line.strip()}" if number == 0 else line for number, line in enumerate(lines)]
    body.extend(_paragraph(text) for text in waiting)


def _running(package: Package, main: str, root: Element, reading: _Reading) -> tuple[list[str], list[str]]:
    """The texts of all headers and of all footers, each once, without page numbers."""
    relations = package.tree(posixpath.join(posixpath.dirname(main), "_rels", posixpath.basename(main) + ".rels"))
    targets = {
        relation.get("Id"): relation.get("Target") or "" for relation in (relations if relations is not None else ())
    }
    texts: dict[str, dict[str, None]] = {"header": {}, "footer": {}}
    for kind in texts:
        for name in dict.fromkeys(ref.get(f"{R}id") for ref in root.iter(f"{W}{kind}Reference")):
            part = package.tree(_beside(main, targets.get(name, "")))
            if part is not None:
                _without_page_numbers(part)
                _mend(part, reading)
                texts[kind].update(dict.fromkeys(line for text in _lines(part) if (line := _without_counter(text))))
    return [*texts["header"]], [*texts["footer"]]


def _without_page_numbers(root: Element) -> None:
    for simple in [*root.iter(f"{W}fldSimple")]:
        if PAGE_FIELD.match(simple.get(f"{W}instr") or ""):
            simple[:] = [_paragraph(PAGE_MARK)[0]]
    for paragraph in root.iter(f"{W}p"):
        _without_page_fields(paragraph)


def _without_page_fields(paragraph: Element) -> None:
    code, inside = "", False
    for run in [*_runs(paragraph)]:
        mark = run.find(f"{W}fldChar")
        kind = mark.get(f"{W}fldCharType") if mark is not None else None
        if kind == "begin":
            code, inside = "", True
        code += "".join(part.text or "" for part in run.iter(f"{W}instrText"))
        if inside and PAGE_FIELD.match(code):
            _empty(run)
        if kind == "end":
            if PAGE_FIELD.match(code):
                _write(run, PAGE_MARK)
            inside = False


def _without_counter(text: str) -> str:
    """A header's text without the part that counts the pages: `HV-5521  Page 2 of 9` is HV-5521."""
    parts = [part.strip() for part in re.split(r"\s{2,}|\n|\|", text)]
    return "  ".join(kept for part in parts if (kept := _uncounted(part)))


def _uncounted(part: str) -> str:
    rest = part.replace(PAGE_MARK, "")
    few = len(re.findall(r"\w+", rest)) <= FEW_WORDS and not any(character.isdigit() for character in rest)
    return "" if PAGE_MARK in part and few else " ".join(rest.split())


def _lines(root: Element) -> Iterator[str]:
    """The paragraphs and table rows of a part as lines of text."""
    for child in root:
        if child.tag == f"{W}tr":
            cells = [" ".join(_lines(cell)).strip() for cell in child.iter(f"{W}tc")]
            cells = [cell for cell in cells if cell]
            yield (": " if len(cells) == 2 and not cells[0].endswith(":") else "  ").join(cells)
        elif child.tag == f"{W}p":
            text = "".join(_plain(element) for element in child.iter(f"{W}t", f"{W}br"))
            if text.strip():
                yield text
        else:
            yield from _lines(child)


def _plain(element: Element) -> str:
    return "  " if element.tag == f"{W}br" else element.text or ""
