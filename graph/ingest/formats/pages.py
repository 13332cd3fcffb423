"""Finds where pages begin in a converted text, which of its lines run on and which pages are scans; pure.

The converter gives the text as Markdown, without running headers and footers, and each page's words as plain text,
but not where one lies in the other: its page boundaries count bytes of the plain text. Four words that stand on one
page only tell the page.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from .clean import has_words

PARAGRAPH_END = re.compile(r"\n{2,}")
WORD = re.compile(r"\w+")
TOGETHER = 4
LOOK_AHEAD = 6
"""Telling places that are looked at to decide whether a page has turned, against a stray match."""
EDGE = 2
"""Lines at the top and at the foot of a page that may run on."""
MARKED = ("#", "|", ">")
"""Headings, tables and quotations are kept even where a page begins with them."""
FEW_WORDS = 3
NUMBER_ALONE = re.compile(r"(?<!\S)\d{1,4}(?!\S)")
UNREADABLE = re.compile(r"[\ufffd\ue000-\uf8ff\x00-\x08\x0e-\x1f]|\(cid:\d+\)")
GARBAGE = 0.3
"""Share of characters without meaning from which on a page cannot be read."""


def page_starts(text: str, pages: Sequence[str]) -> tuple[int, ...]:
    """The offset in `text` at which each page begins, as many as there are pages, the first being 0."""
    words = [(match.start(), match.group().lower()) for match in WORD.finditer(text)]
    known_positions = _known_positions(words, _pages_by_run(pages))
    starts = [0]
    for index, (offset, page) in enumerate(known_positions):
        ahead = [number for _, number in known_positions[index : index + LOOK_AHEAD]]
        is_next_page = page >= len(starts) and 2 * sum(number >= page for number in ahead) > len(ahead)
        if is_next_page:
            # A page without a telling place, blank or a picture, begins where the next one does.
            starts += [offset] * (page + 1 - len(starts))
    return tuple(starts + [len(text)] * (len(pages) - len(starts)))


def _pages_by_run(pages: Sequence[str]) -> dict[tuple[str, ...], int | None]:
    """The page of each run of words, None for a run that stands on several."""
    result: dict[tuple[str, ...], int | None] = {}
    for number, page in enumerate(pages):
        words = [word.lower() for word in WORD.findall(page)]
        for run in _runs(words):
            result[run] = number if result.get(run, number) == number else None
    return result


def _runs(words: Sequence[str]) -> list[tuple[str, ...]]:
    shifted = [words[shift:] for shift in range(TOGETHER)]
    return list(zip(*shifted, strict=False))


def _known_positions(
    words: Sequence[tuple[int, str]], pages_by_run: dict[tuple[str, ...], int | None]
) -> list[tuple[int, int]]:
    """The offsets in the text whose page is known, with that page, in order."""
    known: list[tuple[int, int]] = []
    for (offset, _), run in zip(words, _runs([word for _, word in words]), strict=False):
        page = pages_by_run.get(run)
        if page is not None:
            known.append((offset, page))
    return known


def without_running_lines(text: str, pages: Sequence[str]) -> str:
    """The text with each running header and footer once, where it comes first, and without those that only count."""
    edges = [
        {line: _pattern(line, {number, len(pages)}) for line in _edges(page)} for number, page in enumerate(pages, 1)
    ]
    result = Counter(pattern for lines in edges for pattern in set(lines.values()))
    often = min(3, max(2, len(pages)))
    running = {line: pattern for lines in edges for line, pattern in lines.items() if result[pattern] >= often}
    kept: list[str] = []
    seen: set[str] = set()
    for line in text.split("\n"):
        pattern = running.get(_bare(line), "")
        if _only_counts(pattern) or (pattern and pattern in seen and not line.startswith(MARKED)):
            continue
        seen.add(pattern)
        kept.append(line)
    return "\n".join(kept)


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


def with_scans(text: str, starts: Sequence[int], scans: Mapping[int, str]) -> tuple[str, tuple[int, ...]]:
    """The text and its page starts with the text of scanned pages, by page number, put where their pages begin."""
    written, begun = "", []
    breaks = [0, *(match.end() for match in PARAGRAPH_END.finditer(text)), len(text)]
    done = 0
    for number, start in enumerate(starts, 1):
        scan = scans.get(number, "").strip()
        index = max(breaks[bisect_right(breaks, start) - 1], done) if scan else start
        written += text[done:index]
        written += "\n\n" if scan and written and not written.endswith("\n\n") else ""
        begun.append(len(written))
        written += f"{scan}\n\n" if scan else ""
        done = max(done, index)
    return (written + text[done:]).rstrip(), tuple(begun)
