"""Reference answers in a text."""

from benchmarks.squad import holds, normal


def test_articles_marks_case_and_spare_space_do_not_count() -> None:
    assert normal("The  Eiffel Tower, a (tall) one.") == "eiffel tower tall one"


def test_a_text_holds_a_reference_word_by_word() -> None:
    assert holds("It opened in 1889, they say.", ["1889"])
    assert not holds("It has 18890 parts.", ["1889"])
    assert not holds("It opened.", ["a"])
