"""Mending stays within the language of the index, and off words that the caller may see."""

import asyncio

from graph.question.mending import Mender
from graph.text.surfaces import Known

ENGLISH = ["the", "of", "and", "in", "to", "is", "for", "that", "with", "from", "which", "are", "this", "have"]


class Listed:
    """An index of one name in a language of its own."""

    def __init__(self, *common: str) -> None:
        self.common = list(common)

    def known(self, word: str) -> bool:
        return word != "corretno"

    def of_length(self, letters: int) -> list[Known]:
        return [Known("corrento", 9, True)] if letters == 8 else []

    def commonest(self, most: int) -> list[str]:
        return self.common[:most]


def mended(lexicon: Listed | None, language: str) -> dict[str, str]:
    return asyncio.run(Mender(lexicon).mend("the Corretno", language))[1]


def test_a_question_in_the_language_of_the_index_is_mended_and_one_too_short_to_tell() -> None:
    assert mended(Listed(*ENGLISH), "en") == mended(Listed(*ENGLISH), "und") == {"Corretno": "Corrento"}


def test_a_question_in_another_language_is_left_as_it_is() -> None:
    assert mended(Listed(*ENGLISH), "de") == {}


def test_an_index_in_no_language_that_can_be_told_mends_nothing() -> None:
    assert [mended(Listed("x1"), language) for language in ("en", "und")] == [{}, {}]


def test_without_a_lexicon_nothing_is_mended() -> None:
    assert mended(None, "en") == {}


def test_a_word_that_stands_where_the_caller_may_look_is_left_as_it_is() -> None:
    asked: list[str] = []

    async def stands(word: str) -> bool:
        asked.append(word)
        return word == "corretno"

    assert asyncio.run(Mender(Listed(*ENGLISH)).mend("the Corretno", "en", stands)) == ("the Corretno", {})
    assert asked == ["corretno"]
