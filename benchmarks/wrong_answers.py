"""The share of wrong answers to the sample handbook's questions that the verifier lets pass.

A scripted model answers each question that the handbook answers, from the passages that it is given, as a careless
model would: with a value of the right kind from a neighbouring row or sentence or from another document; from another
region, whose passages are added to those given and whose name to the question; from a version that is no longer in
force; with yes for no. Each wrong answer is a bare fragment and a short sentence. The right values are given in the
same two forms. Passed: in the answer, with a support of .5 or more; unmarked: also not marked as unverified. Rules and
embedding alone, no model decides.
"""

import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.citations import SAMPLES
from benchmarks.record import Target, begin, print_table, read_records, record
from benchmarks.stores import run_index
from graph.backend import Backend, Brief
from graph.builder import build_graph
from graph.connect import connect
from graph.release import Models, Release, Routing
from graph.settings import Settings
from graph.state import Passage, Usage, no_usage
from graph.text.sentences import ROW, units
from graph.text.values import Value, missing_values, values
from graph.text.words import equal_weight
from graph.verification.verifier import Verifier

MODEL = "scripted:careless"
OLD = {"effective_date": {"lte": "2023-12-31"}}
REGIONS = ("EU", "US", "APAC")
ASKED = re.compile(r"^(?:can|could|may|am|must|do|should) i\b", re.IGNORECASE)
Row = dict[str, Any]


class Reads:
    """A writer that keeps the passages it is given and answers nothing."""

    name = MODEL

    def __init__(self) -> None:
        self.passages: list[Passage] = []

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        self.passages = brief.passages
        yield "I don't know."


@dataclass(frozen=True)
class Case:
    """An answer to a question over passages; `kind` is how it is wrong, or `right`."""

    kind: str
    question: str
    draft: str
    passages: Sequence[Passage]


def main() -> None:
    begin(__doc__)
    release = Release(models=Models(simple=MODEL, complex=MODEL), routing=Routing(read_from=0.0))
    with tempfile.TemporaryDirectory() as place:
        run_index([SAMPLES / "handbook"], Path(place), Release())
        seen = asyncio.run(run(release, Path(place)))
    found = figures(seen)
    print_table("Wrong answers that pass", ("kind", "cases, passed, unmarked"), [(k, str(v)) for k, v in found.items()])
    record("wrong_answers", found, [Target("wrong answers that pass", found["wrong"]["passed"], at_most=0.03)])


async def run(release: Release, store: Path) -> list[tuple[Case, bool, bool]]:
    """Each case, whether it passed, and whether without a mark."""
    world = await connect(Settings(index=store, cache_seconds=0), Release())
    cases = [case async for case in cases_of(release, world)]
    lexicon = world.retriever.lexicon
    verifier = Verifier(world.similarity, lexicon.weight if lexicon else equal_weight, release.checking)
    seen = []
    for case in cases:
        checked = await verifier.check(case.draft, case.passages, no_usage(), question=case.question)
        passed = any(each["support"] >= release.checking.support_from for each in checked.citations)
        seen.append((case, passed, passed and not checked.doubt))
    return seen


async def cases_of(release: Release, world: Backend) -> AsyncIterator[Case]:
    reader = Reads()
    graph = build_graph(release, replace(world, writers={**world.writers, MODEL: reader}))

    async def given(row: Row, filters: Row) -> list[Passage]:
        reader.passages = []
        await graph.ainvoke({"question": row["question"], "groups": row["groups"], "filters": filters})
        return reader.passages

    for row in read_records(SAMPLES / "questions.jsonl"):
        if row["quotes"] and (own := await given(row, row["filters"])):
            old = await given(row, OLD) if row["kind"] == "version_conflict" else []
            region = row["filters"].get("region")
            others = [each for each in REGIONS if region and each != region]
            foreign = [await given(row, {**row["filters"], "region": each}) for each in others]
            for case in wrong_and_right(row, own, old, foreign):
                yield case


def wrong_and_right(
    row: Row, own: Sequence[Passage], old: Sequence[Passage], foreign: Sequence[Sequence[Passage]]
) -> Iterator[Case]:
    right = values(f"{row['answer']} {' '.join(row['quotes'])}")
    yield from right_cases(row, own)
    yield from neighbours(row, own, right)
    yield from turned(row, own)
    for value in of_kind(right, old, right):
        yield from (Case("superseded", row["question"], draft, own) for draft in drafts(value, 1))
    for passages in foreign:
        question = f"{row['question'].rstrip('?')} in the {row['filters']['region']}?"
        yield from from_region(question, own, passages, right)


def right_cases(row: Row, own: Sequence[Passage]) -> Iterator[Case]:
    for value in (each for each in values(row["answer"]) if each.units):
        stated = [not missing_values([value], values(passage["text"])) for passage in own]
        pairs = enumerate(zip(own, stated, strict=True), 1)
        marker = next((n for n, (passage, is_stated) in pairs if is_stated and _quotes(passage, row)), 0)
        for draft in drafts(value.text, marker) if marker else ():
            yield Case("right", row["question"], draft, own)


def neighbours(row: Row, own: Sequence[Passage], right: Sequence[Value]) -> Iterator[Case]:
    """Values of the answer's kind from other rows and sentences."""
    for number, passage in enumerate(own, 1):
        beside = _quotes(passage, row)
        for unit in units(passage["text"], passage["header"]):
            is_row = bool(ROW.match(passage["text"][unit.start : unit.end]))
            kind = ("neighbouring row" if is_row else "neighbouring sentence") if beside else "another document"
            for value in _same_kind(values(row["answer"]), values(unit.reading), right):
                for draft in drafts(value, number):
                    yield Case(kind, row["question"], draft, own)


def turned(row: Row, own: Sequence[Passage]) -> Iterator[Case]:
    """Yes where the answer is no, as a word and as a sentence."""
    number = next((n for n, passage in enumerate(own, 1) if _quotes(passage, row)), 0)
    if number and re.match(r"No\b", row["answer"]):
        yield Case("yes for no", row["question"], f"Yes. [{number}]", own)
        if match := ASKED.match(row["question"].rpartition(". ")[2]):
            rest = row["question"].rpartition(". ")[2][match.end() :].rstrip("?").replace(" my ", " your ")
            yield Case(
                "yes for no", row["question"], f"Yes, you {match.group().split()[0].lower()}{rest}. [{number}]", own
            )


def from_region(
    question: str, own: Sequence[Passage], foreign: Sequence[Passage], right: Sequence[Value]
) -> Iterator[Case]:
    for number, passage in enumerate(foreign, len(own) + 1):
        for value in of_kind(right, [passage], right):
            for draft in drafts(value, number):
                yield Case("another region", question, draft, [*own, *foreign])


def of_kind(wanted: Sequence[Value], passages: Sequence[Passage], right: Sequence[Value]) -> list[str]:
    told = [value for passage in passages for value in values(passage["text"])]
    return _same_kind(wanted, told, right)


def _same_kind(wanted: Sequence[Value], told: Sequence[Value], right: Sequence[Value]) -> list[str]:
    """The values that measure the same as one of the wanted and are no right answer."""
    near = [v for v in told if any(v.units and v.same_kind(own) for own in wanted) and missing_values([v], right)]
    return list(dict.fromkeys(value.text for value in near))


def _quotes(passage: Passage, row: Row) -> bool:
    return any(quote in passage["text"] for quote in row["quotes"])


def drafts(value: str, number: int) -> list[str]:
    return [f"{value}. [{number}]", f"It is {value}. [{number}]"]


def figures(seen: Sequence[tuple[Case, bool, bool]]) -> dict[str, Any]:
    """Of each kind how many there are, the share that passes, and the share that passes unmarked."""
    wrong = [each for each in seen if each[0].kind != "right"]
    kinds = Counter(case.kind for case, _, _ in seen)
    by_kind = {kind: [each for each in seen if each[0].kind == kind] for kind in sorted(kinds)}
    return {name: _shares(own) for name, own in {"wrong": wrong, **by_kind}.items()}


def _shares(own: Sequence[tuple[Case, bool, bool]]) -> dict[str, float]:
    count = len(own) or 1
    passed, unmarked = sum(each[1] for each in own) / count, sum(each[2] for each in own) / count
    return {"cases": len(own), "passed": round(passed, 4), "unmarked": round(unmarked, 4)}


if __name__ == "__main__":
    main()
