import pytest

from graph.steps.parts import MOST, split


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Who signs the form and who pays the late fee?", ["Who signs the form?", "Who pays the late fee?"]),
        ("Is the pump covered? Is the valve covered?", ["Is the pump covered?", "Is the valve covered?"]),
        (
            "What is the Kaldera warranty and how long does delivery to Spain take?",
            ["What is the Kaldera warranty?", "How long does delivery to Spain take?"],
        ),
    ],
)
def test_joined_questions_are_taken_apart(question: str, parts: list[str]) -> None:
    assert split(question) == parts


@pytest.mark.parametrize(
    ("question", "second"),
    [
        (
            "By when must the partner upload the service form, and for how many years is it kept?",
            "For how many years is it kept? (partner upload service form)",
        ),
        (
            "When is the tank anode renewed and what does the part cost?",
            "What does the part cost? (tank anode renewed)",
        ),
        ("How many vacation days do I have and can I carry them over?", "Can I carry them over? (vacation days)"),
    ],
)
def test_a_part_that_leans_on_the_first_takes_its_words_along(question: str, second: str) -> None:
    assert split(question)[1] == second


def test_what_is_told_before_holds_for_every_part() -> None:
    assert split("My pump shows E21. Which part do I order and how long is the delivery of spare parts?") == [
        "My pump shows E21. Which part do I order?",
        "My pump shows E21. How long is the delivery of spare parts?",
    ]


def test_the_topic_of_the_talk_goes_along_with_every_part() -> None:
    assert split("Is the pump covered? Is the valve covered? (Kaldera)") == [
        "Is the pump covered? (Kaldera)",
        "Is the valve covered? (Kaldera)",
    ]


@pytest.mark.parametrize(
    "question",
    [
        "Where is the house where he was born and where he died?",
        "Which country is part of North America and was also involved in the purchase?",
        "Which policy applies and which is binding?",
        "How many members are in Panic! At The Disco?",
        "What 1951 novel by J.D. Salinger is no film?",
        "What does error E12 mean?",
        "Tell me about warranties.",
        "?",
    ],
)
def test_one_question_stays_one(question: str) -> None:
    assert split(question) == []


def test_there_are_never_more_parts_than_are_worth_a_search() -> None:
    assert len(split("Who pays? Who signs? Who drives? Who cooks? Who waits?")) == MOST
