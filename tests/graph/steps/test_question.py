"""What kind of answer a question asks for."""

import pytest

from graph.steps.question import asks_how, asks_several, asks_to_work_out, counted_in, not_stated, subject


@pytest.mark.parametrize(
    ("question", "counted"),
    [
        ("How many wells are in Graz?", {"well"}),
        ("What is the number of open contracts in May?", {"open", "contract"}),
        ("How long is the pipe?", None),
    ],
)
def test_what_is_counted(question: str, counted: set[str] | None) -> None:
    assert counted_in(question) == counted


@pytest.mark.parametrize(
    "question",
    [
        "How do I open it?",
        "Can you explain how to open it?",
        "What are the steps to open it?",
        "Wie entkalke ich es?",
        "What should be done when it opens?",
    ],
)
def test_procedures(question: str) -> None:
    assert asks_how(question)


@pytest.mark.parametrize("question", ["How long is it?", "How many do I need?", "Who opens it?"])
def test_no_procedures(question: str) -> None:
    assert not asks_how(question)


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("What does boarding cost for a rabbit?", "rabbit"),
        ("Who is the deputy head of sales?", "head"),
        ("Who teaches pilates?", "pilates"),
        ("How many bags does a trader get?", "trader"),
        ("How many seats does the theatre have?", "theatre"),
        ("How much may guests carry?", "guests"),
        ("What is the allowance for cooks?", "cooks"),
        ("What does the castration of a hamster cost?", "hamster"),
        ("How long should the power be on?", ""),
        ("How much do I pay?", ""),
    ],
)
def test_what_a_question_is_about(question: str, named: str) -> None:
    assert subject(question) == named


@pytest.mark.parametrize("question", ["List all pumps.", "Which pumps are red?", "What are the rules?"])
def test_several_things(question: str) -> None:
    assert asks_several(question)


@pytest.mark.parametrize("question", ["Which pump is red?", "What does it cost?", "Who leads it?"])
def test_one_thing(question: str) -> None:
    assert not asks_several(question)


@pytest.mark.parametrize(
    "question",
    [
        "What is the total?",
        "How many kg did all trees crop together?",
        "What is the average rent?",
        "Which is the oldest?",
        "Is A older than B?",
        "Compare A and B.",
    ],
)
def test_what_has_to_be_worked_out(question: str) -> None:
    assert asks_to_work_out(question)


@pytest.mark.parametrize("question", ["Is a guest allowed at the harvest festival?", "When is the request due?"])
def test_what_looks_like_an_extreme_and_is_none(question: str) -> None:
    assert not asks_to_work_out(question)


def test_what_is_stated_is_not_worked_out() -> None:
    assert not_stated("What is the total rent?", "The rent is 4 euros.")
    assert not not_stated("What is the total rent?", "The total rent is 4 euros.")
