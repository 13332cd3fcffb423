import pytest

from graph.ingest.document import Metadata
from graph.ingest.duplicates import SHORTEST, Duplicates

WORDS = [f"{first}{second}" for first in "bdfghjklmn" for second in ("ara", "ebo", "ilu", "ono", "uma")]
LONG = " ".join(WORDS * 4)
SHORT = " ".join(WORDS[: SHORTEST - 1])


def second_like(
    one: str, other: str, about_one: Metadata | None = None, about_other: Metadata | None = None
) -> str | None:
    duplicates = Duplicates()
    assert duplicates.first_like("first", one, about_one or {}) is None
    return duplicates.first_like("second", other, about_other or {})


def long_text(seed: int) -> str:
    return " ".join(f"{word}{chr(97 + (index * seed) % 23)}" for index, word in enumerate(WORDS * 6))


@pytest.mark.parametrize("text", ["Check the seal.", LONG])
def test_an_exact_copy_is_found(text: str) -> None:
    assert second_like(text, text) == "first"


def test_case_and_space_do_not_make_another_document() -> None:
    assert second_like("Check the seal, now!", " check the\n\nSEAL,  now!") == "first"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("It takes 1.5 days.", "It takes 1-5 days."),
        ("Set it to 5 °C.", "Set it to -5 °C."),
        ("It costs 5 €.", "It costs 5 $."),
        ("Keep it < 5.", "Keep it > 5."),
    ],
)
def test_a_sign_makes_another_document(one: str, other: str) -> None:
    assert second_like(one, other) is None


def test_numbers_that_changed_places_make_another_document() -> None:
    text = " ".join(f"word{number}" for number in range(300))
    assert second_like(text + " EU 5 years and US 2 years", text + " EU 2 years and US 5 years") is None


def test_a_near_copy_is_found() -> None:
    assert second_like(long_text(5), long_text(5) + " indeed") == "first"


def test_another_document_is_no_copy() -> None:
    assert second_like(long_text(5), long_text(7)) is None


def test_a_short_text_that_differs_in_a_word_is_no_copy() -> None:
    assert second_like(SHORT, SHORT + " not") is None


def test_documents_that_differ_in_one_number_are_no_copies() -> None:
    text = long_text(5)
    assert second_like(f"{text} after 5 years", f"{text} after 10 years") is None


def test_documents_that_differ_in_a_decimal_are_no_near_copies() -> None:
    text = long_text(5)
    assert second_like(f"{text} at 1.5 bar", f"{text} at 1.6 bar") is None


@pytest.mark.parametrize("text", ["Check the seal.", LONG])
def test_documents_that_differ_in_metadata_are_no_copies(text: str) -> None:
    assert second_like(text, text, {"region": "EU"}, {"region": "US"}) is None
    assert second_like(text, text, {}, {"allowed_groups": ["hr"]}) is None


def test_near_copies_that_differ_in_metadata_are_no_copies() -> None:
    assert second_like(long_text(5), long_text(5) + " indeed", {"region": "EU"}, {"region": "US"}) is None


def test_the_order_of_metadata_fields_does_not_matter() -> None:
    assert second_like("Check it.", "Check it.", {"a": 1, "b": 2}, {"b": 2, "a": 1}) == "first"


def test_the_first_of_several_is_named() -> None:
    duplicates = Duplicates()
    copies = [duplicates.first_like(name, text, {}) for name, text in [("a", "One."), ("b", "Two."), ("c", "two.")]]
    assert [*copies, duplicates.first_like("d", "ONE.", {})] == [None, None, "b", "a"]


def test_a_copy_of_a_near_copy_is_a_copy_of_the_first() -> None:
    duplicates = Duplicates()
    near = long_text(5) + " indeed"
    assert [
        duplicates.first_like(name, text, {}) for name, text in [("a", long_text(5)), ("b", near), ("c", near)]
    ] == [
        None,
        "a",
        "a",
    ]
