"""Splits a draft into claims, and makes the citations that the claims which stand are given; pure."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ..state import Citation, Passage
from ..text.sentences import ROW, cells, plain, units
from ..text.splitting import sentences

MARKERS = re.compile(r"(?:\s*\[\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*\])+")
NESTED = re.compile(r"\[\s*\[\s*(\d{1,3}(?:\s*,\s*\d{1,3})*)\s*\]\s*\d*\s*\]")
"""A marker within a marker, of which the inner one is meant."""
ASSENT = re.compile(r"^(?:yes|no|correct|right|indeed)[,:] +(?=\w)", re.IGNORECASE)
LEAD = re.compile(
    r"^(?:according to|based on|as (?:stated|described|mentioned|noted|said|explained) in|per|from|in) "
    r"(?:(?:the|these|this|those|your|our|provided|given|available|retrieved|above|information|contents?|in|of|by) )*"
    r"(?:documents?|documentation|passages?|sources?|contexts?|texts?|excerpts?|articles?|materials?|records?"
    r"|information|handbook|knowledge base)(?: (?:provided|given|above|available))?, +(?=\w)",
    re.IGNORECASE,
)
"""What before a claim tells only that it is from the passages."""
NESTING = 5
"""How deep a marker may stand in others."""
NUMBER = re.compile(r"\d+")
SPACE_BEFORE_STOP = re.compile(r"\s+([.,;:!?])")


@dataclass(frozen=True)
class Claim:
    """A sentence, list item or table row of a draft and the passages that it says it comes from, counted from 1."""

    text: str
    markers: tuple[int, ...]
    gap: str = " "
    """What stands between it and the claim before: line breaks, the sign of a list, a heading."""
    lead: str = ""
    """A yes or no that stands before it as a sentence of its own."""


def claims_of(draft: str) -> list[Claim]:
    """Split a draft into claims; a marker belongs to the sentence that it stands in or after."""
    text, marks = _without_markers(draft)
    spans = _spans(text)
    told: list[list[int]] = [[] for _ in spans]
    starts = [start for start, _ in spans]
    for place, numbers_told in marks:
        if spans:
            told[max(0, bisect_left(starts, place) - 1)] += numbers_told
    gaps = [text[end:start] for end, start in zip([0, *(end for _, end in spans)], [s for s, _ in spans], strict=False)]
    return [
        Claim(text[start:end], tuple(markers), gap if "\n" in gap or gap.strip() else " ")
        for (start, end), markers, gap in zip(spans, told, gaps, strict=True)
    ]


def said(claim: str) -> str:
    """A claim as it would be said: without Markdown's signs and a yes before it, the cells of a row in order."""
    return "; ".join(cell for cell in cells(claim) if cell) if ROW.match(claim) else ASSENT.sub("", plain(claim))


def stated(claim: str) -> str:
    """What of a claim a passage must support: what it says, without words before it that tell where it is from."""
    return LEAD.sub("", said(claim))


def _spans(text: str) -> list[tuple[int, int]]:
    """Where the claims stand: the units of the text, or its sentences where it is all headings."""
    found = [(unit.start, unit.end) for unit in units(text)] or sentences(text, 0, len(text))
    return [(start, end) for start, end in found if any(character.isalnum() for character in text[start:end])]


def _without_markers(draft: str) -> tuple[str, list[tuple[int, list[int]]]]:
    """The draft without its markers, and where in it each group of markers stood."""
    for _ in range(NESTING):
        draft = NESTED.sub(r"[\1]", draft)
    text = ""
    marks: list[tuple[int, list[int]]] = []
    begun = 0
    for match in MARKERS.finditer(draft):
        text += draft[begun : match.start()]
        marks.append((len(text), [int(number) for number in NUMBER.findall(match.group())]))
        begun = match.end()
    return text + draft[begun:], marks


def joined(claim: str, markers: Sequence[int]) -> str:
    """A claim with its markers behind it."""
    return " ".join([SPACE_BEFORE_STOP.sub(r"\1", claim.strip()), *(f"[{number}]" for number in sorted(set(markers)))])


class Sheet:
    """The citations of one answer, numbered in the order in which they are given; the same span has one number."""

    def __init__(self) -> None:
        self.citations: list[Citation] = []

    def marker(self, passage: Passage, span: tuple[int, int], support: float, *, unverified: bool = False) -> int:
        """The number of a stretch of a passage; `support` of one cited twice is the lower."""
        start, end = passage["start"] + span[0], passage["start"] + span[1]
        for known in self.citations:
            if (known["passage"], known["start"], known["end"]) == (passage["id"], start, end):
                known["support"] = min(known["support"], round(support, 4))
                if unverified:
                    known["verdict"] = "unverified"
                return known["marker"]
        self.citations.append(_citation(len(self.citations) + 1, passage, span, support))
        if unverified:
            self.citations[-1]["verdict"] = "unverified"
        return len(self.citations)


def _citation(marker: int, passage: Passage, span: tuple[int, int], support: float) -> Citation:
    start = passage["start"] + span[0]
    return Citation(
        marker=marker,
        passage=passage["id"],
        document=passage["document"],
        file=passage["file"],
        title=passage["title"],
        page=page_at(passage, start),
        start=start,
        end=passage["start"] + span[1],
        quote=passage["text"][span[0] : span[1]],
        support=round(support, 4),
    )


def page_at(passage: Passage, offset: int) -> int | None:
    """The page on which an offset into the document lies."""
    return None if passage["page"] is None else passage["page"] + bisect_right(passage["page_breaks"], offset)
