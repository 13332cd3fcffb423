"""Near misses: what is swapped in stands nowhere, and what a passage answers is no near miss."""

from collections.abc import Sequence

import pytest
from support import passage_of

from evals.drafting.absent import Swap, Unanswered, attributes, named, numbered, unanswerable
from evals.drafting.proposals import Proposal
from evals.drafting.texts import Document, Row
from graph.release import Checking
from graph.state import Passage
from graph.verification.verifier import Verifier


def row(document: str, names: tuple[str, ...], *cells: str) -> Row:
    return Row(Document(document, "Parts", "", {}), "", " | ".join(cells), names, cells)


def proposal(question: str, reference: str, kind: str = "number") -> Proposal:
    return Proposal(kind, question, reference, documents=("fuses.md",))


def test_another_number_is_one_that_no_document_has() -> None:
    made = list(
        numbered([proposal("What is the fuse for Kaldera 16?", "Kaldera 16: fuse 20 A.")], "Kaldera 16, Kaldera 17")
    )
    assert [(swap.question, swap.claim) for swap in made] == [
        ("What is the fuse for Kaldera 15?", "Kaldera 15: fuse 20 A.")
    ]


def test_a_name_is_swapped_in_sentences_and_never_in_tables() -> None:
    tables = [[row("a", ("id", "city"), "1", "Lyon"), row("a", ("id", "city"), "2", "Brno")]]
    told = "Within how many days does the Lyon office answer?", "The Lyon office answers within 2 days."
    made = list(named([proposal(*told), proposal(*told, kind="table")], tables))
    assert [swap.question for swap in made] == ["Within how many days does the Brno office answer?"]


def test_a_column_is_asked_of_a_row_that_only_another_table_has() -> None:
    fuses = [row("a", ("Model", "Fuse"), "K12", "16 A"), row("a", ("Model", "Fuse"), "K16", "20 A")]
    masses = [row("b", ("Model", "Mass"), "K12", "90 kg"), row("b", ("Model", "Mass"), "K20", "95 kg")]
    assert {swap.question for swap in attributes([fuses, masses])} == {
        "What is the fuse for model K20?",
        "What is the mass for model K16?",
    }


class Unlike:
    """Finds nothing similar."""

    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        return [0.0 for _ in others]


def passage(text: str) -> Passage:
    return passage_of(text, document="fuses.md", file="fuses.md", title="Fuses", header="| Model | Fuse |")


@pytest.mark.anyio
async def test_what_a_passage_holds_is_no_near_miss() -> None:
    texts = ["Kaldera 20 | 25 A"]

    async def search(question: str) -> list[Passage]:
        return [passage(text) for text in texts]

    check = Unanswered(search, Verifier(Unlike(), lambda term: 1.0, Checking()))
    swap = Swap("What is the fuse for Kaldera 20?", "Kaldera 20: fuse 20 A.", "Kaldera 20", "Kaldera ")
    assert not await check.holds(swap)
    assert await unanswerable([swap, swap], 2, 0, check) == []
    texts[0] = "Kaldera 12 | 16 A"
    assert await check.holds(swap)
    kept = await unanswerable([swap, swap], 2, 0, check)
    assert [(each.question, each.answerable) for each in kept] == [(swap.question, False)]
