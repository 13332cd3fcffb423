"""Where another version of a cited document says something else about the cited rule; pure."""

from collections.abc import Sequence

from ..state import Citation, Conflict, Passage
from ..steps.versions import effective, family
from ..text.facts import denials, names, opposed, plain_words
from ..text.readings import MONTHS
from ..text.sentences import Unit, units
from ..text.values import unmet, values
from ..text.words import is_number, terms

SAME_RULE = 0.6
"""Share of shared words, numbers left out, from which on two units state the same rule."""


def conflicts(citations: Sequence[Citation], passages: Sequence[Passage]) -> list[Conflict]:
    """What other versions of the cited documents say differently about the cited rule, one entry a document."""
    by_id = {passage["id"]: passage for passage in passages}
    found = []
    for citation in citations:
        cited = by_id.get(citation["passage"])
        if cited and effective(cited):
            found += _conflicts(citation, cited, passages)
    return found


def _conflicts(citation: Citation, cited: Passage, passages: Sequence[Passage]) -> list[Conflict]:
    told: dict[str, Conflict] = {}
    others = [passage for passage in passages if _is_other_version(passage, cited)]
    said = _said(citation, cited) if others else ""
    for other in others:
        if other["document"] not in told:
            same = _same_rule(said, other)
            if same and differs(said, same.reading):
                told[other["document"]] = _conflict(citation, cited, other, same)
    return list(told.values())


def _is_other_version(passage: Passage, cited: Passage) -> bool:
    """Whether a passage is of the cited document as it was, or is to be, at another time."""
    since = effective(passage)
    dated = since and since != effective(cited) and passage["document"] != cited["document"]
    return bool(dated) and family(passage) == family(cited)


def _said(citation: Citation, cited: Passage) -> str:
    """What the cited stretch says, a table row with the names of its columns."""
    start, end = citation["start"] - cited["start"], citation["end"] - cited["start"]
    inside = [u.reading for u in units(cited["text"], cited["header"]) if start <= u.start and u.end <= end]
    return " ".join(inside) or citation["quote"]


def _same_rule(said: str, other: Passage) -> Unit | None:
    """The unit of another version that is about the same thing."""
    own = {term for term in terms(said) if not is_number(term)}
    best, share = None, SAME_RULE
    for unit in units(other["text"], other["header"]):
        theirs = {term for term in terms(unit.reading) if not is_number(term)}
        alike = 2 * len(own & theirs) / max(1, len(own) + len(theirs))
        if alike >= share:
            best, share = unit, alike
    return best


def differs(one: str, other: str) -> bool:
    """Whether two sentences about the same thing say different things: a number, unit, name, denial or opposite."""
    ours, theirs = values(one), values(other)
    amounts = bool(unmet(ours, theirs) or unmet(theirs, ours))
    named = bool(names(one) - plain_words(other) - MONTHS.keys() or names(other) - plain_words(one) - MONTHS.keys())
    turned = opposed(plain_words(one), plain_words(other)) > 0
    return amounts or named or turned or (denials(one) > 0) != (denials(other) > 0)


def _conflict(citation: Citation, cited: Passage, other: Passage, unit: Unit) -> Conflict:
    return Conflict(
        marker=citation["marker"],
        version="older" if effective(other) < effective(cited) else "newer",
        document=other["document"],
        file=other["file"],
        title=other["title"],
        effective_date=effective(other),
        start=other["start"] + unit.start,
        end=other["start"] + unit.end,
        quote=other["text"][unit.start : unit.end],
    )
