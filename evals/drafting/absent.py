"""Questions that no document answers: an answered one with another name or number in it, looked up and checked."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from evals.drafting.proposals import Proposal, shuffled
from evals.drafting.rows import Cell, Table, cells_of, spoken
from graph.release import Checking
from graph.state import Passage
from graph.text.words import terms
from graph.verification.verifier import Verifier

Search = Callable[[str], Awaitable[list[Passage]]]
CODED = re.compile(r"(?<![(\w-])([A-Z][\w-]*?[ -]?)(\d{1,4})\b(?![.,-]\d)")
MONTHS = "January February March April May June July August September October November December EUR USD Article".split()
STEPS = (1, 2, 3, 5, 10)
NAMED = re.compile(r"[A-Z][\w.-]+(?: [A-Z0-9][\w.-]*){0,3}")
SENTENCES = frozenset("number date person reason".split())
ALIKE = 2
TOGETHER = 0.7
"""The share of a question's other terms that a passage may not hold together with a swapped name."""
NOTE = "draft: no passage was found that answers it; make sure that none does, in other words either."


@dataclass(frozen=True)
class Swap:
    """A question with something in it that the documents do not say, and the claim that would answer it.

    Swaps of one `family` are alike; `name` is what was put in.
    """

    question: str
    claim: str
    name: str
    family: str


@dataclass(frozen=True)
class Unanswered:
    """Tells whether nothing answers a swap: what is found for it neither supports its claim nor is about all of it."""

    search: Search
    verifier: Verifier

    async def holds(self, swap: Swap) -> bool:
        found = await self.search(swap.question)
        support = await self.verifier.support(swap.claim, found) if found else []
        if max(support, default=0.0) >= Checking().support_from:
            return False
        wanted = set(terms(swap.question)) - set(terms(swap.name))
        held = [
            set(terms(f"{each['title']} {each['section']} {each['header']} {each['text']}".replace("_", " ")))
            for each in found
        ]
        return not any(
            set(terms(swap.name)) <= own and len(wanted & own) >= TOGETHER * max(1, len(wanted)) for own in held
        )


async def unanswerable(swaps: Sequence[Swap], most: int, seed: int, check: Unanswered) -> list[Proposal]:
    """So many swaps that are checked, in an order that follows from the seed, at most two of one family."""
    kept: list[Proposal] = []
    told = {_proposal(swap).id: swap for swap in swaps}
    had: Counter[str] = Counter()
    for each in shuffled(map(_proposal, told.values()), seed):
        swap = told[each.id]
        if len(kept) == most:
            break
        if had[swap.family] < ALIKE and await check.holds(swap):
            had[swap.family] += 1
            kept.append(each)
    return kept


def numbered(found: Sequence[Proposal], text: str) -> Iterator[Swap]:
    """Another number behind a name: `Kaldera 20` where there are 12 and 16, in questions that name one."""
    for each in found:
        for match in CODED.finditer(each.question):
            stem, number = match.groups()
            new = next((name for name in _others(stem, number) if name not in text), None)
            if new and stem.strip() not in MONTHS and "”" not in each.question:
                question, claim = (_swapped(told, match.group(), new) for told in (each.question, each.reference))
                if claim != each.reference:
                    yield Swap(question, claim, new, stem)


def named(found: Sequence[Proposal], tables: Sequence[Table]) -> Iterator[Swap]:
    """Another name in the place of one that stands in the same column of a table somewhere.

    Questions of tables are left out: another row of a table has an answer of its own.
    """
    kin = [sorted({row.cells[place] for row in table}) for table in tables for place in range(len(table[0].names))]
    columns = [[value for value in values if NAMED.fullmatch(value)] for values in kin]
    for each in (each for each in found if each.kind in SENTENCES):
        for names in columns:
            own = next((name for name in names if re.search(rf"\b{re.escape(name)}\b", each.question)), "")
            alone = own and f"{own} (" not in each.question and f"({own}" not in each.question
            if alone and own in each.reference and "”" not in each.question:
                for other in names:
                    if other not in each.question:
                        claim = _swapped(each.reference, own, other)
                        yield Swap(_swapped(each.question, own, other), claim, other, " ".join(names))


def attributes(tables: Sequence[Table]) -> Iterator[Swap]:
    """What one table says of its rows, asked of a row that only another table of such things has."""
    for one, other in product(tables, tables):
        same = one[0].names[0].lower() == other[0].names[0].lower() and one[0].names != other[0].names
        if not same:
            continue
        keys = {row.cells[0] for row in one}
        if not keys & {row.cells[0] for row in other}:
            continue
        columns = {name.lower() for name in other[0].names}
        strangers = [cell for cell in cells_of(other) if cell.row.cells[0] not in keys]
        for column in one[0].names[1:]:
            if column.lower() not in columns:
                for cell in strangers[:3]:
                    told = Cell(cell.row, cell.key, column, "")
                    yield Swap(told.question, f"{cell.key}: {spoken(column)}", cell.key, column)


def _others(stem: str, number: str) -> Iterator[str]:
    """The same name with other numbers, the nearest first."""
    scale = 10 ** max(0, len(number) - 2) if stem.endswith(" ") else 1
    for step in (scale * step for step in STEPS):
        for value in (int(number) + step, int(number) - step):
            if value > 0:
                yield f"{stem}{value:0{len(number)}d}"


def _swapped(text: str, old: str, new: str) -> str:
    return re.sub(rf"\b{re.escape(old)}\b", lambda _: new, text)


def _proposal(swap: Swap) -> Proposal:
    return Proposal(kind="near_miss", question=swap.question, note=NOTE)
