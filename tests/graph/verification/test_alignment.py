"""What a claim changes of a sentence that it otherwise copies."""

import pytest

from graph.verification.alignment import copy_difference, is_near_copy

PUMP = "In 1990, the pump was built by Weber in Leeds, the largest city of the north."


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (PUMP, None),
        ("The pump was built by Weber in Leeds, in 1990.", None),
        ("In 1990, the pump was not built by Weber in Leeds, the largest city of the north.", "denial"),
        ("The pump wasn't built by Weber in Leeds, the largest city of the north, in 1990.", "denial"),
        ("In 1990, the pump was built by Weber in Leeds, the smallest city of the north.", "opposite"),
        ("In 1990, the pump was built by Leeds in Weber, the largest city of the north.", "opposite"),
        ("In 1990, the pump was built by Weber in Leeds, the prettiest city of the north.", "word"),
        ("In 1990, the pump was not built by Weber in Leeds, the prettiest city of the north.", "word"),
        ("In 1991, the pump was built by Weber in Leeds, the largest city of the north.", "value"),
        ("Weber is a company that makes pumps of all kinds.", None),
    ],
)
def test_a_claim_that_copies_a_sentence_says_what_it_changes(claim: str, expected: str | None) -> None:
    assert copy_difference(claim, PUMP, "en") == expected


@pytest.mark.parametrize(
    ("language", "sentence", "claim", "expected"),
    [
        ("en", "Pump 6 moves 14 litres, pump 9 moves 19 litres.", "Pump 6 moves 19 litres, pump 9 moves 19 litres.",
         "value"),
        ("fr", "Le locataire donne un préavis de trois mois, le bailleur un préavis de six mois.",
         "Le locataire donne un préavis de six mois.", "value"),
        ("en", "Shops open at 9:00 from May on, bars open at 10:00 from May on.", "Bars open at 10:00 from May on.",
         None),
        ("en", "In 2023 sales rose by 5 percent, in 2024 by 7 percent.", "In 2024 sales rose by 7 percent.", None),
        ("en", "The fee is 90 euros a year, for students 45 euros.", "The fee is 45 euros a year for students.", None),
        ("en", "The seal lasts 18 months in clean water.", "The seal lasts 1.5 years in clean water.", None),
    ],
)  # fmt: skip
def test_a_number_is_compared_with_the_one_in_its_place(
    language: str, sentence: str, claim: str, expected: str | None
) -> None:
    assert copy_difference(claim, sentence, language) == expected


@pytest.mark.parametrize(
    ("sentence", "claim", "expected"),
    [
        ("The buyer owes the seller a deposit of 300 euros.", "The seller owes the buyer a deposit of 300 euros.",
         "opposite"),
        ("Bread and fruit are sold at the kiosk by the gate.", "Fruit and bread are sold at the kiosk by the gate.",
         None),
        ("The locker is free from 31 March 2026.", "The locker is free until 31 March 2026.", "opposite"),
        ("The locker is free from 31 March 2026.", "The locker is free as of 31 March 2026.", None),
        ("Tenants may use the bicycle cellar.", "Only tenants may use the bicycle cellar.", "limit"),
        ("A place in the cellar costs 9 euros.", "A place in the cellar costs only 9 euros.", None),
    ],
)  # fmt: skip
def test_small_words_and_who_does_what_to_whom_are_compared(sentence: str, claim: str, expected: str | None) -> None:
    assert copy_difference(claim, sentence, "en") == expected


@pytest.mark.parametrize(
    ("language", "sentence", "claim"),
    [
        ("en", "You cannot open the valve at night.", "You can open the valve at night."),
        ("en", "Visitors without a badge wait at the desk.", "Visitors with a badge wait at the desk."),
        ("de", "Die Tür ist nicht für Gäste bestimmt.", "Die Tür ist für Gäste bestimmt."),
        ("fr", "Les chiens ne sont pas admis dans la piscine.", "Les chiens sont admis dans la piscine."),
        ("es", "No se permite fumar en el almacén.", "En el almacén se permite fumar."),
        ("it", "Il cane non può entrare nella sala.", "Il cane può entrare nella sala."),
        ("nl", "Roken is in het magazijn niet toegestaan.", "Roken is in het magazijn toegestaan."),
    ],
)
def test_a_denial_dropped_is_seen_in_six_languages(language: str, sentence: str, claim: str) -> None:
    assert copy_difference(claim, sentence, language) == "denial"
    assert copy_difference(sentence, claim, language) == "denial"


@pytest.mark.parametrize(
    ("sentence", "claim"),
    [
        ("The trains of Leeds and York stop here at noon.", "The trains of York and Leeds stop here at noon."),
        ("It increases the pressure in the second tank.", "It increased the pressure in the second tank."),
    ],
)
def test_what_says_the_same_changes_nothing(sentence: str, claim: str) -> None:
    assert copy_difference(claim, sentence, "en") is None


def test_words_in_another_order_are_no_copy() -> None:
    assert is_near_copy(PUMP, PUMP)
    assert not is_near_copy(" ".join(reversed(PUMP.split())), PUMP)
