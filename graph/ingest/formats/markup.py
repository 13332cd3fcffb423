"""Reads HTML as its reader sees it: without what is hidden, raised text on the line, tables with all of their cells."""

import re
from collections.abc import Iterator

from lxml import etree, html
from lxml.html import HtmlElement

from ..document import Document, File, Refused
from .blocks import ABOVE, LEFT, Blocks, Run, RunStyle, count_of, line_of
from .clean import decode
from .raised import Position, formula
from .unseen import Styles, leave_out, styles_of

NO_TEXT = ("script", "style", "template", "noscript", "iframe", "audio", "video", "canvas", "datalist")
QUESTION_MARKS = ("?", "\uff1f", "\u061f")
BLOCKS = frozenset(
    """address article aside blockquote body caption center dd details div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hr legend li main nav ol p pre section summary table tbody td tfoot th thead tr
    ul""".split()
)
TABLE_PARTS = ("caption", "tbody", "thead", "tfoot", "tr", "td", "th")
HEADING = re.compile(r"h[1-6]")
POSITIONS: dict[str, Position] = {"sup": "up", "super": "up", "text-top": "up", "sub": "down"}
INLINE = ("a", "code")
BOLD, HEAVY = ("b", "strong", "dt"), ("bold", "bolder", "600", "700", "800", "900")
FEWEST_ROWS = 2
"""Rows of several cells that make a table with tables in it one of data and not of layout."""
LONGEST_LINK = 200
"""Letters up to which an address is kept: longer ones count clicks and tell a reader nothing."""
LINK = re.compile(r"\[ ?([^\[\]\n]*[^\[\]\n ]) ?\]\(")
SPACES = re.compile(r"[ \t\r\n\f]+")
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Control characters, which a page may hold but XML may not."""
NOTE_MARK = re.compile(r"(?:foot|end)?note|\bfn\b|\bref|cite|citation", re.I)


def page(file: File) -> Document:
    """A file of HTML as a document; raises Refused."""
    return page_of(decode(file.content))


def page_of(markup: str) -> Document:
    """A page, such as the body of a message, as a document; raises Refused."""
    root = _parse(markup)
    return read_page(root) if root is not None else Document("")


def read_page(root: HtmlElement) -> Document:
    """A tree of HTML as a document; the tree is changed."""
    title = " ".join((root.findtext(".//head/title") or "").split())
    styles = styles_of(root)
    etree.strip_elements(root, "head", *NO_TEXT, with_tail=False)
    warnings = leave_out(root, styles)
    _unwrap_layout(root)
    reader = _Reader(styles)
    reader.read(root)
    return reader.blocks.document(title, warnings)


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
        element.text, element.tail = (NOT_XML.sub(" ", text or "") for text in (element.text, element.tail))
    return root


class _Reader:
    """Follows the elements of a page, of any depth; of a cell it collects one line."""

    def __init__(self, styles: Styles, *, is_cell: bool = False) -> None:
        self.blocks = Blocks()
        self.tables: list[HtmlElement] = []
        """Those in a cell, which follow its table."""
        self._styles, self._is_cell = styles, is_cell
        self._runs: list[Run] = []
        self._looks = [RunStyle()]
        self._lists: list[int | None] = []
        """The lists around, with the number of the last item of each that is numbered."""
        self._item: tuple[int, str] | None = None
        self._quotes = 0
        self._in_heading = False

    def read(self, root: HtmlElement) -> None:
        """Read an element and all that is in it."""
        walk = etree.iterwalk(root, events=("start", "end"))
        for event, element in walk:
            if event == "start":
                self._looks.append(self._look(element).inherit(self._looks[-1]))
                if self._replaced(element):
                    walk.skip_subtree()
                else:
                    self._start(element)
                    self._add(element.text)
            else:
                self._end(element)
                self._looks.pop()
                self._add(element.tail if element is not root else "")
        self._paragraph()

    def line(self, *, bold: bool = True) -> str:
        """What was read since the last block."""
        runs, self._runs = self._runs, []
        text = re.sub("[ \u00a0]{2,}", " ", line_of(runs, set(), bold=bold))
        return LINK.sub(r"[\1](", re.sub(r" ?\n ?", "\n", text)).strip()

    def _look(self, element: HtmlElement) -> RunStyle:
        style = self._styles.of(element)
        weight = style.get("font-weight", "bold" if element.tag in BOLD else "")
        position = POSITIONS.get(str(element.tag)) or POSITIONS.get(style.get("vertical-align", ""))
        return RunStyle(position=position, bold=weight in HEAVY if weight else None)

    def _add(self, text: str | None) -> None:
        if text:
            self._runs.append((SPACES.sub(" ", text), self._looks[-1]))

    def _replaced(self, element: HtmlElement) -> bool:
        """Write an element as a whole, if it is one of those that are."""
        if (text := _text_instead(element)) is not None:
            self._add(text)
        elif self._looks[-1].position == "up" and _is_note(element):
            self._looks[-1] = RunStyle()
            mark = element.text_content().strip().strip("[]() ")
            self._add(f" [^{mark}]" + " " * (element.tail or "")[:1].isalnum())
        elif element.tag == "pre" and not self._is_cell and (code := element.text_content().strip()):
            self._paragraph()
            self.blocks.paragraph(f"```\n{code}\n```")
        elif element.tag == "table":
            self._table(element)
        else:
            return False
        return True

    def _start(self, element: HtmlElement) -> None:
        if element.tag in ("ul", "ol"):
            self._paragraph()
            self._lists.append(count_of(element.get("start")) - 1 if element.tag == "ol" else None)
        elif element.tag == "li":
            self._paragraph()
            self._item = max(0, len(self._lists) - 1), self._label()
        elif element.tag == "br":
            self._runs.append(("\n", RunStyle()))
        elif element.tag in INLINE:
            self._add("`" if element.tag == "code" else "[" * _is_link(element))
        elif element.tag in BLOCKS and not (element.tag == "dd" and self._item):
            self._block()
            self._in_heading = self._in_heading or (_level(element) > 0 and not self._is_inside)
        self._quotes += element.tag == "blockquote"

    def _label(self) -> str:
        """The number of the next item, if its list is numbered."""
        if not self._lists or self._lists[-1] is None:
            return ""
        self._lists[-1] += 1
        return f"{self._lists[-1]}."

    def _end(self, element: HtmlElement) -> None:
        if element.tag in ("ul", "ol"):
            self._paragraph()
            self._lists.pop()
        elif element.tag in ("li", "dd"):
            self._paragraph()
        elif element.tag == "dt":
            self._term()
        elif _level(element) and self._in_heading:
            self._in_heading = False
            self.blocks.heading(_level(element), self.line(bold=False))
        elif element.tag in INLINE:
            self._add("`" if element.tag == "code" else f"]({element.get('href')})" * _is_link(element))
        elif element.tag in BLOCKS:
            self._block()
        self._quotes -= element.tag == "blockquote"

    @property
    def _is_inside(self) -> bool:
        """Whether the blocks here are parts of one line."""
        return self._is_cell or self._in_heading or self._item is not None

    def _block(self) -> None:
        """A block begins or ends."""
        if self._is_inside:
            self._runs.append((" ", RunStyle()))
        else:
            self._paragraph()

    def _paragraph(self) -> None:
        """Write what was read as an item or as a paragraph."""
        if self._is_cell:
            self._runs.append((" ", RunStyle()))
            return
        line = self.line()
        if self._item:
            self.blocks.item(self._item[0], line, self._item[1])
            self._item = None
        elif line:
            marker = "> " * self._quotes
            self.blocks.paragraph(marker + line.replace("\n", f"\n{marker}"))

    def _term(self) -> None:
        """A question is a paragraph in bold before its answer; another term begins an item with what it means."""
        said = self.line(bold=False)
        if said.endswith(QUESTION_MARKS) or not said:
            self._runs = [(said, self._looks[-1])]
            self._block()
        else:
            self._runs = [(f"{said.rstrip(':')}:", self._looks[-1]), (" ", RunStyle())]
            self._item = 0, ""

    def _table(self, table: HtmlElement) -> None:
        if self._is_cell:
            self.tables.append(table)
            return
        self._paragraph()
        for caption in table.iterchildren("caption"):
            self.blocks.paragraph(self._cell(caption))
        self.blocks.table([*self._rows(table)])
        inner, self.tables = self.tables, []
        for each in inner:
            self._table(each)

    def _rows(self, table: HtmlElement) -> Iterator[list[str]]:
        above: dict[int, int] = {}
        for row in _own(table, "tr"):
            cells: list[str] = []
            waiting = [*row.iterchildren("td", "th")]
            while waiting or above.get(len(cells)):
                if above.get(len(cells)):
                    above[len(cells)] -= 1
                    cells.append(ABOVE)
                    continue
                cell = waiting.pop(0)
                columns, rows = count_of(cell.get("colspan")), count_of(cell.get("rowspan"))
                above |= {place: rows - 1 for place in range(len(cells), len(cells) + columns)}
                cells += [self._cell(cell), *[LEFT] * (columns - 1)]
            yield cells

    def _cell(self, cell: HtmlElement) -> str:
        reader = _Reader(self._styles, is_cell=True)
        reader.read(cell)
        self.tables += reader.tables
        return reader.line(bold=False).replace("\n", " ")


def _text_instead(element: HtmlElement) -> str | None:
    """What is read of an element that is no text itself."""
    match element.tag:
        case "img":
            return NOT_XML.sub(" ", element.get("alt") or "")
        case "svg":
            return " ".join(element.itertext())
        case "math":
            return _linear(element)
    return None


def _level(element: HtmlElement) -> int:
    """The level of a heading; 0 for what is none."""
    tag = str(element.tag)
    return int(tag[1]) if HEADING.fullmatch(tag) else 0


def _linear(element: HtmlElement) -> str:
    children = [child for child in element if isinstance(child.tag, str) and not child.tag.startswith("annotation")]
    return (element.text or "").strip() + formula(str(element.tag), [*map(_linear, children)])


def _is_note(element: HtmlElement) -> bool:
    inside, parent = [element, *element.iterdescendants()], element.getparent()
    around = inside if parent is None else [parent, *inside]
    linked = any(part.tag == "a" and "#" in (part.get("href") or "") for part in around)
    return linked or any(NOTE_MARK.search(f"{part.get('class')} {part.get('role')}") for part in inside)


def _is_link(element: HtmlElement) -> bool:
    """Whether an element links to an address that means something outside of its page."""
    address = element.get("href") or ""
    return (
        element.tag == "a" and "//" in address and len(address) <= LONGEST_LINK and bool(element.text_content().strip())
    )


def _unwrap_layout(root: HtmlElement) -> None:
    """Tables of a single cell, or of tables, are boxes around a text."""
    for table in reversed([*root.iter("table")]):
        rows = [[cell for cell in row if cell.text_content().strip()] for row in _own(table, "tr")]
        few = sum(len(row) > 1 for row in rows) < FEWEST_ROWS
        if len([*_own(table, "td", "th")]) == 1 or (few and table.find(".//table") is not None):
            for part in [*_own(table, *TABLE_PARTS), table]:
                part.tag = "div"


def _own(table: HtmlElement, *tags: str) -> Iterator[HtmlElement]:
    """The parts of a table itself, not those of tables inside it."""
    for part in [*table.iter(*tags)]:
        if next(part.iterancestors("table"), None) is table:
            yield part
