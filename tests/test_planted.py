"""Faults planted into true sentences: what a check of claims is measured with."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.planted import (
    FAULTS,
    OPPOSITES,
    REWORDINGS,
    TURNED,
    UNITS,
    contracted,
    introduced,
    invented,
    mixed,
    negated_terms,
    other_name,
    other_number,
    other_unit,
    reordered,
    turned,
    without_aside,
)
from graph.text.facts import count_negations, names
from graph.text.values import missing_values, values

CLAIM = "In Berlin the Corrento pump (a new one) must run before May for 5 years, which is long, at 1,200 EUR."
OTHERS = ["In Rome the Montara drive was sold to nobody at all last year.", "It is read in Lisbon by the old people."]


def chance(seed: int = 0) -> random.Random:
    return random.Random(seed)


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_another_number_changes_exactly_one_digit_of_a_number(seed: int) -> None:
    changed = other_number("It is 1,200.50 EUR for 5 to 10 days.", [], chance(seed))
    assert changed
    pairs = [(a, b) for a, b in zip("It is 1,200.50 EUR for 5 to 10 days.", changed, strict=True) if a != b]
    assert [a.isdigit() and b.isdigit() for a, b in pairs] == [True]


def test_without_a_number_there_is_no_other_one() -> None:
    assert other_number("E52 and v2.0 are none.", [], chance()) is None


def test_another_unit_keeps_the_number() -> None:
    assert other_unit("It is 5 years old.", [], chance()) == "It is 5 months old."
    assert other_unit("It costs 5 EUR.", [], chance()) == "It costs 5 USD."


def test_a_unit_without_a_number_is_left() -> None:
    assert other_unit("It is years old.", [], chance()) is None
    assert other_unit("It is 5 apples.", [], chance()) is None


def test_no_unit_is_exchanged_for_itself() -> None:
    assert not {old for old, new in UNITS.items() if old == new}


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_another_name_comes_from_another_text(seed: int) -> None:
    changed = other_name(CLAIM, OTHERS, chance(seed))
    assert changed
    assert names(changed) - names(CLAIM) <= {name for other in OTHERS for name in names(other)}
    assert len(names(CLAIM) - names(changed)) == 1


@pytest.mark.parametrize(
    ("claim", "others"),
    [("In Berlin it is.", []), ("It has no name.", OTHERS), ("We are in Rome.", ["He went to Rome."])],
)
def test_without_a_name_or_another_there_is_no_other_one(claim: str, others: list[str]) -> None:
    assert other_name(claim, others, chance()) is None


@pytest.mark.parametrize(
    ("claim", "changed"),
    [
        ("It is red.", "It is not red."),
        ("You must go and can stay.", "You must not go and can stay."),
        ("It is not red.", None),
        ("It cannot be red.", None),
        ("Nobody is here.", None),
        ("Run!", None),
        pytest.param("It is red, never, blue.", None, marks=pytest.mark.xfail(reason="a comma hides the denial")),
    ],
)
def test_a_denial_is_planted_where_there_is_none(claim: str, changed: str | None) -> None:
    assert negated_terms(claim, [], chance()) == changed


@pytest.mark.parametrize(
    ("claim", "changed"),
    [
        ("It ends before noon.", "It ends after noon."),
        ("Sales increased.", "Sales decreased."),
        ("The largest and the first.", "The smallest and the first."),
        ("Nothing of that kind.", None),
    ],
)
def test_a_word_is_turned_into_its_opposite(claim: str, changed: str | None) -> None:
    assert turned(claim, [], chance()) == changed


def test_every_word_that_is_looked_for_has_an_opposite() -> None:
    words = re.sub(r"\\b|[()]", "", OPPOSITES.pattern).split("|")
    forms = {
        form for word in words for form in ([word[:-5], word[:-5] + "s", word[:-5] + "d"] if "[" in word else [word])
    }
    assert forms <= TURNED.keys()


def test_turning_twice_gives_the_word_back() -> None:
    assert {word for word in TURNED if TURNED.get(TURNED[word], word) != word} == set()


def test_a_mixture_begins_as_the_claim_and_ends_as_another_text() -> None:
    found = mixed(CLAIM, OTHERS[:1], chance())
    assert found
    assert CLAIM.startswith(found[:40])
    assert OTHERS[0].endswith(found[-20:])


@pytest.mark.parametrize(("claim", "others"), [("Too short.", OTHERS), (CLAIM, ["Too short."]), (CLAIM, [])])
def test_what_is_short_is_not_mixed(claim: str, others: list[str]) -> None:
    assert mixed(claim, others, chance()) is None


def test_what_is_invented_is_a_sentence_of_another_text() -> None:
    assert invented(CLAIM, OTHERS, chance()) in OTHERS
    assert invented(CLAIM, [], chance()) is None


@settings(deadline=None)
@given(st.sampled_from(sorted(FAULTS)), st.integers(0, 1000))
def test_the_same_seed_plants_the_same_fault_and_no_fault_leaves_the_claim_as_it_was(kind: str, seed: int) -> None:
    one, same = (FAULTS[kind](CLAIM, OTHERS, chance(seed)) for _ in range(2))
    assert one == same
    assert one != CLAIM


@settings(deadline=None)
@given(st.sampled_from(sorted(FAULTS)), st.text(max_size=60), st.lists(st.text(max_size=60), max_size=3))
def test_any_text_can_be_given(kind: str, claim: str, others: list[str]) -> None:
    changed = FAULTS[kind](claim, others, chance())
    assert changed is None or isinstance(changed, str)


@pytest.mark.parametrize(
    ("kind", "claim", "said"),
    [
        ("as it stands", "The pump runs.", "The pump runs."),
        ("introduced", "The pump runs.", "According to the documents, the pump runs."),
        ("introduced", "NASA runs it.", "According to the documents, NASA runs it."),
        ("without an aside", "The pump (a new one) runs.", "The pump runs."),
        ("without an aside", "The pump, which is new, runs.", "The pump, runs."),
        ("without an aside", "The pump runs.", None),
        ("reordered", "In the year 2024, the sales of it rose.", "The sales of it rose, In the year 2024."),
        ("reordered", "In 2024, it rose.", None),
        ("reordered", "It rose.", None),
        ("contracted", "It is not so.", "It isn't so."),
        ("contracted", "It is so.", None),
    ],
)
def test_each_rewording_says_the_same(kind: str, claim: str, said: str | None) -> None:
    assert REWORDINGS[kind](claim) == said


@pytest.mark.parametrize("reword", [introduced, without_aside, reordered, contracted])
def test_rewording_keeps_numbers_and_denials(reword: object) -> None:
    claim = (
        "In the first years, the pump (of old) is not sold for more than 5 years, which is 30 percent, at 1,200 EUR."
    )
    said = REWORDINGS[next(kind for kind, own in REWORDINGS.items() if own is reword)](claim)
    assert said
    assert not missing_values(values(said), values(claim))
    assert count_negations(said) == count_negations(claim)
