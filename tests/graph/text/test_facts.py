"""What of a sentence must not change: its quantities, its names, its denials and its opposites."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.text.facts import OPPOSITES, count_negations, count_opposites, names, negated_clauses, plain_words

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)


@settings(deadline=None)
@given(TEXT)
def test_any_text_can_be_read(text: str) -> None:
    assert count_negations(text) >= 0
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
        "It lacks a seal.",
        "He is unable to come.",
        "Smoking is prohibited.",
        "It isn`t so.",
    ],
)
def test_a_denial_is_seen(text: str) -> None:
    assert count_negations(text) == 1


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
    assert count_negations(text) == 0


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The pump is not dry.", {"pump", "dri"}),
        ("It is red, and it has no seal.", {"seal"}),
        ("Dental work is not covered.", {"dental", "work", "cover"}),
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
    assert frozenset[str]().union(*negated_clauses(text)) == found


def test_two_denials_are_counted() -> None:
    assert count_negations("It is neither fast nor quiet.") == 2


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
    assert count_opposites(plain_words(claim), plain_words(passage)) > 0


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
    assert count_opposites(plain_words(claim), plain_words(passage)) == 0


def test_being_opposed_is_mutual() -> None:
    one, other = plain_words("more before"), plain_words("less after")
    assert count_opposites(one, other) == count_opposites(other, one) == 2


def test_every_pair_of_opposites_has_two_words() -> None:
    assert {len(pair) for pair in OPPOSITES} == {2}


@pytest.mark.parametrize("pair", sorted(sorted(pair) for pair in OPPOSITES), ids="/".join)
def test_every_opposite_is_written_as_words_are_looked_up(pair: list[str]) -> None:
    one, other = pair
    assert count_opposites({one}, {other}) == 1
    assert all(word in plain_words(word) for word in pair)


def test_plain_words_are_the_words_as_they_stand_and_their_stems() -> None:
    assert plain_words("O’Brien's Pumps") >= {"o'brien", "pumps", "pump"}
