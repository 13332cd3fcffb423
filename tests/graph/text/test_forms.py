import pytest

from graph.text.function_words import is_number_word


@pytest.mark.parametrize("word", ["12", "12th", "seven", "million"])
def test_a_number_is_told_in_digits_or_spelled(word: str) -> None:
    assert is_number_word(word)
    assert not is_number_word("pump")
