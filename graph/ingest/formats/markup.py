"""Reads HTML: what a reader does not see is left out, raised text reads on the line; the converter does the rest."""

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

from lxml import etree, html
from lxml.html import HtmlElement

from ..document import Document, File, Refused
from .clean import decode, heading_of
from .convert import converted
from .raised import formula, lowered, raised
from .unseen import leave_out, lift, styles_of

UNSEEN = ("script", "style", "template", "noscript", "iframe", "audio", "video", "canvas", "datalist")
QUESTION_MARKS = ("?", "\uff1f", "\u061f")
BLOCKS = frozenset(
    "address article aside blockquote body br caption center dd details div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hr legend li main nav ol p pre section summary table tbody td tfoot th thead "
    "tr ul".split()
)
DEEPEST = 50
"""Elements inside each other that the converter reads: what is nested deeper than some 60 it drops silently."""
FEWEST_ROWS = 2
"""Rows of several cells that make a table with tables in it one of data and not of layout."""
LONGEST_LINK = 200
"""Letters up to which an address is kept: longer ones count clicks and tell a reader nothing."""
VERBATIM = ("pre", "textarea", "listing", "xmp")
GONE = "x-gone"
"""The tag of elements of which only what is in them stays."""
SPACES = re.compile(r"[ \t\r\n\f]+")
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Control characters, which a page may hold but XML may not."""
NOTE_MARK = re.compile(r"(?:foot|end)?note|\bfn\b|\bref|cite|citation", re.I)


@dataclass(frozen=True)
class Page:
    """A page without what nobody sees; `markup` is its body alone."""

    title: str
    markup: str
    warnings: tuple[str, ...]


def page(file: File) -> Document:
    """A file of HTML as a document; raises Refused."""
    return page_of(file, decode(file.content))


def page_of(file: File, markup: str) -> Document:
    """A page in a file, such as the body of a message, without its head, which the converter would turn into text."""
    prepared = prepare(markup)
    content = prepared.markup.encode()
    text = converted(replace(file, content=content, media_type="text/html")).text if content else ""
    return Document(text, prepared.title or heading_of(text), warnings=prepared.warnings)


def prepare(markup: str, *, xml: bool = False) -> Page:
    """A page for the converter; as XML (for EPUB) it keeps its head."""
    root = _parse(markup)
    if root is None:
        return Page("", "", ())
    title = " ".join((root.findtext(".//head/title") or "").split())
    styles = styles_of(root)
    etree.strip_elements(root, *UNSEEN, with_tail=False)
    warnings = leave_out(root, styles)
    _flow(root)
    _pictures(root)
    _formulas(root)
    lift(root, styles)
    _on_the_line(root)
    _definitions(root)
    _repeat_cells(root)
    _titles_above(root)
    for link in root.iter("a"):
        if len(link.get("href") or "") > LONGEST_LINK:
            link.tag = GONE
    etree.strip_tags(root, "ins", "mark", GONE)
    body = root.find(".//body")
    kept = root if xml or body is None else body
    _flatten(kept)
    return Page(
        title, etree.tostring(kept, encoding="unicode", method="xml" if xml else "html", with_tail=False), warnings
    )


def _parse(markup: str) -> HtmlElement | None:
    # Without huge_tree all that is nested deeper than 256 elements is dropped silently.
    parser = html.HTMLParser(huge_tree=True, no_network=True, remove_comments=True, remove_pis=True, encoding="utf-8")
    try:
        root: HtmlElement = html.document_fromstring(markup.encode("utf-8", "replace"), parser=parser)
    except etree.ParserError:
        return None
    if any("depth" in entry.message for entry in parser.error_log):
        raise Refused("corrupt: its elements are nested deeper than 2,000")
    for element in root.iter():
        if element.text and NOT_XML.search(element.text):
            element.text = NOT_XML.sub(" ", element.text)
        if element.tail and NOT_XML.search(element.tail):
            element.tail = NOT_XML.sub(" ", element.tail)
    return root


def _flow(root: HtmlElement) -> None:
    """Line ends of the source are blanks, which the converter takes for line ends of the text."""
    for element in root.iter(etree.Element):
        as_written = element.tag in VERBATIM or next(element.iterancestors(*VERBATIM), None) is not None
        if element.text and not as_written:
            element.text = SPACES.sub(" ", element.text)
        if element.tail and next(element.iterancestors(*VERBATIM), None) is None:
            element.tail = SPACES.sub(" ", element.tail)


def _pictures(root: HtmlElement) -> None:
    for picture in [*root.iter("img")]:
        alt = " ".join((picture.get("alt") or "").split())
        _replace(picture, alt)
    for drawing in [*root.iter("svg")]:
        _replace(drawing, " ".join(" ".join(drawing.itertext()).split()))


def _replace(element: HtmlElement, text: str) -> None:
    element.tail = NOT_XML.sub(" ", text) + (element.tail or "")
    element.drop_tree()


def _formulas(root: HtmlElement) -> None:
    for math in [*root.iter("math")]:
        _replace(math, _linear(math))


def _linear(element: HtmlElement) -> str:
    children = [child for child in element if isinstance(child.tag, str) and not child.tag.startswith("annotation")]
    return (element.text or "").strip() + formula(str(element.tag), [*map(_linear, children)])


def _on_the_line(root: HtmlElement) -> None:
    marks = [mark for mark in root.iter("sup") if not _before(mark).strip()]
    notes = {mark.text_content().strip() for mark in marks}
    for element in [*root.iter("sup", "sub")]:
        before, mark, after = _before(element), element.text_content(), element.tail or ""
        if element.tag == "sub":
            text = lowered(before, mark, after)
        else:
            text = raised(before, mark, after, note=_is_note(element), notes=notes)
            text += " " if not before.strip() and after[:1].isalnum() and not text.endswith(" ") else ""
        link = element.getparent()
        _replace(element, text)
        if link is not None and link.tag == "a" and "#" in (link.get("href") or "") and not len(link):
            link.drop_tag()


def _is_note(element: HtmlElement) -> bool:
    inside, parent = [element, *element.iterdescendants()], element.getparent()
    around = inside if parent is None else [parent, *inside]
    linked = any(part.tag == "a" and "#" in (part.get("href") or "") for part in around)
    return linked or any(NOTE_MARK.search(f"{part.get('class')} {part.get('role')}") for part in inside)


def _before(element: HtmlElement) -> str:
    """The text that stands before an element in its block."""
    text = ""
    while element.tag not in BLOCKS and len(text) < 80:
        sibling, parent = element.getprevious(), element.getparent()
        if sibling is not None:
            tail = sibling.tail or ""
            if sibling.tag in BLOCKS:
                return tail + text
            text = sibling.text_content() + tail + text
            element = sibling
        elif parent is None:
            break
        else:
            text = (parent.text or "") + text
            element = parent
    return text


def _definitions(root: HtmlElement) -> None:
    """A term and what it means are one item of a list; a question is a paragraph in bold before its answer."""
    for listed in [*root.iter("dl")]:
        pairs = [(term, term.getnext()) for term in listed.iter("dt")]
        if all(meaning is not None and meaning.tag == "dd" and not _asks(term) for term, meaning in pairs):
            for term, meaning in pairs:
                if meaning is not None:
                    _begin_with(meaning, f"{term.text_content().strip().rstrip(':')}:")
                    term.drop_tree()
            for meaning in [*listed.iter("dd")]:
                meaning.tag = "li"
            listed.tag = "ul"
    for term in [*root.iter("dt")]:
        bold = html.Element("strong")
        bold.text, term.text = term.text, None
        bold.extend([*term])
        term.append(bold)
        term.tag = "p"
    for element in [*root.iter("dd", "dl")]:
        element.tag = "div"


def _asks(term: HtmlElement) -> bool:
    return term.text_content().rstrip().endswith(QUESTION_MARKS)


def _begin_with(meaning: HtmlElement, term: str) -> None:
    """Put a term in bold before what it means."""
    bold = html.Element("strong")
    bold.text, bold.tail, meaning.text = term, f" {(meaning.text or '').lstrip()}", None
    meaning.insert(0, bold)


def _repeat_cells(root: HtmlElement) -> None:
    """A cell over several rows stands in each of them."""
    for table in root.iter("table"):
        above: dict[int, tuple[HtmlElement, int]] = {}
        for row in _own(table, "tr"):
            cells, column, taken = [*row.iterchildren("td", "th")], 0, dict[int, tuple[HtmlElement, int]]()
            while cells or column in above:
                if column in above:
                    cell, left = above.pop(column)
                    row.insert(len([*row.iterchildren("td", "th")]) - len(cells), deepcopy(cell))
                else:
                    cell = cells.pop(0)
                    left = _number(cell.attrib.pop("rowspan", "1"))
                if left > 1:
                    taken[column] = cell, left - 1
                column += max(1, _number(cell.get("colspan", "1")))
            above = taken


def _titles_above(root: HtmlElement) -> None:
    """A first row of a single cell over several columns is the title of its table and stands above it."""
    for table in [*root.iter("table")]:
        for row in [*_own(table, "tr")]:
            cells = [*row.iterchildren("td", "th")]
            if len(cells) != 1 or _number(cells[0].get("colspan", "1")) < 2 or cells[0].find(".//table") is not None:
                break
            title = cells[0]
            title.tag = "p"
            table.addprevious(title)
            row.drop_tree()


def _number(written: str) -> int:
    return int(written) if written.isdecimal() and len(written) < 4 else 1


def _flatten(root: HtmlElement) -> None:
    """Takes away the boxes around boxes of a laid-out page, and at last every element that is nested too deep."""
    for table in [*root.iter("table")][::-1]:
        inner = table.findall(".//table")
        rows = [[cell for cell in row if cell.text_content().strip()] for row in _own(table, "tr")]
        if len([*_own(table, "td", "th")]) == 1 or (inner and sum(len(row) > 1 for row in rows) < FEWEST_ROWS):
            _unwrap_layout(table)
        else:
            # The converter cannot write a table in a cell: it follows the table.
            for part in reversed(inner):
                table.addnext(part)
    for element in [*root.iter("div", "section", "article", "main", "center")][::-1]:
        own = (element.text or "") + "".join(child.tail or "" for child in element)
        boxes = all(child.tag in BLOCKS or child.tag == GONE for child in element)
        if element is not root and not own.strip() and len(element) and boxes:
            element.tag = GONE
    etree.strip_tags(root, GONE)
    deep = [element for element in root.iter(etree.Element) if len([*element.iterancestors()]) > DEEPEST]
    for element in deep:
        if element.tag in BLOCKS:
            element.addprevious(html.Element("br"))
        element.tag = GONE
    etree.strip_tags(root, GONE)


def _unwrap_layout(table: HtmlElement) -> None:
    """A table of a single cell, or of tables, is no table but boxes."""
    for part in [*_own(table, "tbody", "thead", "tfoot", "tr", "colgroup", "col")]:
        part.drop_tag()
    for part in [*_own(table, "td", "th", "caption")]:
        part.tag = "div"
    table.tag = "div"


def _own(table: HtmlElement, *tags: str) -> Iterator[HtmlElement]:
    """The parts of a table itself, not those of tables inside it."""
    for part in [*table.iter(*tags)]:
        if next(part.iterancestors("table"), None) is table:
            yield part
