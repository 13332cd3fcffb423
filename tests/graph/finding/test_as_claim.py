"""A question held against its evidence as though it were a claim."""

import pytest
from support import passage_of

from graph.finding.as_claim import signs_as_claim
from graph.state import Evidence, Passage
from graph.text.words import alike


def passage(text: str) -> Passage:
    return passage_of(text, title="Guide")


TEXT = "The seal is red. The Corrento pump was installed in 1998 in Rome. The fan is quiet."


def signs(question: str, text: str = TEXT) -> dict[str, float]:
    found = passage(text)
    start = text.index("The Corrento") if "The Corrento" in text else 0
    end = text.index(".", start) + 1
    unit = Evidence(passage=0, start=start, end=end, text=text[start:end], similarity=0.8, coverage=0.5, score=0.7)
    return signs_as_claim(question, [found], [unit], alike)


@pytest.mark.parametrize(
    ("asked", "wrongly", "sign"),
    [
        ("Where was the Corrento pump installed?", "Where was the Montara pump installed?", "claim_name_missing"),
        ("What was installed in 1998?", "What was installed in 1997?", "claim_number_missing"),
        ("Where was the pump installed?", "Where was the pump not installed?", "claim_denial_differs"),
    ],
)
def test_what_a_question_takes_for_granted_must_stand_there(asked: str, wrongly: str, sign: str) -> None:
    right, wrong = signs(asked), signs(wrongly)
    assert (right[sign], wrong[sign]) == (0.0, 1.0)
    assert wrong["claim_support"] < right["claim_support"]


def test_a_neighbour_may_hold_the_rest_of_a_question() -> None:
    told = signs("Which red seal of the Corrento pump was installed in Rome?")
    assert told["claim_window"] == 1.0
    assert told["claim_support"] > told["claim_first"]


def test_of_one_sentence_the_highest_two_are_the_same() -> None:
    told = signs("What was installed in Rome?")
    assert told["claim_top"] == told["claim_second"] == told["claim_first"]
