"""What a move makes of where versions stand."""

import pytest

from graph.errors import PromotionRefused, RegistryUnavailable, VersionUnknown
from graph.registry.stages import (
    Placement,
    RegistryChange,
    changes,
    is_applied,
    number_of,
    promoted,
    with_shadow,
    with_split,
    without_shadow,
)

HELD = Placement({"production": 2, "staging": 3, "archived": 1})


def test_promoting_archives_the_one_before_and_empties_the_stage_that_was_left() -> None:
    assert promoted(HELD, 3, "production").aliases == {"production": 3, "archived": 2}


def test_the_first_release_archives_nothing() -> None:
    assert promoted(Placement({"staging": 1}), 1, "production").aliases == {"production": 1}


def test_an_archived_version_that_comes_back_is_archived_no_more() -> None:
    assert promoted(Placement({"archived": 1}), 1, "production").aliases == {"production": 1}
    assert promoted(HELD, 1, "production").aliases == {"production": 1, "archived": 2, "staging": 3}


def test_staging_a_version_leaves_production_and_its_archived_one_alone() -> None:
    assert promoted(HELD, 4, "staging").aliases == {"production": 2, "staging": 4, "archived": 1}


def test_production_is_not_staged() -> None:
    with pytest.raises(PromotionRefused, match="v2 is in production, and a version has one stage"):
        promoted(HELD, 2, "staging")


def test_a_version_has_one_stage_even_while_two_aliases_name_it() -> None:
    assert Placement({"production": 2, "staging": 2}).stage(2) == "production"


def test_the_first_step_of_a_promotion_is_the_one_that_decides() -> None:
    assert changes(HELD, promoted(HELD, 3, "production")) == (
        RegistryChange("alias", "production", "3"),
        RegistryChange("alias", "archived", "2"),
        RegistryChange("alias", "staging", None),
        RegistryChange("stage", "1", "archived"),
        RegistryChange("stage", "2", "archived"),
        RegistryChange("stage", "3", "production"),
    )


def test_a_version_pushed_out_of_staging_is_archived() -> None:
    assert changes(HELD, promoted(HELD, 4, "staging")) == (
        RegistryChange("alias", "staging", "4"),
        RegistryChange("stage", "3", "archived"),
        RegistryChange("stage", "4", "staging"),
    )


def test_nothing_changes_when_it_is_so_already() -> None:
    assert changes(HELD, promoted(HELD, 2, "production")) == ()


def test_whether_a_change_was_applied_is_seen_from_the_aliases() -> None:
    applied = (RegistryChange("alias", "production", "2"), RegistryChange("alias", "shadow", None))
    assert [is_applied(change, HELD) for change in applied] == [True, True]
    assert not is_applied(RegistryChange("alias", "staging", None), HELD)


def test_a_split_leaves_the_rest_to_production_and_is_read_again() -> None:
    then = with_split(HELD, {3: 0.1, 1: 0.05})
    assert then.split == {1: 0.05, 3: 0.1}
    assert with_split(then, {}).tags == {}


@pytest.mark.parametrize(
    ("shares", "sentence"),
    [
        ({3: 1.0}, "together below 1"),
        ({3: 0.6, 1: 0.4}, "together below 1"),
        ({3: 0.0}, "above 0"),
        ({3: -0.1}, "above 0"),
        ({3: float("nan")}, "above 0"),
        ({2: 0.1}, "v2 is in production; name another"),
    ],
)
def test_shares_that_cannot_be_are_refused(shares: dict[int, float], sentence: str) -> None:
    with pytest.raises(PromotionRefused, match=sentence):
        with_split(HELD, shares)


def test_without_production_there_is_nothing_to_split_or_shadow() -> None:
    staged = Placement({"staging": 3})
    with pytest.raises(PromotionRefused, match="No version is in production"):
        with_split(staged, {3: 0.1})
    with pytest.raises(PromotionRefused, match="No version is in production"):
        with_shadow(staged, 3, 0.1)


def test_a_shadow_has_an_alias_and_a_share() -> None:
    then = with_shadow(HELD, 3, 0.05)
    assert (then.shadow, then.aliases["staging"], without_shadow(then)) == ((3, 0.05), 3, HELD)


@pytest.mark.parametrize("share", [0.0, 1.5, -1.0, float("nan")])
def test_a_shadows_share_is_a_share(share: float) -> None:
    with pytest.raises(PromotionRefused, match="above 0 and at most 1"):
        with_shadow(HELD, 3, share)


def test_what_goes_into_production_leaves_the_split_and_the_shadow() -> None:
    then = promoted(with_shadow(with_split(HELD, {3: 0.1, 1: 0.2}), 3, 0.5), 3, "production")
    assert (then.split, then.shadow) == ({1: 0.2}, None)


@pytest.mark.parametrize("tag", ["[]", "{", '{"a": 1}', '{"1": "x"}'])
def test_a_split_that_somebody_broke_is_told(tag: str) -> None:
    with pytest.raises(RegistryUnavailable, match=r"warrant.split cannot be read; set it with"):
        _ = Placement({}, {"warrant.split": tag}).split


@pytest.mark.parametrize(("told", "number"), [("12", 12), ("v12", 12), ("staging", 3)])
def test_a_version_is_named_by_number_or_alias(told: str, number: int) -> None:
    assert number_of(told, HELD) == number


@pytest.mark.parametrize("told", ["", "0", "-1", "v", "1.5", "latest", "9999999999", "12 "])
def test_what_names_no_version_is_refused(told: str) -> None:
    with pytest.raises(VersionUnknown, match="archived, production, staging"):
        number_of(told, HELD)
