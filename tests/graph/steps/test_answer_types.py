"""What a question asks for, by its form, and which sentences could answer it."""

import pytest

from graph.steps.answer_types import asked_clause, could_answer, wanted


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who repairs the pump?", "person"),
        ("Whose signature is needed?", "person"),
        ("When is the seal changed?", "date"),
        ("Where are the records kept?", "place"),
        ("Why is the pump loud?", "reason"),
        ("How is the seal fitted?", "manner"),
        ("How many filters are there?", "count"),
        ("How much does the part cost?", "amount"),
        ("How much water is lost?", "count"),
        ("How long is the warranty?", "measure"),
        ("How often is it serviced?", "measure"),
        ("In what year was it built?", "date"),
        ("Which city hosts the plant?", "place"),
        ("What is the price of the anode?", "amount"),
        ("What is the name of the king?", "person"),
        ("What was the nickname given to it?", "name"),
        ("What is gravity?", "thing"),
        ("What colour does the lamp show?", "thing"),
        ("Is the pump covered?", "polar"),
        ("Can I call when it leaks?", "polar"),
        ("Do you know which price holds?", "amount"),
        ("Pump seals", "thing"),
    ],
)
def test_the_kind_is_read_off_the_question_word_and_its_noun(question: str, kind: str) -> None:
    assert wanted(question).kind == kind


def test_the_noun_after_the_question_word_is_the_head_and_what_stands_before_is_kept() -> None:
    found = wanted("For the Corrento pump, which sealing rings are used?")
    assert found.head == {"seal", "ring"}
    assert found.before == ("corrento", "pump")


@pytest.mark.parametrize(
    ("question", "acts"),
    [
        ("Who built it?", True),
        ("Who did they meet?", False),
        ("Which firm made it?", True),
        ("Which firm is it?", False),
    ],
)
def test_without_an_auxiliary_the_answer_is_who_acts(question: str, acts: bool) -> None:
    assert wanted(question).subject is acts


def test_the_clause_that_asks_ends_where_another_begins() -> None:
    assert asked_clause("My pump is loud. What do I do when it does not stop?") == "What do I do "
    assert asked_clause("Pump seals") == "Pump seals"


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        ("When was it built?", "It was built in 1998.", True),
        ("When was it built?", "It was built of stone.", False),
        ("When was it built in 1998?", "It was built in 1998.", False),
        ("Who built it?", "It was built by Ada Byron.", True),
        ("Who built it?", "a firm built it.", False),
        ("How many pumps are there?", "There are 12 pumps.", True),
        ("How many pumps are there?", "There are many pumps.", False),
        ("How many pumps were there?", "There were pumps in 1998.", False),
        ("Why is it loud?", "It is worn.", None),
    ],
)
def test_a_sentence_could_answer_when_it_says_something_new_of_the_kind(
    question: str, text: str, expected: bool | None
) -> None:
    assert could_answer(question, text) is expected
