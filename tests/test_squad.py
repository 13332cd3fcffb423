"""SQuAD's own measures."""

import pytest

from benchmarks.squad import exact, f1, holds, normal


def test_articles_marks_case_and_spare_space_do_not_count() -> None:
    assert normal("The  Eiffel Tower, a (tall) one.") == "eiffel tower tall one"


@pytest.mark.parametrize(
    ("answer", "references", "expected"),
    [
        ("in 1889", ["1889"], 2 / 3),
        ("the tower", ["Tower"], 1.0),
        ("Lyon", ["Paris"], 0.0),
        ("in 1889", ["1889", "in 1889"], 1.0),
        ("pump pump", ["pump"], 2 / 3),
        ("", ["Paris"], 0.0),
        ("Paris", [], 0.0),
    ],
)
def test_f1_is_of_the_words_shared_with_the_nearest_reference(
    answer: str, references: list[str], expected: float
) -> None:
    assert f1(answer, references) == pytest.approx(expected)


def test_an_exact_answer_is_one_of_the_references() -> None:
    assert exact("The 1889.", ["Paris", "1889"]) == 1.0
    assert exact("in 1889", ["1889"]) == 0.0


def test_a_text_holds_a_reference_word_by_word() -> None:
    assert holds("It opened in 1889, they say.", ["1889"])
    assert not holds("It has 18890 parts.", ["1889"])
    assert not holds("It opened.", ["a"])
