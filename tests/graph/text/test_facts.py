"""What of a sentence must not change: its quantities, its names, its denials and its opposites."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.text.facts import OPPOSITES, denials, denied, names, opposed, plain_words
from graph.text.quantities import COUNTED, MONTHS, quantities, values

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


def read(text: str) -> list[tuple[str, str]]:
    return sorted(quantities(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It takes 5 years.", [("5", "year")]),
        ("It takes five years.", [("5", "year")]),
        ("It is a 5-year term.", [("5", "year")]),
        ("It is the 3rd floor.", [("3", "floor")]),
        ("It costs 1,200 EUR.", [("1200", "eur")]),
        ("It costs 1,234,567.50 EUR.", [("1234567.5", "eur")]),
        ("It is 0.50 mm.", [("0.5", "mm")]),
        ("It is 007 mm.", [("7", "mm")]),
        ("It is 30% of it.", [("30", "percent")]),
        ("It is 30 percent.", [("30", "percent")]),
        ("It has 5kW.", [("5", "kw")]),
        ("It is 20°C warm.", [("20", "degre")]),
        ("It is €5 or 6€.", [("5", "eur"), ("6", "eur")]),
        ("There are 12.", [("12", "")]),
        ("It is one of them.", [("1", "")]),
        ("No number is here.", []),
        ("", []),
        ("E52 and K5 are names.", []),
    ],
)
def test_a_quantity_is_a_number_with_the_stem_of_its_unit(text: str, found: list[tuple[str, str]]) -> None:
    assert read(text) == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5 years", "five years"),
        ("5 years", "5-year"),
        ("1,200 EUR", "1200 EUR"),
        ("1,200 EUR", "1200.00 EUR"),
        ("30 percent", "30 %"),
        ("30%", "30 percent"),
        ("1 June 2024", "2024-06-01"),
        ("seventeen days", "17 days"),
        ("Ninety days", "90 days"),
        ("a five-year warranty", "a 5-year warranty"),
        ("1,200 EUR", "1.2 thousand EUR"),
        ("1.5 million people", "1,500,000 people"),
        ("2½ cups", "2.5 cups"),
        ("minus 20 degrees", "-20 °"),
        ("30 working days", "30 calendar days"),
        ("twenty-five days", "25 days"),
        ("one hundred days", "100 days"),
        ("30 per cent", "30%"),
        ("€1,200", "1,200 EUR"),
        ("$5 a day", "5 USD a day"),
    ],
)
def test_the_same_quantity_in_two_forms_is_one(one: str, other: str) -> None:
    assert read(one) == read(other)


@pytest.mark.parametrize("date", ["1 June 2024", "June 1, 2024", "2024-06-01", "1st of June 2024", "June 1st, 2024"])
def test_a_date_counts_by_its_parts_in_any_form(date: str) -> None:
    assert values(f"It begins on {date}.") == {"1", "2024"}


def test_an_iso_date_with_an_impossible_month_is_read_without_a_name() -> None:
    assert values("2024-13-01") == {"1", "13", "2024"}


@pytest.mark.parametrize("number", range(1, 13))
def test_every_month_of_an_iso_date_has_its_name(number: int) -> None:
    assert quantities(f"2024-{number:02}-05") == quantities(f"5 {MONTHS[number - 1].title()} 2024")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("5 years", "6 years"),
        ("5 years", "5 months"),
        ("5 EUR", "5 USD"),
        ("30%", "30 degrees"),
        ("1,200 EUR", "1,201 EUR"),
        ("1.5 mm", "15 mm"),
        ("2024-06-01", "2024-07-01"),
        ("2024-06-01", "2024-06-02"),
        ("five years", "six years"),
        ("5 million", "5 billion"),
        ("-20 degrees", "20 degrees"),
        ("Section 4.2.1", "Section 4.2.9"),
        ("1.6.2024", "1.6.2025"),
        ("v2.0.1", "v2.0.2"),
        (".5 mm", ".6 mm"),
        ("½ cup", "¼ cup"),
        ("a five-year warranty", "a nine-year warranty"),
        ("a hundred days", "a dozen days"),
        ("the third floor", "the fourth floor"),
    ],
)
def test_another_number_or_unit_is_another_quantity(one: str, other: str) -> None:
    assert quantities(one) != quantities(other)


def test_an_iso_date_with_a_time_is_still_a_date() -> None:
    assert {"1", "2024"} <= values("by 2024-06-01T10:00")
    assert "6" not in values("by 2024-06-01T10:00")


def test_a_year_before_a_comma_is_not_grouped_with_what_follows() -> None:
    assert values("In 2024,100 people came.") == {"2024", "100"}


def test_the_values_are_the_numbers_without_their_units() -> None:
    assert values("5 years and 30% of 1,200") == {"5", "30", "1200"}


@settings(deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(["days", "EUR", "kg", "percent"]))
def test_grouping_changes_no_quantity(number: int, unit: str) -> None:
    assert quantities(f"It is {number:,} {unit}.") == quantities(f"It is {number} {unit}.")


@settings(deadline=None)
@given(st.sampled_from(sorted(COUNTED)), st.sampled_from(["days", "years", "EUR"]))
def test_a_number_word_is_its_number(word: str, unit: str) -> None:
    assert quantities(f"It is {word.title()} {unit}.") == quantities(f"It is {COUNTED[word]} {unit}.")


@settings(deadline=None)
@given(TEXT)
def test_any_text_can_be_read(text: str) -> None:
    assert all(number.lstrip("-")[0].isdigit() for number in values(text))
    assert denials(text) >= 0
    assert names(text) <= plain_words(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The Corrento pump is Italian.", {"corrento", "italian"}),
        ("The NASA probe met the ESA one.", {"nasa", "esa"}),
        ("NASA launched it.", {"nasa"}),
        ("The O'Brien report", {"o'brien"}),
        ("The O’Brien report", {"o'brien"}),
        ("Signed in O’Brien's office", {"o'brien"}),
        ("By Jean-Luc in Aix-en-Provence", {"jean-luc", "aix-en-provence"}),
        ("It belongs to AT&T now.", {"at&t"}),
        ("The K5 and the COVID-19 wave", {"k5", "covid-19"}),
        ("The alarm E52 sounds.", {"e52"}),
        ("Under the GDPR", {"gdpr"}),
        ("Die Katze in München", {"katze", "münchen"}),
        ("Corrento pumps last.", set()),
        ("It ended. Then it rose.", set()),
        ('He said: "Prices fell."', set()),
        ("", set()),
        ("価格は5円です。", set()),
        ("plain words only", set()),
    ],
)
def test_names_are_the_capital_words_that_do_not_only_open_a_sentence(text: str, found: set[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("The Corrento pump", "corrento"),
        ("It is O'Brien's pump", "The pump of O’Brien"),
        ("The EU's rule", "A rule of the EU"),
        ("In Rome", "Romes gates and Rome itself"),
        ("A Jean-Luc", "He is Jean-Luc."),
        ("The pump has 5 kW.", "Power: 5 kW"),
        ("It used 7 kWh.", "7 kWh were used"),
        ("The pH is 7.", "A pH of 7"),
        ("Each iPhone has one.", "iPhone: one"),
        ("the 'Corrento' pump", "the Corrento pump"),
        ("the Millers' house", "the house of the Millers"),
        ("the Warsaw-based firm", "a firm in Warsaw"),
        ("It has 5kW.", "It has 5 kW."),
        ("On 1 June 2024", "On 2024-06-01"),
        ("the US army, not the UN", "the U.S. army, not the U.N."),
    ],
)
def test_a_name_is_found_in_a_passage_that_has_it_in_another_form(claim: str, passage: str) -> None:
    assert names(claim) - plain_words(passage) == set()


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("The Corrento pump", "The Montara pump"),
        ("By NASA", "By ESA"),
        ("The K5 pump", "The K6 pump"),
        ("On June 1, 2024", "On July 1, 2024"),
        ("In Jean-Luc's office", "In Jean-Paul's office"),
        ("On May 1, 2024", "On June 1, 2024"),
        ("The US price", "The EU price"),
        ("The WHO advice", "The CDC advice"),
        ("In Östersund", "In Älmhult"),
        ("The city of Łódź", "The city of Šiauliai"),
    ],
)
def test_a_name_is_missing_from_a_passage_that_has_another(claim: str, passage: str) -> None:
    assert names(claim) - plain_words(passage)


@pytest.mark.parametrize(
    "text",
    [
        "It is not so.",
        "It isn't so.",
        "It isn’t so.",
        "You cannot.",
        "You can't.",
        "It never ends.",
        "None came.",
        "It has no seal.",
        "It runs without oil.",
        "Nobody may.",
        "It is no longer sold.",
        "NOT SO",
        "It is non-refundable.",
        "It fails to start.",
        "It lacks a seal.",
        "He is unable to come.",
        "Smoking is prohibited.",
        "It isn`t so.",
    ],
)
def test_a_denial_is_seen(text: str) -> None:
    assert denials(text) == 1


@pytest.mark.parametrize(
    "text",
    [
        "It is so.",
        "A knot in Norway",
        "Notes of Noel.",
        "",
        "The nobility and the canon",
        "See No. 5.",
        "It is not only fast but also quiet.",
    ],
)
def test_what_only_looks_like_a_denial_is_none(text: str) -> None:
    assert denials(text) == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The pump is not dry.", {"dri"}),
        ("It is red, and it has no seal.", {"seal"}),
        ("Dental work is not covered.", {"cover"}),
        ("Never open the valve.", {"open", "valv"}),
        ("Smoking in the hall is prohibited.", {"smoke", "hall", "prohibit"}),
        ("Fees are non-refundable.", {"refund"}),
        ("It is not only fast but quiet.", set()),
        ("The pump is dry.", set()),
        ("It runs without oil. The seal is red.", {"oil"}),
        ("", set()),
    ],
)
def test_a_denial_reaches_what_follows_in_its_clause(text: str, found: set[str]) -> None:
    assert denied(text) == found


def test_two_denials_are_counted() -> None:
    assert denials("It is neither fast nor quiet.") == 2


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("Prices increased.", "Prices decreased."),
        ("It costs at most 5.", "It costs at least 5."),
        ("Entry is allowed.", "Entry is prohibited."),
        ("It includes tax.", "It excludes tax."),
        ("It is the largest.", "It is the smallest."),
        ("The valve is open.", "The valve is closed."),
        ("Approval is required.", "Approval is optional."),
        ("It is north of Rome.", "It is south of Rome."),
        ("He won.", "He lost."),
        ("Prices rose.", "Prices fell."),
        ("They bought it.", "They sold it."),
        ("They raised the fee.", "They reduced the fee."),
    ],
)
def test_opposites_are_seen_in_any_form(claim: str, passage: str) -> None:
    assert opposed(plain_words(claim), plain_words(passage)) > 0


@pytest.mark.parametrize(
    ("claim", "passage"),
    [
        ("Prices increased.", "Prices increased."),
        ("Prices increased.", "Prices decreased, then increased."),
        ("Prices increased.", "Prices are known."),
        ("", ""),
        ("Switch it off.", "At night, stop it."),
    ],
)
def test_a_word_that_the_passage_has_is_not_opposed(claim: str, passage: str) -> None:
    assert opposed(plain_words(claim), plain_words(passage)) == 0


def test_being_opposed_is_mutual() -> None:
    one, other = plain_words("more before"), plain_words("less after")
    assert opposed(one, other) == opposed(other, one) == 2


def test_every_pair_of_opposites_has_two_words() -> None:
    assert {len(pair) for pair in OPPOSITES} == {2}


@pytest.mark.parametrize("pair", sorted(sorted(pair) for pair in OPPOSITES), ids="/".join)
def test_every_opposite_is_written_as_words_are_looked_up(pair: list[str]) -> None:
    one, other = pair
    assert opposed({one}, {other}) == 1
    assert all(word in plain_words(word) for word in pair)


def test_plain_words_are_the_words_as_they_stand_and_their_stems() -> None:
    assert plain_words("O’Brien's Pumps") >= {"o'brien", "pumps", "pump"}


@pytest.mark.parametrize("digits", [400, 5000])
def test_a_fraction_behind_very_many_digits_is_no_number_of_ours(digits: int) -> None:
    assert quantities("9" * digits + "½ cups")
