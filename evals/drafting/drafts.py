"""Everything that is proposed of a Snapshot: answerable and unanswerable, chosen and checked."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from evals.drafting import absent, pairs, rows
from evals.drafting.absent import Unanswered
from evals.drafting.clauses import Names
from evals.drafting.proposals import Proposal, chosen
from evals.drafting.sentences import of_sentence
from evals.drafting.texts import Texts

WORD = re.compile(r"[^\W\d_]+(?:[-–'’][^\W\d_]+)*")
INSIDE = re.compile(rf"(?<=[^\s.!?:;|#*•>…-] ){WORD.pattern}")
"""A word behind another one of its sentence."""
JOINED = 0.15
"""The share of the proposals that ask of two documents at once."""


@dataclass(frozen=True)
class Counts:
    """How many proposals are wanted, and from what seed they are drawn."""

    documents: int
    unanswerable: int
    seed: int


def answerable(texts: Texts, wanted: Counts, before: Sequence[str] = ()) -> list[Proposal]:
    """Questions that documents answer; every quote stands in its document."""
    found = candidates(texts)
    both = chosen(pairs.joined(found), round(JOINED * wanted.documents), wanted.seed, before)
    asked = [*before, *(each.question for each in both)]
    return [*chosen(found, wanted.documents - len(both), wanted.seed, asked), *both]


def candidates(texts: Texts) -> list[Proposal]:
    """Every question that a rule makes, where several documents answer it told apart."""
    names = names_of(texts)
    made = chain(
        (each for said in texts.said for each in of_sentence(said, names)),
        (each for said in texts.said for each in rows.of_label(said, names)),
        (rows.of_cell(cell) for table in rows.tables_of(texts.rows) for cell in rows.cells_of(table)),
        (each for listed in texts.lists for each in rows.of_list(listed, names)),
    )
    documents = {document.name: document for document in texts.documents}
    held = [each for each in made if all(quote in documents[each.documents[0]].text for quote in each.quotes)]
    return pairs.told_apart(held, documents)


async def unanswerable(texts: Texts, wanted: Counts, check: Unanswered) -> list[Proposal]:
    """Questions that no document answers, as far as searching for them shows."""
    found = [each for each in candidates(texts) if not each.filters]
    tables = rows.tables_of(texts.rows)
    text = "\n".join(document.text for document in texts.documents)
    swaps = [
        *absent.numbered(found, text),
        *absent.attributes(tables),
        *absent.named(found, tables),
    ]
    return await absent.unanswerable(swaps, wanted.unanswerable, wanted.seed, check)


def names_of(texts: Texts) -> Names:
    """Words that are written with a capital inside of sentences more often than without one."""
    capital: Counter[str] = Counter()
    small: Counter[str] = Counter()
    for said in texts.said:
        capital.update({word.lower() for word in INSIDE.findall(said.reading) if word[0].isupper()})
        small.update({word.lower() for word in WORD.findall(said.reading) if word[0].islower()})
    return frozenset(word for word, times in capital.items() if times > small[word])
