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
        ("Check the official fluid.", "Check the o\ufb03cial \ufb02uid."),
        ("Café \u201cNord\u201d isn\u2019t open.", 'Cafe\u0301 "Nord" isn\'t open.'),
        ("Check it yearly.", "Check it year\u00adly."),
        ("The **Part** is new.\n\n- Oil it.\n- Dry it.", "The Part is new.\nOil it.\n\u2022 Dry it."),
    ],
)
def test_what_carries_nothing_makes_no_other_document(one: str, other: str) -> None:
    assert second_like(f"{one}\n{LONG}", f"{other}\n{LONG}") == "first"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tenants may keep dogs.", "Tenants may not keep dogs."),
        ("Mieter dürfen Hunde halten.", "Mieter dürfen keine Hunde halten."),
        ("Les chiens sont admis.", "Les chiens ne sont pas admis."),
        ("between us and Harrow Mills", "between us and Selby Mills"),
        ("It ends in March.", "It ends in October."),
        ("It takes two hours.", "It takes two days."),
        ("It takes one hour.", "It takes two hours."),
        ("five percent", "nine percent"),
        ("The yard in Leiden", "The yard in Delft"),
        ("Contact us at once.", "Contact US at once."),
        ("dass Sie zahlen", "dass sie zahlen"),
        ("5 mW", "5 MW"),
        ("The weight is in Maßen fixed.", "The weight is in Massen fixed."),
        ("It takes 1.5 days.", "It takes 1-5 days."),
        ("It costs 1.500.", "It costs 1,500."),
        ("10-12 bolts", "10 12 bolts"),
        ("an area of 10\u00b2", "an area of 102"),
        ("Set it to 5 °C.", "Set it to -5 °C."),
        ("Set it to\n5 °C.", "Set it to\n- 5 °C."),
        ("It costs 5 €.", "It costs 5 $."),
        ("Keep it < 5.", "Keep it > 5."),
        ("Keep it ≤ 5.", "Keep it ≥ 5."),
        ("5 ± 1", "5 + 1"),
        ("give 5 %", "give 5"),
        ("EU 5 years, US 2 years", "EU 2 years, US 5 years"),
        ("| EU | | 5 |", "| EU | 5 | |"),
        ("2**10", "210"),
        ("f(**a)", "f(a)"),
        ("# allow root", "allow root"),
        ("| ~~7~~ 9 |", "| 7 9 |"),
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
