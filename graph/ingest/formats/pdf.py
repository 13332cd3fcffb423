"""Reads PDF files: their blocks page by page, lines that stand on every page once, and scanned pages by OCR."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ..document import Document, File
from ..front_matter import doubt_in_text
from .blocks import Blocks
from .clean import HYPHENATED, has_words
from .convert import extraction, scanned, title_of

BULLET = re.compile(r"[●•▪◦‣∙○■□➢✓·]\s*|[-–*]\s+")
NUMBER = re.compile(r"(\d{1,2})[.)]\s+")
SENTENCE = re.compile(r"(?:\S+\s+){3,}\S*[.;:,!]$")
"""What ends as a sentence does is no heading: the converter takes lines in larger type for headings."""
SHORT = 0.7
"""Share of the usual length of a page's lines up to which a line ends by itself, as the rows of a table do."""
EDGE = 2
"""Lines at the top and at the foot of a page that may run on."""
FEW_WORDS = 3
NUMBER_ALONE = re.compile(r"(?<!\S)\d{1,4}(?!\S)")
UNREADABLE = re.compile(r"[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]|\(cid:\d+\)")
GARBAGE = 0.3
"""Share of characters without meaning from which on a page cannot be read."""


def pdf(file: File) -> Document:
    """A PDF as a document; by OCR only those of its pages that hold no text; raises Refused."""
    result = extraction(file)
    pages = [str(page["content"]) for page in result.pages or []]
    nodes: dict[int, list[dict[str, Any]]] = defaultdict(list)
    structure: Any = result.document or {"nodes": ()}
    for node in structure["nodes"]:
        nodes[node.get("page") or 0].append(node)
    scans = scanned(file, without_text(pages)) if file.ocr and without_text(pages) else {}
    blocks, running = Blocks(), RunningLines(pages)
    for number in range(1, len(pages) + 1):
        if number > 1:
            blocks.page()
        width = line_width(pages[number - 1])
        for node in nodes[number]:
            _write(node, blocks, running, width)
        blocks.paragraph(scans.get(number, ""))
    shown = [page or scans.get(number, "") for number, page in enumerate(pages, 1)]
    doubt = doubt_in_text("\n".join((result.metadata or {}).get("keywords") or ()))
    document = blocks.document(title_of(result), _about_pages(shown, file.ocr), doubt)
    return replace(document, page_starts=document.page_starts or (0,))


def line_width(page: str) -> int:
    """The usual length in characters of the longer lines of a page."""
    lengths = sorted(len(line) for line in page.splitlines() if line.strip())
    return lengths[len(lengths) * 9 // 10] if lengths else 0


def _write(node: dict[str, Any], blocks: Blocks, running: "RunningLines", width: int) -> None:
    content = node["content"]
    if content["node_type"] == "table":
        blocks.table(_rows(content["grid"]))
    elif content["node_type"] == "heading":
        title = " ".join(running.without(content["text"], heading=True).split())
        if SENTENCE.match(title):
            blocks.paragraph(title)
        elif BULLET.match(title):
            _write_lines(title, blocks, width, listed=False, bold=False)
        else:
            blocks.heading(content["level"], title)
    elif content["node_type"] != "group" and (text := running.without(content.get("text") or "")):
        styled = [each for each in node.get("annotations") or () if each["kind"]["annotation_type"] == "bold"]
        bold = any(each["start"] == 0 and each["end"] >= len(content["text"]) for each in styled)
        _write_lines(text, blocks, width, listed=content["node_type"] == "list_item", bold=bold)


def _write_lines(text: str, blocks: Blocks, width: int, *, listed: bool, bold: bool) -> None:
    """The lines of a paragraph, which begin an item each where a bullet or the next number stands before them.

    A line that ends long before the page's others do, with another one after it that begins like one, is a paragraph.
    """
    number, label = 0, "" if listed else None
    waiting: list[str] = []

    def end() -> None:
        line = " ".join(" ".join(waiting).split())
        if label is None:
            blocks.paragraph(f"**{line}**" if bold and line else line)
        else:
            blocks.item(0, line, label)

    for line in HYPHENATED.sub("", text).split("\n"):
        counted = NUMBER.match(line)
        begins = BULLET.match(line) or (counted if counted and int(counted[1]) == number + 1 else None)
        if begins:
            end()
            number += begins is counted
            label = f"{number}." if begins is counted else ""
            waiting = []
        elif label is None and waiting and _ends_row(waiting[-1], line, SHORT * width):
            end()
            waiting = []
        waiting.append(line[begins.end() :] if begins else line)
    end()


def _ends_row(line: str, after: str, width: float) -> bool:
    """Whether a line of up to a width in characters ends by itself, since another one begins after it."""
    first = after.strip()[:1]
    return len(line) <= width and not line.rstrip().endswith(",") and (first.isupper() or first.isdigit())


def _rows(grid: dict[str, Any]) -> list[list[str]]:
    rows = [[""] * grid["cols"] for _ in range(grid["rows"])]
    for cell in grid["cells"]:
        rows[cell["row"]][cell["col"]] = " ".join(cell["content"].split())
    return rows


class RunningLines:
    """The running headers and footers of some pages: lines that stand alike at the edges of several."""

    def __init__(self, pages: Sequence[str]) -> None:
        edges = [
            {line: _pattern(line, {number, len(pages)}) for line in _edges(page)}
            for number, page in enumerate(pages, 1)
        ]
        counts = Counter(pattern for lines in edges for pattern in set(lines.values()))
        often = min(3, max(2, len(pages)))
        self._running = {line: name for lines in edges for line, name in lines.items() if counts[name] >= often}
        self._seen: set[str] = set()

    def without(self, text: str, *, heading: bool = False) -> str:
        """A text with each running line only where it comes first, and without those that count the pages.

        A heading stays even where each page begins with it.
        """
        return "\n".join(line for line in text.split("\n") if not self._drops(line, heading))

    def _drops(self, line: str, heading: bool) -> bool:
        pattern = self._running.get(_bare(line), "")
        repeated = bool(pattern) and pattern in self._seen
        self._seen.add(pattern)
        return _only_counts(pattern) or (repeated and not heading)


def _edges(page: str) -> Iterator[str]:
    lines = [bare for line in page.splitlines() if (bare := _bare(line))]
    for edge in (lines[:EDGE], lines[-EDGE:]):
        yield from (line for line in [*edge, " ".join(edge)] if has_words(line))


def _bare(line: str) -> str:
    return " ".join(line.strip("#*_ \t").split())


def _pattern(line: str, counted: set[int]) -> str:
    """A line as it stands on every page: the page's own number, and how many there are, are left open."""
    return NUMBER_ALONE.sub(lambda match: "#" if int(match[0]) in counted else match[0], line)


def _only_counts(pattern: str) -> bool:
    # What is left may be a word for page, for of, and how many pages there are.
    return "#" in pattern and len(pattern.replace("#", " ").split()) <= FEW_WORDS


def without_text(pages: Sequence[str]) -> list[int]:
    """The numbers of the pages that hold no text, from 1."""
    return [number for number, page in enumerate(pages, 1) if not has_words(page)]


def unreadable(pages: Sequence[str]) -> list[int]:
    """The numbers of the pages whose text has no meaning for lack of the letters that its glyphs stand for."""
    return [
        number
        for number, page in enumerate(pages, 1)
        if sum(len(match) for match in UNREADABLE.findall(page)) > GARBAGE * len("".join(page.split()) or " ")
    ]


def _about_pages(pages: Sequence[str], ocr: str) -> tuple[str, ...]:
    empty, garbled = without_text(pages), unreadable(pages)
    warnings = []
    if empty:
        hint = "" if ocr else "; --ocr reads scans"
        warnings.append(f"{_numbers(empty)} no text: scans, pictures or blank{hint}")
    if garbled:
        warnings.append(f"{_numbers(garbled)} text that cannot be read: its font does not say which letters it shows")
    return tuple(warnings)


def _numbers(pages: Sequence[int]) -> str:
    return f"page {pages[0]} holds" if len(pages) == 1 else f"pages {', '.join(map(str, pages))} hold"
