"""Questions over several documents: versions of a rule, one question under filters, two questions in one; pure."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

from evals.drafting.proposals import Proposal, alike
from evals.drafting.texts import Document
from graph.steps.versions import DATE, VERSION, effective, family
from graph.text.words import terms
from graph.verification.conflicts import differs

SAME = 0.8
"""The share of common terms from which on two questions are one."""
MOST = 5
"""Documents beyond which a name says nothing of what two questions have in common."""
NAME = re.compile(r"(?<=[a-z,’] )(?:[A-Z][a-z]{3,}(?: [A-Z][a-z]+)*(?: \d[\w-]*)?)")
PLACED = re.compile(r"^According to “(?P<place>[^”]*)”, (?P<rest>.+)$")
Documents = dict[str, Document]


def told_apart(found: Sequence[Proposal], documents: Documents) -> list[Proposal]:
    """Where several documents answer one question differently, say which is meant, or leave the question out."""
    kept: list[Proposal] = []
    for group in _same(found):
        kept += [group[0]] if len(group) == 1 else _apart(group, documents)
    return kept


def joined(found: Sequence[Proposal]) -> Iterator[Proposal]:
    """Two questions about one name that different documents answer, as one question."""
    by_name: dict[str, list[Proposal]] = defaultdict(list)
    for each in found:
        for name in set(NAME.findall(each.question)):
            by_name[name].append(each)
    for name, own in sorted(by_name.items()):
        if 1 < len({one.documents for one in own}) <= MOST:
            told = (pair for pair in combinations(own, 2) if pair[0].documents != pair[1].documents)
            yield from (_joined(one, other, name) for one, other in told if _fits(one, other))


def _fits(one: Proposal, other: Proposal) -> bool:
    plain = not (one.filters or other.filters or "”" in one.question or "”" in other.question)
    open_to_both = one.groups == other.groups or not (one.groups and other.groups)
    short = len(one.question) + len(other.question) < 180
    own, their = frozenset(terms(one.question)), frozenset(terms(other.question))
    plain = plain and not {one.kind, other.kind} & {"table", "item", "definition", "list"}
    apart = alike(own, their) < 0.5 and one.reference != other.reference
    return apart and plain and open_to_both and short


def _joined(one: Proposal, other: Proposal, name: str) -> Proposal:
    second = other.question[0].lower() + other.question[1:]
    return Proposal(
        kind="multi_document",
        question=f"{one.question.rstrip('?')}, and {second}",
        reference=f"{one.reference.rstrip('.')}; {other.reference}",
        documents=(*one.documents, *other.documents),
        quotes=(*one.quotes, *other.quotes),
        groups=one.groups or other.groups,
        note=f"draft: both parts are about {name}; check that somebody would ask them together, and shorten.",
    )


def _same(found: Sequence[Proposal]) -> list[list[Proposal]]:
    """Proposals by question, near copies together, over different documents."""
    groups: list[tuple[frozenset[str], list[Proposal]]] = []
    index: dict[str, list[int]] = defaultdict(list)
    for each in found:
        own = frozenset(terms(PLACED.sub(r"\g<rest>", each.question)))
        near = {place for term in own for place in index[term]}
        place = next((n for n in sorted(near) if alike(groups[n][0], own) >= SAME), None)
        if place is None:
            place = len(groups)
            groups.append((own, []))
            for term in own:
                index[term].append(place)
        groups[place][1].append(each)
    return [group for _, group in groups]


def _apart(group: list[Proposal], documents: Documents) -> list[Proposal]:
    """One proposal for each document whose metadata tell it from the others; none where they do not."""
    first = {each.documents[0]: each for each in reversed(group)}
    if len(first) == 1:
        return group[:1]
    kept = list(first.values())
    if not any(differs(one.reference, other.reference) for one, other in combinations(kept, 2)):
        return kept[:1]
    kin = [documents[name] for name in first]
    if len({_family(document) for document in kin}) == 1 and len({_since(document) for document in kin}) == len(kin):
        return list(_versions(kept, documents))
    column = next((name for name in _columns(kin) if len({str(each.metadata[name]) for each in kin}) == len(kin)), None)
    return [_filtered(each, {column: documents[each.documents[0]].metadata[column]}) for each in kept] if column else []


def _versions(kept: Sequence[Proposal], documents: Documents) -> Iterator[Proposal]:
    """The rule in force, and the one before it under a filter on its date."""
    ordered = sorted(kept, key=lambda each: _since(documents[each.documents[0]]), reverse=True)
    new, old = ordered[0], ordered[1]
    since = _since(documents[new.documents[0]])
    told = f"draft: before {since} it was: {old.alternatives[0] if old.alternatives else old.reference}"
    yield replace(
        new,
        kind="contradictory_versions",
        question=_unversioned(new.question),
        note=f"{told}; check which one is meant.",
    )
    was = _filtered(old, {DATE: {"lt": since}})
    yield replace(was, kind="contradictory_versions", note=f"draft: as it was before {since}.")


def _filtered(each: Proposal, filters: dict[str, Any]) -> Proposal:
    note = "draft: other documents answer the same question differently; the filter says which is meant."
    return replace(each, kind="filtered", question=_unversioned(each.question), filters=filters, note=note)


def _is_short(value: object) -> bool:
    """Whether a value is a word or two, as one filters by."""
    return isinstance(value, str) and len(value) <= 40


def _unversioned(question: str) -> str:
    """The question without the document that it names, or where it is short, without that one's version."""
    found = PLACED.match(question)
    if not found:
        return question
    rest = found.group("rest")
    if len(terms(rest)) >= 4:
        return rest[0].upper() + rest[1:]
    return f"According to “{' '.join(VERSION.sub(' ', found.group('place')).split())}”, {rest}"


def _family(document: Document) -> tuple[object, ...]:
    """What all versions of a document have in common."""
    return family(_as_passage(document))


def _since(document: Document) -> str:
    return effective(_as_passage(document))


def _as_passage(document: Document) -> Any:
    return {"title": document.title, "metadata": document.metadata}


def _columns(kin: Sequence[Document]) -> list[str]:
    """The columns of text that all of some documents have."""
    shared = set.intersection(*(set(document.metadata) for document in kin)) - {"title", "allowed_groups", DATE}
    return sorted(name for name in shared if all(_is_short(document.metadata[name]) for document in kin))
