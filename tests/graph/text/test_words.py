import subprocess
import sys
from itertools import product
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.text.words import EMPTY_WORDS, empty_words, equal_weight, has_term, numbers, share, terms, weights

few = settings(deadline=None)


def test_content_words_come_as_stems_in_their_order() -> None:
    assert terms("The installed batteries were charging") == ["instal", "batteri", "charg"]


def test_forms_of_a_word_share_a_stem() -> None:
    assert terms("warranty") == terms("Warranties") == terms("WARRANTY")


PHRASES = (
    "How many days of parental leave are there?",
    "The skies over the USA, dying early; onlookers were saying so.",
    "Die Überstunden der Äbtissin, 30 Tage",
    "契約の期間は三年です 2026",
    "US citizens' 1.500 euros",
    "",
)


@pytest.mark.parametrize("language", ["en", "de", "ja", ""])
def test_a_text_has_a_term_when_it_is_one_of_its_terms(language: str) -> None:
    for text, other in product(PHRASES, PHRASES):
        wanted = set(terms(other, language))
        assert has_term(text, wanted, language) == (not wanted.isdisjoint(terms(text, language)))


STEMS_IN_THREADS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from graph.text.words import terms

sys.setswitchinterval(1e-6)
parts = "bcdfglmnprst", ("organis", "certif", "instal"), ("ational", "iveness", "ousli", "ements", "ized", "ying")
texts = [" ".join("".join(word) for word in product(first, *parts[1:])) for first in parts[0]]
with ThreadPoolExecutor(len(texts)) as pool:
    told = list(pool.map(terms, texts))
terms.__globals__["_stem"].cache_clear()
print(told == [terms(text) for text in texts])
"""


def test_stems_are_the_same_when_several_threads_ask_for_them_at_once() -> None:
    """In a process of its own, in which no stem is known yet."""
    done = subprocess.run([sys.executable, "-c", STEMS_IN_THREADS], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_words_without_meaning_are_left_out() -> None:
    assert terms("what is the of and to would you") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("And in the US?", ["us"]),
        ("Show us how it is.", ["show"]),
        ("the IT desk and the WHO", ["it", "desk", "who"]),
        ("Who is it?", []),
        ("U.S. sales", ["us", "sale"]),
        ("the USA", ["us"]),
        ("the US's fee", ["us", "fee"]),
        ("WHO'S THERE?", []),
        ("WHO CALLS US ABOUT IT?", ["call"]),
    ],
)
def test_a_name_that_is_written_like_an_empty_word_counts_where_its_capitals_tell_it(
    text: str, found: list[str]
) -> None:
    assert terms(text) == found


def test_a_possessive_is_the_word_itself_with_either_apostrophe() -> None:
    assert terms("customer's") == terms("customer’s") == ["custom"]


def test_numbers_stay_as_they_stand() -> None:
    assert terms("5 1,000.50 2025-01-31 10:30") == ["5", "1,000.50", "2025-01-31", "10:30"]


def test_a_full_stop_after_a_number_is_not_part_of_it() -> None:
    assert terms("It lasts 10.") == ["last", "10"]


def test_a_unit_written_to_its_number_is_a_word_of_its_own() -> None:
    assert terms("11kW") == ["11", "kw"]


def test_letters_beyond_ascii_belong_to_their_word() -> None:
    assert terms("Prüfung_Größe naïve") == ["prüfung", "größe", "naïv"]


@pytest.mark.parametrize(
    ("language", "text", "found"),
    [
        ("de", "Die Prüfungen der Pumpen", ["prufung", "pump"]),
        ("fr", "les garanties de la pompe", ["garant", "pomp"]),
        ("en", "die garanties", ["die", "garanti"]),
        ("pl", "gwarancja jest", ["gwarancj"]),
    ],
)
def test_a_text_in_another_language_loses_its_empty_words_and_endings(
    language: str, text: str, found: list[str]
) -> None:
    assert terms(text, language) == found


def test_a_language_that_is_not_known_has_no_empty_words() -> None:
    assert (empty_words("xx"), empty_words("und")) == (frozenset(), frozenset())
    assert "die" in empty_words("de")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("保証期間", ["保証", "証期", "期間"]),
        ("保証は五年です", ["保証", "証は", "は五", "五年", "年で"]),
        ("酒", ["酒"]),
        ("보증기간", ["보증", "증기", "기간"]),
        ("การ", ["กา", "าร"]),
    ],
)
def test_scripts_without_blanks_count_by_pairs_of_characters(text: str, found: list[str]) -> None:
    assert terms(text) == found


def test_the_numbers_of_a_text_are_found_among_its_words() -> None:
    assert numbers("Within 30 days, at 1.5 kW, in 30 cases") == {"30", "1.5"}


def test_a_text_without_numbers_has_none() -> None:
    assert numbers("no number here") == set()


@few
@given(st.text())
def test_terms_of_any_text_are_never_empty_and_its_numbers_are_among_them(text: str) -> None:
    found = terms(text)
    assert [term for term in found if not term] == []
    assert numbers(text) <= set(found)


@few
@given(st.lists(st.sampled_from(sorted(EMPTY_WORDS))))
def test_no_mixture_of_empty_words_has_a_term(words: list[str]) -> None:
    assert terms(" ".join(words)) == []


def test_a_rare_term_weighs_more_than_a_common_one() -> None:
    assert weights([["pump", "valve"], ["pump"], ["pump", "pump"]]) == {
        "pump": log(4 / 3.5),
        "valve": log(4 / 1.5),
    }


def test_no_texts_have_no_weights() -> None:
    assert weights([]) == {}


def test_a_share_is_weighted() -> None:
    assert share(["pump", "valve"], ["valve", "hose"], {"pump": 1.0, "valve": 3.0}.__getitem__) == 0.75


def test_a_term_without_a_weight_counts_by_default() -> None:
    assert share(["pump", "new"], ["pump"], lambda term: {"pump": 1.0}.get(term, 3.0)) == 0.25


def test_a_term_wanted_twice_counts_once() -> None:
    assert share(["pump", "pump", "valve"], ["pump"], equal_weight) == 0.5


def test_where_nothing_is_wanted_all_is_held() -> None:
    assert share([], ["pump"], equal_weight) == 1.0


@few
@given(st.sets(st.text(max_size=3)), st.sets(st.text(max_size=3)))
def test_a_share_is_whole_when_all_is_found(wanted: set[str], found: set[str]) -> None:
    assert 0.0 <= share(wanted, found, equal_weight) <= 1.0
    assert share(wanted, wanted | found, equal_weight) == 1.0
