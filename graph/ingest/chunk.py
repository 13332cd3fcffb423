"""Splits a document along its structure; every chunk is an exact slice of the document's text."""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..release import Chunking
from ..text.cells import split
from ..text.faq import is_only_question
from ..text.splitting import PARAGRAPH, sentences, trim
from ..text.tables import MAX_LAYOUT_ROWS, layout_of
from .document import Chunk, Document
from .formats.tables import parser

LINE = re.compile(r"[^\n]+")

HEADER = 0.3
"""The largest share of the target size at which a table's header is repeated in each chunk."""
APART = 500
"""A gap of this many characters, such as an omitted picture, always ends a chunk."""
REMNANT = 0.4
"""A shorter rest of a section, as a share of the target size, is added to the chunk before it."""


@dataclass(frozen=True)
class Block:
    """A part that is not split further: a heading, paragraph, list, table, or a piece of a long one.

    `keep_with_next`: a heading or a question, which stays with the block after it.
    """

    start: int
    end: int
    path: tuple[str, ...]
    tokens: int = 0
    heading: bool = False
    header: tuple[int, int] | None = None
    """The offsets of the header row of its table."""
    keep_with_next: bool = False


def cut(document: Document, sizes: Chunking, count: Callable[[str], int]) -> list[Chunk]:
    """Pack a document's blocks into chunks of about `sizes.target_tokens`; `count` counts tokens."""
    text = document.text
    units = [piece for unit in _units(document) for piece in _fit(text, unit, sizes.target_tokens, count)]
    longest = HEADER * sizes.target_tokens
    groups = _without_remnants(list(_pack(units, sizes)), sizes)
    return [_chunk(document, group, lambda header: count(header) <= longest) for group in groups]


def _units(document: Document) -> Iterator[Block]:
    if document.structured:
        return _markdown_units(document.text, document.body)
    return (Block(m.start(), m.end(), ()) for m in PARAGRAPH.finditer(document.text, document.body))


def _markdown_units(text: str, body: int) -> Iterator[Block]:
    lines = [body]
    lines += [match.end() for match in re.finditer(r"\n", text[body:])]
    lines = [lines[0], *(body + end for end in lines[1:]), len(text)]
    path: list[tuple[int, str]] = []
    # A carriage return alone would be a line of its own to the parser.
    tokens = parser().parse(text[body:].replace("\r", " "))
    for index, token in enumerate(tokens):
        if token.level or token.nesting < 0 or not token.map:
            continue
        start, end = trim(text, lines[token.map[0]], lines[token.map[1]])
        if start >= end:
            continue
        if token.type == "heading_open":
            level = int(token.tag[1])
            path = [*(p for p in path if p[0] < level), (level, _plain(tokens[index + 1].content))]
        header = _header_row(text, start, end) if token.type == "table_open" else None
        names = tuple(name for _, name in path if name)
        yield Block(start, end, names, heading=token.type == "heading_open", header=header)


def _plain(heading: str) -> str:
    return re.sub(r"[*_`#]+|\s*\{[^}]*\}$", "", heading).strip()


def _header_row(text: str, start: int, end: int) -> tuple[int, int] | None:
    """The offsets of a table's header row, if it has one."""
    lines = _lines(text, start, end)
    rows = [lines[0], *lines[2:]]
    found = layout_of([split(text[a:b]) for a, b in rows[:MAX_LAYOUT_ROWS]])
    return rows[found.first - 1] if found.header else None


def _fit(text: str, unit: Block, limit: int, count: Callable[[str], int]) -> Iterator[Block]:
    """The block if it fits, otherwise its lines, sentences or words."""
    tokens = count(text[unit.start : unit.end])
    if tokens <= limit:
        leading = unit.heading or is_only_question(text[unit.start : unit.end])
        yield Block(unit.start, unit.end, unit.path, tokens, unit.heading, unit.header, leading)
        return
    for start, end in _split(text, unit.start, unit.end):
        yield from _fit(text, Block(start, end, unit.path, 0, False, unit.header), limit, count)


def _split(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Split a part at its coarsest boundary, at worst in the middle."""
    for spans in (_lines, sentences, _halves):
        parts = [(a, b) for a, b in spans(text, start, end) if a < b]
        if len(parts) > 1:
            return parts
    middle = (start + end) // 2
    return [(start, middle), (middle, end)]


def _lines(text: str, start: int, end: int) -> list[tuple[int, int]]:
    return [trim(text, m.start(), m.end()) for m in LINE.finditer(text, start, end)]


def _halves(text: str, start: int, end: int) -> list[tuple[int, int]]:
    space = text.rfind(" ", start, (start + end) // 2)
    return [(start, space), (space + 1, end)] if space > start else []


def _pack(units: list[Block], sizes: Chunking) -> Iterator[list[Block]]:
    group: list[Block] = []
    tokens = 0
    for unit in units:
        full = tokens + unit.tokens > sizes.target_tokens
        turned = unit.heading and tokens >= sizes.minimum_tokens
        # A heading stays with the text under it, unless there are only headings.
        alone = all(member.keep_with_next for member in group) and tokens < sizes.target_tokens
        if _apart(group, unit):
            yield group
            group, tokens = [], 0
        elif (full or turned) and not alone:
            done = _without_leads(group)
            yield group[:done]
            group = group[done:]
            tokens = sum(member.tokens for member in group)
        group.append(unit)
        tokens += unit.tokens
    if group:
        yield group


def _without_leads(group: list[Block]) -> int:
    """How many blocks stay in a full group: headings and questions at its end move to the next one."""
    last = next((place for place in range(len(group), 0, -1) if not group[place - 1].keep_with_next), 0)
    return last or len(group)


def _without_remnants(groups: list[list[Block]], sizes: Chunking) -> list[list[Block]]:
    """Add a short rest of a section to the chunk before it: alone it would lack context."""
    joined: list[list[Block]] = []
    for group in groups:
        same = joined and joined[-1][-1].path == group[0].path and not group[0].heading
        if (
            same
            and not _apart(joined[-1], group[0])
            and sum(unit.tokens for unit in group) < REMNANT * sizes.target_tokens
        ):
            joined[-1] += group
        else:
            joined.append(group)
    return joined


def _apart(group: list[Block], unit: Block) -> bool:
    return bool(group) and unit.start - group[-1].end > APART


def _chunk(document: Document, group: list[Block], fits: Callable[[str], bool]) -> Chunk:
    start, end = group[0].start, group[-1].end
    lead = next((unit for unit in group if not unit.heading), group[0])
    row = lead.header
    header = document.text[row[0] : row[1]] if row and row[0] < start else ""
    kept = header if fits(header) else ""
    return Chunk(start, end, " > ".join(lead.path), kept, *_pages(document.page_starts, start, end))


def _pages(page_starts: tuple[int, ...], start: int, end: int) -> tuple[int | None, tuple[int, ...]]:
    """The page on which a chunk begins, counted from 1, and the offsets of page breaks in it."""
    if not page_starts:
        return None, ()
    first = max(1, bisect_right(page_starts, start))
    return first, tuple(offset for offset in page_starts[first:] if offset < end)
