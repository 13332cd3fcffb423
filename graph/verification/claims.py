"""Splits a draft into claims and builds the citations of the answer; pure."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ..state import Citation, Passage, Verdict
from ..text.sentences import ROW, cells, plain, units
from ..text.splitting import sentences

MARKERS = re.compile(r"(?:\s*\[\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*\])+")
NESTED_MARKER = re.compile(r"\[\s*\[\s*(\d{1,3}(?:\s*,\s*\d{1,3})*)\s*\]\s*\d*\s*\]")
"""A marker inside a marker; the inner one counts."""
ANSWER_WORD = re.compile(r"^(?:yes|no|correct|right|indeed)[,:] +(?=\w)", re.IGNORECASE)
SOURCE_PREFIX = re.compile(
    r"^(?:according to|based on|as (?:stated|described|mentioned|noted|said|explained) in|per|from|in) "
    r"(?:(?:the|these|this|those|your|our|provided|given|available|retrieved|above|information|contents?|in|of|by) )*"
    r"(?:documents?|documentation|passages?|sources?|contexts?|texts?|excerpts?|articles?|materials?|records?"
    r"|information|handbook|knowledge base)(?: (?:provided|given|above|available))?, +(?=\w)",
    re.IGNORECASE,
)
"""Words before a claim that only say that it is from the passages."""
MAX_NESTING = 5
"""The deepest nesting of markers that is resolved."""
NUMBER = re.compile(r"\d+")
SPACE_BEFORE_STOP = re.compile(r"\s+([.,;:!?])")


@dataclass(frozen=True)
class Claim:
    """A sentence, list item or table row of a draft; `markers` are the passages that it cites, counted from 1."""

    text: str
    markers: tuple[int, ...]
    gap: str = " "
    """The text between it and the claim before: line breaks, a list sign, a heading."""
    lead: str = ""
    """A yes or no that precedes it as a sentence of its own."""


def claims_of(draft: str) -> list[Claim]:
    """Split a draft into claims; a marker belongs to the sentence that it is in or follows."""
    text, marker_groups = _without_markers(draft)
    spans = _spans(text)
    markers_by_claim: list[list[int]] = [[] for _ in spans]
    starts = [start for start, _ in spans]
    for position, numbers in marker_groups:
        if spans:
            markers_by_claim[max(0, bisect_left(starts, position) - 1)] += numbers
    gaps = [text[end:start] for end, start in zip([0, *(end for _, end in spans)], [s for s, _ in spans], strict=False)]
    return [
        Claim(text[start:end], tuple(markers), gap if "\n" in gap or gap.strip() else " ")
        for (start, end), markers, gap in zip(spans, markers_by_claim, gaps, strict=True)
    ]


def plain_claim(claim: str) -> str:
    """A claim without Markdown and a yes or no before it; the cells of a table row are joined."""
    return "; ".join(cell for cell in cells(claim) if cell) if ROW.match(claim) else ANSWER_WORD.sub("", plain(claim))


def claim_content(claim: str) -> str:
    """The part of a claim that a passage must support: without `According to the handbook,` before it."""
    return SOURCE_PREFIX.sub("", plain_claim(claim))


def _spans(text: str) -> list[tuple[int, int]]:
    """The offsets of the claims: the units of the text, or its sentences where it has only headings."""
    spans = [(unit.start, unit.end) for unit in units(text)] or sentences(text, 0, len(text))
    return [(start, end) for start, end in spans if any(character.isalnum() for character in text[start:end])]


def _without_markers(draft: str) -> tuple[str, list[tuple[int, list[int]]]]:
    """The draft without its markers, and the position and numbers of each group of markers."""
    for _ in range(MAX_NESTING):
        draft = NESTED_MARKER.sub(r"[\1]", draft)
    text = ""
    markers: list[tuple[int, list[int]]] = []
    start_of_rest = 0
    for match in MARKERS.finditer(draft):
        text += draft[start_of_rest : match.start()]
        markers.append((len(text), [int(number) for number in NUMBER.findall(match.group())]))
        start_of_rest = match.end()
    return text + draft[start_of_rest:], markers


def with_markers(claim: str, markers: Sequence[int]) -> str:
    """A claim followed by its markers."""
    return " ".join([SPACE_BEFORE_STOP.sub(r"\1", claim.strip()), *(f"[{number}]" for number in sorted(set(markers)))])


class CitationList:
    """The citations of one answer, numbered in the order in which they are added; one number for each span."""

    def __init__(self) -> None:
        self.citations: list[Citation] = []

    def marker(self, passage: Passage, span: tuple[int, int], support: float, *, unverified: bool = False) -> int:
        """The number of a cited span, which is added if it is new; the lower support counts for one cited twice."""
        start, end = passage["start"] + span[0], passage["start"] + span[1]
        for citation in self.citations:
            if (citation["passage"], citation["start"], citation["end"]) == (passage["id"], start, end):
                citation["support"] = min(citation["support"], round(support, 4))
                if unverified:
                    citation["verdict"] = "unverified"
                return citation["marker"]
        verdict: Verdict = "unverified" if unverified else "supported"
        self.citations.append(_citation(len(self.citations) + 1, passage, span, support, verdict))
        return len(self.citations)


def _citation(marker: int, passage: Passage, span: tuple[int, int], support: float, verdict: Verdict) -> Citation:
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
        verdict=verdict,
    )


def page_at(passage: Passage, offset: int) -> int | None:
    """The page of an offset in the document."""
    return None if passage["page"] is None else passage["page"] + bisect_right(passage["page_breaks"], offset)
