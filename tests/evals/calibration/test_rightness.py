"""What counts as a right answer without a model."""

import pytest

from evals.calibration.rightness import is_right
from evals.runs import Outcome
from evals.samples import Sample


def outcome(text: str, *quotes: str, status: str = "answered") -> Outcome:
    citations = [{"quote": quote, "document": "travel.md"} for quote in quotes]
    return Outcome(sample="s", answer={"text": text, "status": status, "citations": citations}, passages=[], seconds=1)


LIMIT = Sample(
    id="s",
    question="What is the hotel limit?",
    answerable=True,
    reference="At most EUR 145 per night.",
    alternatives=("EUR 145", "No"),
    documents=("travel.md",),
    quotes=("Hotel | **EUR 145**", "per night"),
)
PENSION = Sample(id="s", question="What is my pension?", answerable=False)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (outcome("It is EUR 145. [1]"), True),
        (outcome("EUR 1,145"), False),
        (outcome("the night costs at most 145 EUR"), True),
        (outcome("See the table. [1]", "Hotel |  EUR 145", "limits are per night"), True),
        (outcome("See the table. [1]", "Hotel | EUR 145"), False),
        (outcome("No, it has none."), True),
        (outcome("There is no limit."), False),
        (outcome("EUR 145", status="declined"), False),
    ],
)
def test_an_answer_is_right_by_its_words_or_by_its_quotes(answer: Outcome, right: bool) -> None:
    assert is_right(LIMIT, answer) is right


def test_an_unanswerable_question_is_right_when_it_is_declined() -> None:
    assert is_right(PENSION, outcome("None.", status="declined"))
    assert is_right(PENSION, outcome("EUR 20.")) is False


def test_a_judge_has_the_last_word() -> None:
    assert is_right(LIMIT, outcome("EUR 145"), 0.5) is False
    assert is_right(LIMIT, outcome("A hundred and forty-five"), 0.75)


def test_documents_alone_are_the_last_resort_and_nothing_is_no_judgement() -> None:
    bare = LIMIT.model_copy(update={"reference": None, "alternatives": (), "quotes": ()})
    assert is_right(bare, outcome("Something. [1]", "any"))
    assert is_right(bare, outcome("Something.")) is False
    assert is_right(bare.model_copy(update={"documents": ()}), outcome("Something.")) is None
