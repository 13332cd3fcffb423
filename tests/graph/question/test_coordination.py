import pytest

from graph.question.coordination import sides

FOUND = ["Marks and Spencer sells food. Tom Petty and the Heartbreakers played."]


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        (
            "What is the hotel limit in the EU and in the UK?",
            ["What is the hotel limit in the EU?", "What is the hotel limit in the UK?"],
        ),
        ("Which is larger, Norway or Sweden?", ["Which is larger, Norway?", "Which is larger, Sweden?"]),
        ("Are both Kaldera and Corrento covered?", ["Is Kaldera covered?", "Is Corrento covered?"]),
        ("Is Mount Etna taller than the Brocken?", ["Is Mount Etna taller?", "Is the Brocken taller?"]),
        ("Do the pump and the valve in Spain last?", ["Does the pump in Spain last?", "Does the valve in Spain last?"]),
        (
            "Which of Kaldera, Corrento and Brisel is best?",
            ["Which of Kaldera is best?", "Which of Corrento is best?", "Which of Brisel is best?"],
        ),
        (
            "What is the term of the pump and the valve in Germany and France, respectively?",
            ["What is the term of the pump in Germany?", "What is the term of the valve in France?"],
        ),
        (
            "What is the difference between good bots and bad bots?",
            ["What is the difference for good bots?", "What is the difference for bad bots?"],
        ),
        (
            "Who was prime minister of the UK, Tony Blair or John Major?",
            [
                "Who was prime minister of the UK, Tony Blair?",
                "Who was prime minister of the UK, John Major?",
            ],
        ),
        ("Compare Kaldera with Corrento", ["Kaldera", "Corrento"]),
    ],
)
def test_a_question_is_asked_of_each_thing_that_it_names(question: str, parts: list[str]) -> None:
    assert sides(question, []) == parts


@pytest.mark.parametrize(
    "question",
    [
        "What does research and development cost?",
        "Where are the terms and conditions?",
        "Does health and safety training count?",
        "Can I use red or blue filters?",
        "What happened between 1998 and 2003?",
        "What is the price of the pump and the lead time of the valve?",
        "Where was the Blue Lacy, a breed of Texas, and a dog of Maine bred?",
        "Is the pump older than 5 years?",
    ],
)
def test_what_is_not_plainly_two_things_stays_whole(question: str) -> None:
    assert sides(question, FOUND) == []


@pytest.mark.parametrize("name", ["Marks and Spencer", "Tom Petty and the Heartbreakers"])
def test_names_that_a_passage_writes_as_one_stay_whole(name: str) -> None:
    assert sides(f"Who owns {name}?", FOUND) == []


def test_names_joined_by_and_are_two_when_what_was_found_does_not_join_them() -> None:
    parts = ["What is the limit for Germany?", "What is the limit for France?"]
    assert sides("What is the limit for Germany and France?", FOUND) == parts
    assert sides("What is the limit for Germany and France?", []) == []


def test_a_very_long_question_is_left_whole() -> None:
    assert sides("Which is larger, Norway or Sweden?" + " Please tell me." * 40, FOUND) == []
