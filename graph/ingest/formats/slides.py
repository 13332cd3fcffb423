"""Prepares a PowerPoint file for the converter: what is shown, each paragraph in one piece."""

from lxml import etree

from .package import Package, R, remove, serialised
from .raised import Piece, Position, on_the_line
from .unseen import HIDDEN, STRUCK_OUT

Element = etree._Element

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
MAIN = "ppt/presentation.xml"


def prepare(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The file with what its slides show, and what was left out of it."""
    package = Package(content)
    changed: dict[str, bytes] = {}
    hidden: list[int] = []
    noted: list[int] = []
    left_out: set[str] = set()
    for number, name in enumerate(_slides(package), 1):
        root = package.tree(name)
        if root is None:
            continue
        if root.get("show") in ("0", "false"):
            hidden.append(number)
            _clear(root)
        elif _has_notes(package, name):
            noted.append(number)
        _mend(root, left_out)
        changed[name] = serialised(root)
    warnings = [*sorted(left_out)]
    if hidden:
        warnings.append(f"hidden slides were left out: {', '.join(map(str, hidden))}")
    if noted:
        warnings.append(f"speaker notes were not read: slides {', '.join(map(str, noted))}")
    return package.write(changed), tuple(warnings)


def _slides(package: Package) -> list[str]:
    """The parts of the slides in the order in which they are shown."""
    root, targets = package.tree(MAIN), package.related(MAIN)
    slides = root.iter(f"{P}sldId") if root is not None else ()
    return [targets[key] for slide in slides if (key := slide.get(f"{R}id") or "") in targets]


def _has_notes(package: Package, name: str) -> bool:
    notes = package.tree(package.beside(name, "notesSlide"))
    shapes = notes.iter(f"{P}sp") if notes is not None else ()
    return any(
        shape.find(f".//{P}ph[@type='body']") is not None and "".join(shape.itertext(f"{A}t")).strip()
        for shape in shapes
    )


def _clear(root: Element) -> None:
    for tree in root.iter(f"{P}spTree"):
        for shape in [*tree]:
            if shape.tag not in (f"{P}nvGrpSpPr", f"{P}grpSpPr"):
                tree.remove(shape)


def _mend(root: Element, left_out: set[str]) -> None:
    for about in [*root.iter(f"{P}cNvPr")]:
        shape = next(about.iterancestors(f"{P}sp", f"{P}pic", f"{P}graphicFrame", f"{P}cxnSp", f"{P}grpSp"), None)
        if about.get("hidden") in ("1", "true") and shape is not None:
            left_out.add(HIDDEN)
            remove(shape)
    for paragraph in root.iter(f"{A}p"):
        _mend_paragraph(paragraph, left_out)


def _mend_paragraph(paragraph: Element, left_out: set[str]) -> None:
    """One run for each line: the converter puts a blank between two runs of one word."""
    pieces: list[Piece] = []
    texts: list[Element] = []
    for run in [*paragraph.findall(f"{A}r")]:
        properties, text = run.find(f"{A}rPr"), run.find(f"{A}t")
        if text is None:
            continue
        if properties is not None and properties.get("strike", "noStrike") != "noStrike":
            left_out.add(STRUCK_OUT)
            remove(run)
            continue
        pieces.append((text.text or "", _position(properties)))
        texts.append(text)
        if properties is not None and properties.find(f"{A}hlinkClick") is None:
            run.remove(properties)
    for text, written in zip(texts, on_the_line(pieces), strict=True):
        text.text = written
    _join(paragraph)


def _position(properties: Element | None) -> Position:
    baseline = properties.get("baseline", "0").rstrip("%") if properties is not None else "0"
    if baseline in ("0", ""):
        return ""
    return "down" if baseline.startswith("-") else "up"


def _join(paragraph: Element) -> None:
    first: Element | None = None
    for child in [*paragraph]:
        if child.tag != f"{A}r" or child.find(f"{A}t") is None:
            first = None if child.tag in (f"{A}br", f"{A}fld") else first
        elif first is None:
            first = child
        else:
            text, more = first.find(f"{A}t"), child.find(f"{A}t")
            if text is not None and more is not None:
                text.text = (text.text or "") + (more.text or "")
            paragraph.remove(child)
