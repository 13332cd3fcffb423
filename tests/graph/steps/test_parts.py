from typing import Any, cast

import pytest

from graph.question.subquestions import MOST, best_of, follow_up, split, turns
from graph.state import Evidence, Passage


def passage(text: str, title: str = "") -> Passage:
    return cast(Passage, {"id": text[:20], "title": title, "section": "", "text": text})


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("Who signs the form and who pays the late fee?", ["Who signs the form?", "Who pays the late fee?"]),
        ("Is the pump covered? Is the valve covered?", ["Is the pump covered?", "Is the valve covered?"]),
        ("Is the pump covered and is the valve covered?", ["Is the pump covered?", "Is the valve covered?"]),
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


def test_what_is_told_or_noted_before_holds_for_every_part() -> None:
    assert split("My pump shows E21. Which part do I order and how long is the delivery of spare parts?") == [
        "My pump shows E21. Which part do I order?",
        "My pump shows E21. How long is the delivery of spare parts?",
    ]
    assert split("In the US, how long is the Corrento seal covered and when is a Corrento inspected?") == [
        "In the US, how long is the Corrento seal covered?",
        "In the US, when is a Corrento inspected?",
    ]


def test_the_topic_of_the_talk_goes_along_with_every_part() -> None:
    assert split("Is it cheaper in Spain or Italy? (Kaldera)") == [
        "Is it cheaper in Spain? (Kaldera)",
        "Is it cheaper in Italy? (Kaldera)",
    ]


@pytest.mark.parametrize(
    "question",
    [
        "Who is the man who lies and who steals?",
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


def test_a_follow_up_asks_what_is_missing_of_what_the_passage_names() -> None:
    found = passage(
        "He made his screen debut in Love Forecast. It was directed by nobody. Seoul liked it.", "Jung Joon-young"
    )
    question = "Who directed the film in which Jung Joon-young made his debut?"
    assert follow_up(question, found) == "film Love Forecast"


def test_a_follow_up_takes_names_with_initials_and_codes_and_no_name_over_the_end_of_a_sentence() -> None:
    found = passage(
        "C WHO MAY ORDER. The part is KD-4431 for 164.00 by J. K. Rowling. Order it from Nordhaus Waermeservice. Soon."
    )
    assert follow_up("What does it cost in euros?", found) == "cost euros KD-4431 J. K. Rowling Nordhaus Waermeservice"


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("Which pump is covered?", "The pump is covered in Spain."),
        ("Which pump is cheap?", "The pump is covered."),
        ("Is Kaldera cheap?", "The Kaldera is covered."),
    ],
)
def test_nothing_follows_when_nothing_is_missing_or_nothing_new_is_named(question: str, text: str) -> None:
    assert follow_up(question, passage(text)) == ""


def test_a_question_keeps_more_than_its_follow_up_and_no_more_than_its_parts() -> None:
    assert turns(0, 1) == [2, 1]
    assert turns(2, 3) == [1, 1, 1, 1]


def unit(start: int, score: float, **more: Any) -> Evidence:
    return cast(Evidence, {"passage": 0, "start": start, "end": start + 5, "text": "", "score": score, **more})


def test_evidence_counts_by_the_best_it_says_and_knows_the_part_it_answers() -> None:
    whole, first, second = [unit(0, 0.9), unit(9, 0.2)], [unit(0, 0.5), unit(9, 0.1)], [unit(0, 0.3), unit(9, 0.8)]
    assert best_of([whole, first, second]) == [unit(0, 0.9, part=1), unit(9, 0.8, part=2)]


def test_evidence_for_a_whole_question_belongs_to_no_part() -> None:
    assert best_of([[unit(0, 0.1), unit(9, 0.2)]]) == [unit(9, 0.2, part=0), unit(0, 0.1, part=0)]
