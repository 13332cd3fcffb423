"""Finds where pages begin in a converted text; pure.

The converter gives the text as Markdown, without running headers and footers, and each page's words as plain text,
but not where one lies in the other: its page boundaries count bytes of the plain text. Four words that stand on one
page only tell the page.
"""

import re
from collections.abc import Sequence

WORD = re.compile(r"\w+")
TOGETHER = 4
LOOK_AHEAD = 6
"""Telling places that are looked at to decide whether a page has turned, against a stray match."""


def page_starts(text: str, pages: Sequence[str]) -> tuple[int, ...]:
    """The offset in `text` at which each page begins, as many as there are pages, the first being 0."""
    words = [(match.start(), match.group().lower()) for match in WORD.finditer(text)]
    told = _told(words, _telling(pages))
    starts = [0]
    for place, (offset, page) in enumerate(told):
        ahead = [number for _, number in told[place : place + LOOK_AHEAD]]
        turned = page >= len(starts) and 2 * sum(number >= page for number in ahead) > len(ahead)
        if turned:
            # A page without a telling place, blank or a picture, begins where the next one does.
            starts += [offset] * (page + 1 - len(starts))
    return tuple(starts + [len(text)] * (len(pages) - len(starts)))


def _telling(pages: Sequence[str]) -> dict[tuple[str, ...], int | None]:
    """The page of each run of words, None for a run that stands on several."""
    found: dict[tuple[str, ...], int | None] = {}
    for number, page in enumerate(pages):
        words = [word.lower() for word in WORD.findall(page)]
        for run in _runs(words):
            found[run] = number if found.get(run, number) == number else None
    return found


def _runs(words: Sequence[str]) -> list[tuple[str, ...]]:
    shifted = [words[shift:] for shift in range(TOGETHER)]
    return list(zip(*shifted, strict=False))


def _told(words: Sequence[tuple[int, str]], telling: dict[tuple[str, ...], int | None]) -> list[tuple[int, int]]:
    """The offsets in the text whose page is known, with that page, in order."""
    known: list[tuple[int, int]] = []
    for (offset, _), run in zip(words, _runs([word for _, word in words]), strict=False):
        page = telling.get(run)
        if page is not None:
            known.append((offset, page))
    return known
