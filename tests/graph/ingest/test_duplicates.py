import pytest

from graph.ingest.document import Metadata
from graph.ingest.duplicates import Duplicates

WORDS = [f"{first}{second}" for first in "bdfghjklmn" for second in ("ara", "ebo", "ilu", "ono", "uma")]
LONG = " ".join(WORDS * 4)


def second_like(
    one: str, other: str, about_one: Metadata | None = None, about_other: Metadata | None = None
) -> str | None:
    duplicates = Duplicates()
    assert duplicates.first_duplicate("first", one, about_one or {}) is None
    return duplicates.first_duplicate("second", other, about_other or {})


@pytest.mark.parametrize("text", ["Check the seal.", LONG])
def test_an_exact_copy_is_found(text: str) -> None:
    assert second_like(text, text) == "first"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Check the seal, now!", " Check the\n\nseal,\u00a0 now!\n"),
        ("Café Nord is open.", "Cafe\u0301 Nord is open."),
        ("Check it yearly.", "Check it year\u00adly."),
    ],
)
def test_what_carries_nothing_makes_no_other_document(one: str, other: str) -> None:
    assert second_like(f"{one}\n{LONG}", f"{other}\n{LONG}") == "first"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tenants may keep dogs.", "Tenants may not keep dogs."),
        ("It takes two hours.", "It takes two days."),
        ("Contact us at once.", "Contact US at once."),
        ("The weight is in Maßen fixed.", "The weight is in Massen fixed."),
        ("an area of 10\u00b2", "an area of 102"),
        ("It costs 1.500.", "It costs 1,500."),
        ("Set it to\n5 °C.", "Set it to\n- 5 °C."),
        ("| EU | | 5 |", "| EU | 5 | |"),
    ],
)
def test_what_may_change_the_meaning_makes_another_document(one: str, other: str) -> None:
    assert second_like(f"{LONG}\n{one}\n{LONG}", f"{LONG}\n{other}\n{LONG}") is None


@pytest.mark.parametrize("text", ["Check the seal.", LONG])
def test_documents_that_differ_in_metadata_are_no_copies(text: str) -> None:
    assert second_like(text, text, {"region": "EU"}, {"region": "US"}) is None
    assert second_like(text, text, {}, {"allowed_groups": ["hr"]}) is None


def test_the_order_of_metadata_fields_does_not_matter() -> None:
    assert second_like("Check it.", "Check it.", {"a": 1, "b": 2}, {"b": 2, "a": 1}) == "first"


def test_the_first_of_several_is_named() -> None:
    duplicates = Duplicates()
    copies = [
        duplicates.first_duplicate(name, text, {}) for name, text in [("a", "One."), ("b", "Two."), ("c", "Two. ")]
    ]
    assert [*copies, duplicates.first_duplicate("d", " One.", {})] == [None, None, "b", "a"]
