"""The trail as a stack, and back from its tags."""

import pytest

from graph.registry.stages import RegistryChange
from graph.registry.transitions import (
    Action,
    Actor,
    Reason,
    State,
    Transition,
    ever_placed,
    productions,
    read_transition,
    release_before,
    transition_tags,
)

MOVER = Actor("alice", "box", 7)


def moved(action: Action, version: int | None, state: State = "done", stage: str = "production") -> Transition:
    return Transition(action, stage, version, None, MOVER, state=state)


def went(*moves: tuple[Action, int | None]) -> list[Transition]:
    return [moved(action, version) for action, version in moves]


THREE = went(("promote", 1), ("promote", 2), ("promote", 3))


def test_a_second_rollback_goes_one_further_back_and_not_forth() -> None:
    assert release_before(THREE, {1, 2, 3}) == 2
    once = [*THREE, moved("rollback", 2)]
    assert (productions(once), release_before(once, {1, 2, 3})) == ([1, 2], 1)
    twice = [*once, moved("rollback", 1)]
    assert (productions(twice), release_before(twice, {1, 2, 3})) == ([1], None)


def test_a_promotion_after_a_rollback_goes_back_to_what_was_rolled_back_to() -> None:
    assert release_before([*THREE, moved("rollback", 2), moved("promote", 4)], {1, 2, 3, 4}) == 2


def test_a_version_that_was_promoted_again_goes_back_to_the_one_between() -> None:
    assert release_before([*THREE, moved("promote", 1)], {1, 2, 3}) == 3


def test_a_release_that_is_gone_is_passed_over() -> None:
    assert release_before(THREE, {1, 3}) == 1
    assert productions([*THREE, moved("rollback", 1)]) == [1]


def test_what_did_not_happen_or_happened_elsewhere_does_not_count() -> None:
    other = [moved("promote", 9, "withdrawn"), moved("promote", 9, "under way"), moved("promote", 9, stage="staging")]
    assert productions([*THREE, *other]) == [1, 2, 3]


def test_an_alias_that_was_taken_away_is_gone_back_over() -> None:
    assert release_before(went(("promote", 1), ("found", None)), {1}) == 1
    assert release_before(went(("promote", 1), ("found", None), ("promote", 2)), {1, 2}) == 1


def test_nothing_is_before_the_first() -> None:
    assert (release_before([], {1}), release_before(went(("promote", 1)), {1})) == (None, None)


def test_found_twice_is_gone_back_over_once() -> None:
    assert release_before(went(("promote", 1), ("found", 2), ("found", 2)), {1, 2}) == 1


def test_versions_that_had_a_stage_once() -> None:
    trail = [
        Transition("promote", "staging", 3, 2, MOVER, state="done"),
        moved("shadow", 9),
        moved("promote", 8, "withdrawn"),
    ]
    assert ever_placed(trail) == {2, 3}


def test_a_move_comes_back_from_its_tags_whole() -> None:
    steps = (RegistryChange("alias", "production", "3"), RegistryChange("alias", "staging", None))
    why = Reason("CHG-1", "no [bold]reason[/bold]", "e" * 64)
    move = Transition("promote", "production", 3, 2, MOVER, why, "", steps, "id", 5, "done")
    assert read_transition("id", 5, "done", transition_tags(move)) == move
    first = Transition("split", "split", None, None, MOVER, detail="v3=0.1", id="x", made=1)
    assert read_transition("x", 1, "under way", transition_tags(first)) == first


@pytest.mark.parametrize("missing", ["warrant.action", "warrant.changes", "warrant.process"])
def test_a_run_of_somebody_elses_is_no_move(missing: str) -> None:
    tags = transition_tags(moved("promote", 1))
    del tags[missing]
    assert read_transition("id", 1, "done", tags) is None
