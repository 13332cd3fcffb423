"""Ties each claim of a draft to the exact span that it comes from, or to none; pure."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from graph.sentences import Unit, sentences, units
from graph.state import Citation, Passage
from graph.words import numbers, terms

MARKERS = re.compile(r"(?:\s*\[\s*\d{1,3}(?:\s*,\s*\d{1,3})*\s*\])+")
NUMBER = re.compile(r"\d+")
SPACE_BEFORE_STOP = re.compile(r"\s+([.,;:!?])")


@dataclass(frozen=True)
class Claim:
    """A sentence of a draft and the passages that it says it comes from, counted from 1."""

    text: str
    markers: tuple[int, ...]
    gap: str = " "
    """What stands between it and the claim before."""


@dataclass(frozen=True)
class Checked:
    """The answer's text with its markers renumbered, its citations, and how many claims had one and had none."""

    text: str
    citations: list[Citation]
    cited: int
    uncited: int


def claims_of(draft: str) -> list[Claim]:
    """Split a draft into claims; a marker belongs to the sentence that it stands in or after."""
    text, marks = _without_markers(draft)
    spans = sentences(text, 0, len(text))
    spans = [(start, end) for start, end in spans if any(character.isalnum() for character in text[start:end])]
    told: list[list[int]] = [[] for _ in spans]
    for place, numbers_told in marks:
        before = [index for index, (start, _) in enumerate(spans) if start < place]
        if spans:
            told[before[-1] if before else 0] += numbers_told
    gaps = [text[end:start] for end, start in zip([0, *(end for _, end in spans)], [s for s, _ in spans], strict=False)]
    return [
        Claim(text[start:end], tuple(markers), "\n" * min(2, gap.count("\n")) or " ")
        for (start, end), markers, gap in zip(spans, told, gaps, strict=True)
    ]


def _without_markers(draft: str) -> tuple[str, list[tuple[int, list[int]]]]:
    """The draft without its markers, and where in it each group of markers stood."""
    text = ""
    marks: list[tuple[int, list[int]]] = []
    begun = 0
    for match in MARKERS.finditer(draft):
        text += draft[begun : match.start()]
        marks.append((len(text), [int(number) for number in NUMBER.findall(match.group())]))
        begun = match.end()
    return text + draft[begun:], marks


def support(claim: str, quote: str) -> float:
    """The share of a claim's content words that a quote holds; a number that the quote lacks leaves nothing."""
    wanted = set(terms(claim))
    if not wanted:
        return 0.0
    found = set(terms(quote))
    if not numbers(claim) <= found:
        return 0.0
    return len(wanted & found) / len(wanted)


def check(draft: str, passages: Sequence[Passage], support_from: float) -> Checked:
    """Give every claim the spans that its markers lead to; a marker that leads nowhere is dropped."""
    citations: list[Citation] = []
    parts: list[str] = []
    cited = uncited = 0
    for claim in claims_of(draft):
        found = [_cite(claim.text, number, passages, support_from) for number in dict.fromkeys(claim.markers)]
        markers = [_numbered(citation, citations) for citation in found if citation]
        cited, uncited = cited + bool(markers), uncited + (not markers)
        parts.append(claim.gap + _joined(claim.text, sorted(set(markers))))
    return Checked("".join(parts).strip(), citations, cited, uncited)


def _joined(claim: str, markers: Sequence[int]) -> str:
    return " ".join([SPACE_BEFORE_STOP.sub(r"\1", claim.strip()), *(f"[{number}]" for number in markers)])


def _cite(claim: str, number: int, passages: Sequence[Passage], support_from: float) -> Citation | None:
    """The span of a passage that supports a claim best, when one does."""
    if not 1 <= number <= len(passages):
        return None
    passage = passages[number - 1]
    scored = [(support(claim, unit.reading), unit) for unit in _spans(passage)]
    best, unit = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    if unit is None or best < support_from:
        return None
    start, end = passage["start"] + unit.start, passage["start"] + unit.end
    return Citation(
        marker=0,
        passage=passage["id"],
        document=passage["document"],
        file=passage["file"],
        title=passage["title"],
        page=page_at(passage, start),
        start=start,
        end=end,
        quote=passage["text"][unit.start : unit.end],
        support=round(best, 4),
    )


def _spans(passage: Passage) -> list[Unit]:
    """The units of a passage, and each two neighbours as one: a claim may be drawn from both."""
    single = units(passage["text"], passage["header"])
    pairs = [Unit(one.start, other.end, f"{one.reading} {other.reading}") for one, other in pairwise(single)]
    return [*single, *pairs]


def page_at(passage: Passage, offset: int) -> int | None:
    """The page on which an offset into the document lies."""
    return None if passage["page"] is None else passage["page"] + bisect_right(passage["page_breaks"], offset)


def _numbered(citation: Citation, citations: list[Citation]) -> int:
    """The citation's marker: that of the same span if it was cited before, else the next."""
    for known in citations:
        if (known["passage"], known["start"], known["end"]) == (
            citation["passage"],
            citation["start"],
            citation["end"],
        ):
            known["support"] = min(known["support"], citation["support"])
            return known["marker"]
    citation["marker"] = len(citations) + 1
    citations.append(citation)
    return citation["marker"]
