"""Prepares a Word file for the converter: what its reader sees, headers, notes and text boxes too, as paragraphs."""

import re
from collections.abc import Iterator
from copy import deepcopy

from lxml import etree

from .package import Package, R, serialised
from .raised import RunStyle
from .word_text import Element, Reading, W, empty, mend, paragraph_of, runs_of, styles_of, write

PAGE_FIELD = re.compile(r"^\s*(?:PAGE|NUMPAGES|SECTION|SECTIONPAGES)\b", re.IGNORECASE)
PAGE_MARK = "\ufffc"
"""Stands for a page number while a header's text is put together."""
FEW_WORDS = 3


def prepare(content: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The file with plain paragraphs only, and what was left out of it."""
    package = Package(content)
    main = package.main("word/document.xml")
    root = package.tree(main)
    body = root.find(f"{W}body") if root is not None else None
    if root is None or body is None:
        return content, ()
    reading = Reading(styles_of(package.tree(package.beside(main, "styles"))))
    _number_by_style(root, reading)
    mend(root, reading)
    _note_paragraphs(body, _notes(package, main, reading), reading)
    headers, footers = _running(package, main, root, reading)
    body[:0] = [paragraph_of(text) for text in headers]
    place = next((index for index, child in enumerate(body) if child.tag == f"{W}sectPr"), len(body))
    body[place:place] = [paragraph_of(text) for text in footers]
    # The converter would name the notes once more, by numbers of its own.
    parts = [(kind, name) for kind, name in _note_parts(package, main) if name in package.names]
    changed = {name: serialised(etree.Element(f"{W}{kind}s")) for kind, name in parts}
    return package.write({**changed, main: serialised(root)}), tuple(sorted(reading.left_out))


def _number_by_style(root: Element, reading: Reading) -> None:
    """A paragraph whose style makes it an item of a list says so itself: the converter looks there alone."""
    for properties in [*root.iter(f"{W}pPr")]:
        named = properties.find(f"{W}pStyle")
        if named is not None and properties.find(f"{W}numPr") is None:
            numbering = reading.styles.get(named.get(f"{W}val") or "", RunStyle()).numbering
            properties.extend([deepcopy(numbering)] if numbering is not None else [])


def _note_parts(package: Package, main: str) -> list[tuple[str, str]]:
    return [(kind, package.beside(main, f"{kind}s")) for kind in ("footnote", "endnote")]


def _notes(package: Package, main: str, reading: Reading) -> dict[str, list[str]]:
    """The paragraphs of every note that the text refers to, by its mark."""
    found: dict[str, list[str]] = {}
    for kind, name in _note_parts(package, main):
        root = package.tree(name)
        if root is None:
            continue
        mend(root, reading)
        for note in root.iter(f"{W}{kind}"):
            mark = reading.notes.get((kind, note.get(f"{W}id") or ""))
            if mark:
                found[mark] = [*_lines(note)]
    return found


def _note_paragraphs(body: Element, notes: dict[str, list[str]], reading: Reading) -> None:
    """A note follows the paragraph, list or table that refers to it."""
    waiting: list[str] = []
    for block in [*body]:
        if waiting and (block.tag == f"{W}sectPr" or block.find(f"{W}pPr/{W}numPr") is None):
            place = body.index(block)
            body[place:place] = [paragraph_of(text) for text in waiting]
            waiting = []
        text = "".join(element.text or "" for element in block.iter(f"{W}t"))
        for mark in re.findall(r"\[\^e?\d+\]", text):
            lines = notes.pop(mark, [])
            waiting += [f"{mark} {line.strip()}" if number == 0 else line for number, line in enumerate(lines)]
    body.extend(paragraph_of(text) for text in waiting)


def _running(package: Package, main: str, root: Element, reading: Reading) -> tuple[list[str], list[str]]:
    """The texts of all headers and of all footers, each once, without page numbers."""
    targets = package.related(main)
    texts: dict[str, dict[str, None]] = {"header": {}, "footer": {}}
    for kind in texts:
        for name in dict.fromkeys(ref.get(f"{R}id") for ref in root.iter(f"{W}{kind}Reference")):
            part = package.tree(targets.get(name or "", ""))
            if part is not None:
                _without_page_numbers(part)
                mend(part, reading)
                texts[kind].update(dict.fromkeys(line for text in _lines(part) if (line := _without_counter(text))))
    return [*texts["header"]], [*texts["footer"]]


def _without_page_numbers(root: Element) -> None:
    for simple in [*root.iter(f"{W}fldSimple")]:
        if PAGE_FIELD.match(simple.get(f"{W}instr") or ""):
            simple[:] = [paragraph_of(PAGE_MARK)[0]]
    for paragraph in root.iter(f"{W}p"):
        _without_page_fields(paragraph)


def _without_page_fields(paragraph: Element) -> None:
    code, inside = "", False
    for run in [*runs_of(paragraph)]:
        mark = run.find(f"{W}fldChar")
        kind = mark.get(f"{W}fldCharType") if mark is not None else None
        if kind == "begin":
            code, inside = "", True
        code += "".join(part.text or "" for part in run.iter(f"{W}instrText"))
        if inside and PAGE_FIELD.match(code):
            empty(run)
        if kind == "end":
            if PAGE_FIELD.match(code):
                write(run, PAGE_MARK)
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
