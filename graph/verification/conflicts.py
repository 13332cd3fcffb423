"""Finds other versions of a cited document that say something else about the cited rule; pure."""

from collections.abc import Sequence

from ..safety.injection import is_injection
from ..state import Citation, Conflict, Passage
from ..steps.versions import effective, family
from ..text.facts import count_negations, count_opposites, names, plain_words
from ..text.metadata_values import MONTHS
from ..text.sentences import Unit, units
from ..text.values import missing_values, values
from ..text.words import is_number, terms

SAME_RULE = 0.6
"""The share of common words, without numbers, at which two units state the same rule."""


def conflicts(citations: Sequence[Citation], passages: Sequence[Passage]) -> list[Conflict]:
    """One conflict for each other version of a cited document that says something else about the cited rule."""
    by_id = {passage["id"]: passage for passage in passages}
    found = []
    for citation in citations:
        cited = by_id.get(citation["passage"])
        if cited and effective(cited):
            found += _conflicts(citation, cited, passages)
    return found


def _conflicts(citation: Citation, cited: Passage, passages: Sequence[Passage]) -> list[Conflict]:
    by_document: dict[str, Conflict] = {}
    others = _other_versions(cited, passages)
    cited_text = _cited_text(citation, cited) if others else ""
    for other in others:
        if other["document"] not in by_document:
            same = _matching_unit(cited_text, other)
            if same and differs(cited_text, same.reading):
                by_document[other["document"]] = _conflict(citation, cited, other, same)
    return list(by_document.values())


def _other_versions(cited: Passage, passages: Sequence[Passage]) -> list[Passage]:
    """The passages from earlier or later versions of the cited document."""
    own, date, kin = cited["document"], effective(cited), family(cited)
    dated = [passage for passage in passages if passage["document"] != own and effective(passage) not in ("", date)]
    return [passage for passage in dated if family(passage) == kin]


def _cited_text(citation: Citation, cited: Passage) -> str:
    """The cited span; a table row with its column names."""
    start, end = citation["start"] - cited["start"], citation["end"] - cited["start"]
    inside = [u.reading for u in units(cited["text"], cited["header"]) if start <= u.start and u.end <= end]
    return " ".join(inside) or citation["quote"]


def _matching_unit(cited_text: str, other: Passage) -> Unit | None:
    """The unit of another version that states the same rule."""
    own = {term for term in terms(cited_text) if not is_number(term)}
    best, share = None, SAME_RULE
    for unit in units(other["text"], other["header"]):
        if is_injection(unit.reading):
            continue
        theirs = {term for term in terms(unit.reading) if not is_number(term)}
        similarity = 2 * len(own & theirs) / max(1, len(own) + len(theirs))
        if similarity >= share:
            best, share = unit, similarity
    return best


def differs(one: str, other: str) -> bool:
    """Whether two sentences about the same rule disagree in a value, a name, a negation or by opposites."""
    values_differ = bool(missing_values(values(one), values(other)) or missing_values(values(other), values(one)))
    names_differ = bool(
        names(one) - plain_words(other) - MONTHS.keys() or names(other) - plain_words(one) - MONTHS.keys()
    )
    has_opposites = count_opposites(plain_words(one), plain_words(other)) > 0
    return values_differ or names_differ or has_opposites or (count_negations(one) > 0) != (count_negations(other) > 0)


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
