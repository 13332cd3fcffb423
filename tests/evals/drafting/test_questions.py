"""Sentences, rows, labels and lists become the questions that they answer, or none."""

import pytest

from evals.drafting.pairs import joined, told_apart
from evals.drafting.proposals import Proposal, alike, chosen, is_draft
from evals.drafting.rows import cells_of, of_cell, of_label, of_list, tables_of
from evals.drafting.sentences import asked_of, of_sentence
from evals.drafting.texts import Document, Listed, Said, texts_of
from graph.text.words import terms

GUIDE = Document("guide.md", "Access Guide", "", {})
NAMES = frozenset(["tarnwell", "kaldera"])


@pytest.mark.parametrize(
    ("sentence", "question", "answer"),
    [
        ("Laptops are replaced after 4 years.", "After how many years are laptops replaced?", "after 4 years"),
        ("Tarnwell decides within 15 working days.", "Within how many working days does Tarnwell decide?", None),
        (
            "The extension costs EUR 390 for a Kaldera 6.",
            "How much does the extension cost for a Kaldera 6?",
            "EUR 390",
        ),
        (
            "The distance to a neighbour is at least 4 metres.",
            "What is the distance to a neighbour?",
            "at least 4 metres",
        ),
        (
            "A new account is ordered at least 5 working days before the first day.",
            "At least how many working days before the first day is a new account ordered?",
            None,
        ),
        ("The language allowance was ended on 31 December 2023.", "When was the language allowance ended?", None),
        (
            "Paper is destroyed at level P-4 by the contractor.",
            "By whom is paper destroyed at level P-4?",
            "the contractor",
        ),
        ("The duty officer leads until the manager takes over.", "Who leads until the manager takes over?", None),
        ("A Snapshot is a directory that never changes on disk.", "What is a Snapshot?", ""),
    ],
)
def test_a_sentence_becomes_a_question(sentence: str, question: str, answer: str | None) -> None:
    found = {asked.question: asked.answer for asked in asked_of(sentence, NAMES)}
    assert question in found
    assert answer is None or found[question] == answer


@pytest.mark.parametrize(
    "sentence",
    [
        "It was 60 days before.",
        "Customers may ask, unless they were told within 5 days.",
        "If the unit fails, the partner has 5 days.",
        "Owners can export the log of the last 60 days.",
        "The value {limit} is 5 days.",
        "Noise complaints are handled only if the ducts carry silencers of at least 60 cm.",
    ],
)
def test_a_sentence_that_leans_on_others_becomes_none(sentence: str) -> None:
    assert list(of_sentence(Said(GUIDE, "", sentence, sentence), NAMES)) == []


def test_a_short_question_names_its_document() -> None:
    sentence = "The vacuum must hold for 30 minutes."
    made = next(of_sentence(Said(GUIDE, "", sentence, sentence), NAMES))
    assert made.question == "According to “Access Guide”, for how many minutes must the vacuum hold?"
    assert (made.reference, made.alternatives, made.quotes) == (sentence, ("30 minutes",), (sentence,))


TABLE = """| Model | Fuse | Price_eur | Note |
| --- | --- | --- | --- |
| Kaldera 12 | 16 A | 90 | a |
| Kaldera 16 | 20 A | 95 | b |
"""


def test_cells_of_a_table_are_asked_for_by_row_and_column() -> None:
    document = Document("fuses.md", "Fuses", TABLE, {"allowed_groups": ["staff"]})
    passage = {"document": "fuses.md", "section": "", "header": "", "text": TABLE, "start": 0}
    texts = texts_of({"fuses.md": document}, [passage])
    made = [of_cell(cell) for table in tables_of(texts.rows) for cell in cells_of(table)]
    assert [each.question for each in made] == [
        "What is the fuse for Kaldera 12?",
        "What is the fuse for Kaldera 16?",
        "What is the price in EUR for Kaldera 12?",
        "What is the price in EUR for Kaldera 16?",
    ]
    assert all(each.quotes[0] in TABLE and each.groups == ("staff",) for each in made)
    assert not any("note" in each.question for each in made)


def test_labels_and_lists() -> None:
    said = Said(GUIDE, "", "x", "Buffer volume: at least 12 litres per kilowatt.")
    assert [each.question for each in of_label(said, NAMES)] == [
        "According to “Access Guide”, what is the buffer volume?"
    ]
    assert not list(of_label(Said(GUIDE, "", "x", "Note: this is only said in passing and means nothing."), NAMES))
    listed = Listed(GUIDE, "", "The following parts are covered by the warranty", ("the pump", "the drive", "the seal"))
    assert [each.question for each in of_list(listed, NAMES)] == ["Which parts are covered by the warranty?"]


def proposal(question: str, document: str, reference: str) -> Proposal:
    return Proposal("number", question, reference, documents=(document,), quotes=(reference,))


def test_versions_and_metadata_tell_equal_questions_apart_and_what_nothing_tells_apart_is_left_out() -> None:
    question = "Within how many days does the partner decide?"
    told = [
        proposal(question, "old", "It decides within 10 days."),
        proposal(question, "new", "It decides within 5 days."),
    ]

    def apart(one: dict[str, str], other: dict[str, str]) -> list[Proposal]:
        kin = {"old": Document("old", "Terms", "", one), "new": Document("new", "Terms", "", other)}
        return told_apart(told, kin)

    versions = apart({"effective_date": "2021-01-01"}, {"effective_date": "2024-01-01"})
    assert [(each.documents[0], each.kind, dict(each.filters)) for each in versions] == [
        ("new", "contradictory_versions", {}),
        ("old", "contradictory_versions", {"effective_date": {"lt": "2024-01-01"}}),
    ]
    filtered = apart({"region": "EU"}, {"region": "US"})
    assert sorted(each.filters["region"] for each in filtered) == ["EU", "US"]
    assert apart({}, {}) == []


def test_two_questions_about_one_name_become_one() -> None:
    one = proposal("How much does the seal for Corrento 65 cost?", "a", "It costs EUR 90.")
    other = proposal("Within how many days is a Corrento 65 sent back?", "b", "It is sent back within 14 days.")
    made = list(joined([one, other]))
    assert [each.documents for each in made] == [("a", "b")]
    assert made[0].question == one.question.rstrip("?") + ", and within how many days is a Corrento 65 sent back?"


def test_what_is_chosen_is_spread_different_and_the_same_for_a_seed() -> None:
    many = [
        proposal(f"How much does part {number} cost in {place}?", place, "x") for place in "abcd" for number in "12"
    ]
    made = chosen([*many, proposal("How much does part 1 cost in a now?", "a", "x")], 4, 7)
    assert sorted(each.documents[0] for each in made) == ["a", "b", "c", "d"]
    assert chosen(many, 4, 7) == chosen(list(reversed(many)), 4, 7)
    again = chosen(many, 8, 7, [many[0].question])
    assert not any(alike(frozenset(terms(each.question)), frozenset(terms(many[0].question))) >= 0.99 for each in again)
    assert len({each.id for each in many}) == len(many)
    assert is_draft(many[0].sample)
    assert not is_draft(many[0].sample.model_copy(update={"tags": ("number",), "note": "checked"}))
