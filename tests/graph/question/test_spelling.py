"""Spelling by the index: what nobody knows is mended to what the index knows, and nothing else is touched."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.question.spelling import LONGEST, MOST, Speller
from graph.text.surfaces import Known, surfaces

NAMES = {"Normandy": 9, "Destiny": 4, "Beyoncé": 6, "Maastricht": 3, "KUBE-200": 3, "Genghis": 5}
WORDS = {"password": 20, "workshop": 5, "country": 9, "castle": 4, "cattle": 3, "policy": 30, "expense": 6, "rules": 4}
ORDINARY = {"bike", "castles", "beyond", "destiny", "the", "nomads", "rails"}


@dataclass(frozen=True)
class Listed:
    """An index with these words in public passages."""

    names: dict[str, int] = field(default_factory=lambda: NAMES)
    words: dict[str, int] = field(default_factory=lambda: WORDS)

    def _public(self) -> dict[str, Known]:
        listed = [(name.lower(), held, True) for name, held in self.names.items()]
        listed += [(word, held, False) for word, held in self.words.items()]
        return {word: Known(word, held, name) for word, held, name in listed}

    def known(self, word: str) -> bool:
        return word in self._public() or word in {"what", "is", "in", "to"}

    def of_length(self, letters: int) -> list[Known]:
        return [known for known in self._public().values() if len(known.word) == letters]


def mend(question: str, lexicon: Listed | None = None, seen: Collection[str] = ()) -> tuple[str, dict[str, str]]:
    return Speller(lexicon or Listed(), ORDINARY.__contains__, seen).mend(question)


@pytest.mark.parametrize(
    ("typed", "used"),
    [
        ("Nromandy", "Normandy"),
        ("Normady", "Normandy"),
        ("Normanndy", "Normandy"),
        ("Normamdy", "Normandy"),
        ("oNrmandy", "Normandy"),
        ("NNormandy", "Normandy"),
        ("nromandy", "normandy"),
        ("Beyonce", "Beyoncé"),
        ("Maastrihtc", "Maastricht"),
        ("NROMANDY", "NORMANDY"),
        ("pasword", "password"),
    ],
)
def test_a_misspelt_word_becomes_the_one_that_the_index_knows(typed: str, used: str) -> None:
    text, mended = mend(f"What is {typed}?")
    assert (text, mended) == (f"What is {used}?", {typed: used})


def test_a_genitive_keeps_its_ending() -> None:
    assert mend("What is Beyonec's country?") == ("What is Beyoncé's country?", {"Beyonec": "Beyoncé"})


def test_several_words_are_mended_each() -> None:
    assert mend("is teh pasword in Nromandy")[1] == {"pasword": "password", "Nromandy": "Normandy"}


def test_of_a_text_full_of_unknown_words_only_the_first_are_looked_at() -> None:
    assert mend("xqzvw " * (MOST - 1) + "pasword nromandy")[1] == {"pasword": "password"}


def test_a_word_that_the_index_knows_is_never_touched() -> None:
    index = Listed(words={**WORDS, "contry": 1, "country": 1000})
    assert mend("What contry is it in?", index) == ("What contry is it in?", {})


def test_an_ordinary_word_is_never_touched() -> None:
    assert mend("beyond the Destiny nomads rails")[1] == {}


def test_a_word_between_two_that_are_as_close_is_left_alone() -> None:
    assert mend("What is a catle?")[1] == {}


def test_a_far_better_known_word_wins_over_one_that_is_as_close() -> None:
    assert mend("What is a catle?", Listed(words={"castle": 12, "cattle": 3}))[1] == {"catle": "castle"}
    assert mend("What is a catle?", Listed(words={"castle": 11, "cattle": 3}))[1] == {}


def test_a_name_is_preferred_to_a_word_that_is_as_close() -> None:
    assert mend("What is a catle?", Listed(names={"Castle": 4}, words={"cattle": 3}))[1] == {"catle": "castle"}


def test_forms_of_one_word_are_no_rivals() -> None:
    assert mend("the expenes", Listed(words={"expense": 2, "expenses": 2}))[1] == {"expenes": "expense"}


def test_a_capital_inside_a_sentence_asks_for_a_name() -> None:
    assert mend("What is Polixy?")[1] == {}
    assert mend("Polixy?")[1] == {"Polixy": "Policy"}


def test_two_changes_are_made_in_a_long_name_only() -> None:
    words = Listed(names={"Maastricht": 3, "Destiny": 3}, words={"settlement": 9})
    assert mend("mastrict maestrixht detsny setlemant", words)[1] == {"maestrixht": "maastricht"}


@pytest.mark.parametrize("typed", ["Nrse", "KUBE-201", "KUBE-2000", "tRNAs", "NATOO", "2024", "KUBE", "bike"])
def test_what_may_be_right_is_left_alone(typed: str) -> None:
    index = Listed(names={**NAMES, "Norse": 9, "TRNA": 8, "NATO": 9, "tRNA": 9, "Cube": 9})
    assert mend(f"What is {typed}?", index)[1] == {}


def test_a_short_word_keeps_its_first_letter_unless_keys_lie_side_by_side() -> None:
    index = Listed(names={"Riley": 5, "Turing": 5})
    assert mend("is Miley to Yuring", index)[1] == {"Yuring": "Turing"}


def test_a_code_is_mended_in_its_letters_and_never_in_its_digits() -> None:
    assert mend("What is KUEB-200?") == ("What is KUBE-200?", {"KUEB-200": "KUBE-200"})
    assert mend("What is KUBE-20?")[1] == {}
    assert mend("What is KUBE-020?")[1] == {}


def test_two_words_become_the_one_that_the_index_knows() -> None:
    assert mend("in the work shop") == ("in the workshop", {"work shop": "workshop"})
    assert mend("in the work", Listed(words={"thework": 2}))[1] == {}
    known = Listed(words={**WORDS, "work": 2, "shop": 2})
    assert mend("in the work shop", known)[1] == {}


def test_one_word_becomes_the_two_that_the_index_knows() -> None:
    assert mend("the expenserules")[1] == {"expenserules": "expense rules"}
    assert mend("the Expenserules")[1] == {}


def test_a_word_that_the_caller_has_seen_is_left_alone_and_never_offered() -> None:
    assert mend("is nromandy", seen={"nromandy"})[1] == {}
    assert mend("is nromandy", seen={"nromandi"})[1] == {"nromandy": "normandy"}
    assert mend("in the work shop", seen={"work", "shop"})[1] == {}


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_mended_to_words_of_public_passages_only(text: str) -> None:
    mended_text, mended = mend(text)
    assert (mended == {}) == (mended_text == text)
    listed = {word.lower() for word in (*NAMES, *WORDS)}
    assert {word for used in mended.values() for word in surfaces(used)} <= listed | surfaces(" ".join(NAMES))


class Watched(Listed):
    """Remembers what it was asked for."""

    asked: ClassVar[list[str]] = []

    def known(self, word: str) -> bool:
        self.asked.append(word)
        return super().known(word)


@pytest.mark.parametrize("long", ["passwordworkshop" * 100, "a1" * 400, "https://example.org/" + "a" * 400, "X" * 900])
def test_no_part_of_a_very_long_word_is_looked_up(long: str) -> None:
    lexicon = Watched()
    lexicon.asked.clear()
    assert mend(f"What is {long}?", lexicon) == (f"What is {long}?", {})
    assert not [word for word in lexicon.asked if len(word) > LONGEST]
    assert len(lexicon.asked) < 10
