"""Writes what a document shows as Markdown, block by block: headings, paragraphs, lists, tables, notes and pages."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

from ..document import Document
from .clean import encoded_to, has_words, heading_of, tidy
from .raised import Position, on_the_line
from .tables import table_of
from .unseen import HIDDEN, STRUCK_OUT

PAGE = "\ufdd1"
"""Stands where a page begins until the text is whole."""
LEFT, ABOVE = "\ufdd2", "\ufdd3"
"""Stand in cells that are merged with the one to the left or above."""
FIRST = re.compile(r"\(?[1aAiI][.)]")
"""The label of an item that begins a list."""
NUMBERED = re.compile(r"\d{1,3}[.)]")
DEEPEST_HEADING, DEEPEST_ITEM = 6, 8
MOST_COPIES = 1000


class RunStyle(NamedTuple):
    """How a style or a run shows text; None where it does not say.

    `heading` is a heading's level from 1, `numbering` the list and the level in it that its paragraphs are items of.
    """

    hidden: bool | None = None
    struck: bool | None = None
    position: Position | None = None
    bold: bool | None = None
    heading: int | None = None
    numbering: tuple[str, int] | None = None

    def inherit(self, other: "RunStyle") -> "RunStyle":
        return self._replace(**{name: value for name, value in other._asdict().items() if getattr(self, name) is None})


Run = tuple[str, RunStyle]
"""A text in one style."""


def with_inherited(styles: Mapping[str, tuple[str, RunStyle]]) -> dict[str, RunStyle]:
    """Styles by their names, each with what the one that it is based on says; given with its name, or an empty one."""
    found = {}
    for name in styles:
        run_style, based, seen = RunStyle(), name, set[str]()
        while based in styles and based not in seen:
            seen.add(based)
            based, own = styles[based]
            run_style = run_style.inherit(own)
        found[name] = run_style
    return found


def line_of(runs: Iterable[Run], left_out: set[str], *, bold: bool = True) -> str:
    """A paragraph's text as its reader sees it; adds to `left_out` what is hidden or struck out."""
    shown: list[Run] = []
    for text, style in runs:
        if not (style.hidden or style.struck):
            shown.append((text, style))
        elif text.strip():
            left_out.add(HIDDEN if style.hidden else STRUCK_OUT)
    texts = on_the_line([(text, style.position or "") for text, style in shown])
    if not bold:
        return "".join(texts)
    line = ""
    for is_bold, group in groupby(zip(texts, shown, strict=True), key=lambda run: bool(run[1][1].bold)):
        text = "".join(text for text, _ in group)
        part_of_word = line[-1:].isalnum() and text[:1].isalnum()
        bare = text.strip()
        line += text.replace(bare, f"**{bare}**", 1) if is_bold and bare.strip("*") and not part_of_word else text
    return line


def count_of(written: str | None) -> int:
    """A number of columns, rows or blanks as a file writes it; 1 for none, and no more than a reader can want."""
    return min(int(written), MOST_COPIES) if written and written.isdecimal() and int(written) else 1


class Blocks:
    """Collects blocks in their order."""

    def __init__(self) -> None:
        self._blocks: list[str] = []
        self._items: list[str] = []
        self._depth, self._labelled = -1, False
        self._notes: list[str] = []
        self._pages = ""

    def page(self) -> None:
        """A page begins."""
        self._pages += PAGE

    def heading(self, level: int, text: str) -> None:
        self._add(" ".join(text.split()), f"{'#' * min(level, DEEPEST_HEADING)} ")

    def paragraph(self, text: str) -> None:
        self._add(text)

    def item(self, depth: int, text: str, label: str = "") -> None:
        """An item of a list, one step deeper than the one before it at most."""
        if has_words(text):
            if depth == 0 and (bool(label) != self._labelled or FIRST.fullmatch(label)):
                self._end()
            self._labelled = bool(label) if depth == 0 else self._labelled
            self._depth = min(depth, self._depth + 1, DEEPEST_ITEM)
            marker = label if NUMBERED.fullmatch(label) else f"- {label}".strip()
            self._items.append(f"{'    ' * self._depth}{marker} {self._pages}{' '.join(text.split())}")
            self._pages = ""

    def table(self, rows: Sequence[Sequence[str]]) -> None:
        """A table, after its title if that is a cell over all columns; a page that begins inside it begins after it."""
        clean = [[cell.replace(PAGE, "") for cell in row] for row in rows]
        while clean and len(clean[0]) > 1 and {*clean[0][1:]} == {LEFT}:
            self.paragraph(clean.pop(0)[0])
        self._add(table_of(with_merged(clean)))
        self._pages += PAGE * sum(cell.count(PAGE) for row in rows for cell in row)

    def note(self, paragraphs: Iterable[str]) -> None:
        """A note to the last block: it follows the paragraph, the list or the table."""
        self._notes += paragraphs

    def document(self, title: str = "", warnings: Iterable[str] = (), doubt: str = "") -> Document:
        """The document that the blocks make."""
        self._end()
        text = encoded_to(tidy("\n\n".join(self._blocks) + self._pages), lambda _: "").strip()
        pages = text.split(PAGE)
        starts = accumulate(map(len, pages[:-1]), initial=0) if len(pages) > 1 else ()
        written = "".join(pages)
        return Document(written, title or heading_of(written), tuple(starts), warnings=tuple(warnings), doubt=doubt)

    def _add(self, block: str, prefix: str = "") -> None:
        if not block.replace(PAGE, "").strip():
            self._pages += PAGE * block.count(PAGE)
            return
        self._end()
        self._blocks.append(self._pages + prefix + block.strip())
        self._pages = ""

    def _end(self) -> None:
        self._blocks += ["\n".join(self._items)] if self._items else []
        self._blocks += self._notes
        self._items, self._notes, self._depth = [], [], -1


def with_merged(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The rows with the text of a merged cell in each of its places; a row of one cell has it in the first alone."""
    filled: list[list[str]] = []
    for row in rows:
        alone = ABOVE not in row and sum(cell != LEFT for cell in row) == 1
        cells: list[str] = []
        for place, cell in enumerate(row):
            if cell == ABOVE:
                cell = filled[-1][place] if filled and place < len(filled[-1]) else ""
            elif cell == LEFT:
                cell = "" if alone or not cells else cells[-1]
            cells.append(cell)
        filled.append(cells)
    return filled
