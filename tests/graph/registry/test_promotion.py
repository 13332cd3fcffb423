"""Promotions and rollbacks in MLflow on SQLite: who may go where, what is written down, and what a crash leaves."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from versions_under_test import MODEL, Made, digest_of

from graph.errors import PromotionRefused, RegistryUnavailable, VersionUnknown, WarrantInvalid
from graph.registry.client import Registry, open_registry
from graph.registry.promotion import Override, PromotionEvidence, promote, roll_back, shadow, split
from graph.registry.stages import RegistryChange
from graph.registry.transitions import ABANDONED_AFTER, Actor, Reason, Transition
from graph.registry.warrant import Warrant, WarrantScore
from graph.registry.write_ahead import recover
from graph.release import Release

pytestmark = pytest.mark.slow

ME = Actor("alice", "box", os.getpid())
WHY = Reason("CHG-1", "better")
RELEASES = [Release(name=name) for name in ("one", "two", "three", "four")]


def warrant_for(release: Release, **more: Any) -> Warrant:
    scores = {"groundedness": WarrantScore(value=0.91, low=0.88, high=0.94)}
    told = {"release": digest_of(release), "dataset": "d" * 64, "scores": scores, "verdict": "pass", "judge": "people"}
    return Warrant.model_validate({**told, "approver": "bob", "ticket": "CHG-1", "made": "2026-01-01", **more})


@pytest.fixture(scope="session")
def furnished(empty: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Three versions, each with its warrant; none is anywhere."""
    made = Made(Path(shutil.copytree(empty.parent, tmp_path_factory.mktemp("furnished"), dirs_exist_ok=True)))
    opened = open_registry(made.uri, MODEL)
    for release in RELEASES[:3]:
        opened.store(opened.version(made.add(release)), warrant_for(release))
    return made


@pytest.fixture
def made(furnished: Made, tmp_path: Path) -> Made:
    """A copy of that; the artifacts lie where they lay."""
    shutil.copy(furnished.place / "mlflow.db", tmp_path)
    return Made(tmp_path)


@pytest.fixture
def registry(made: Made) -> Registry:
    return open_registry(made.uri, MODEL)


def stages(registry: Registry) -> dict[int, str]:
    """What MLflow's own page shows."""
    return {version.number: version.tags.get("warrant.stage", "") for version in registry.versions()}


def told(registry: Registry) -> list[tuple[str, int | None, int | None, str]]:
    return [(move.action, move.before, move.version, move.state) for move in registry.transitions()]


def test_a_promotion_moves_the_alias_archives_the_one_before_and_is_written_down(registry: Registry) -> None:
    promote(registry, ME, "1", "production", WHY)
    promote(registry, ME, "v2", "staging", Reason())
    outcome = promote(registry, ME, "staging", "production", Reason("CHG-2", "best"))
    assert outcome.changed
    assert registry.placement().aliases == {"production": 2, "archived": 1}
    assert stages(registry) == {3: "", 2: "production", 1: "archived"}
    last = registry.transitions()[-1]
    assert (last.action, last.before, last.version, last.state, last.actor) == ("promote", 1, 2, "done", ME)
    assert last.reason == Reason("CHG-2", "best", warrant_for(RELEASES[1]).digest)


def test_a_repeated_promotion_changes_nothing_and_leaves_no_trace(registry: Registry) -> None:
    promote(registry, ME, "1", "production", WHY)
    before = told(registry)
    assert not promote(registry, ME, "1", "production", WHY).changed
    assert told(registry) == before


def test_rolling_back_twice_goes_two_back_and_then_there_is_nothing_before(registry: Registry) -> None:
    for number in "123":
        promote(registry, ME, number, "production", WHY)
    assert [roll_back(registry, ME, Reason(note="slow")).placement.production for _ in range(2)] == [2, 1]
    assert stages(registry) == {3: "archived", 2: "archived", 1: "production"}
    assert told(registry)[-2:] == [("rollback", 3, 2, "done"), ("rollback", 2, 1, "done")]
    assert registry.transitions()[-1].reason.note == "slow"
    with pytest.raises(PromotionRefused, match="no release before v1"):
        roll_back(registry, ME, Reason())


def test_a_rollback_from_a_named_version_can_be_repeated(registry: Registry) -> None:
    for number in "123":
        promote(registry, ME, number, "production", WHY)
    assert roll_back(registry, ME, Reason(), "v3").placement.production == 2
    assert not roll_back(registry, ME, Reason(), "v3").changed
    with pytest.raises(PromotionRefused, match="v1 is not in production, v2 is"):
        roll_back(registry, ME, Reason(), "1")
    assert registry.placement().aliases["production"] == 2


def test_a_rollback_passes_over_a_version_that_was_deleted(registry: Registry, made: Made) -> None:
    for number in "123":
        promote(registry, ME, number, "production", WHY)
    made.client.delete_model_version(MODEL, "2")
    assert roll_back(registry, ME, Reason()).placement.production == 1


@pytest.mark.parametrize(
    ("warrant", "sentence"),
    [
        (None, "it has no warrant"),
        (warrant_for(RELEASES[0]), "given to another release"),
        (warrant_for(RELEASES[3], scores={}), "names no dataset, or no scores"),
        (warrant_for(RELEASES[3], verdict="override", reason=" "), "an override without a reason"),
    ],
)
def test_without_evidence_production_stays_closed_and_nothing_is_written(
    registry: Registry, made: Made, warrant: Warrant | None, sentence: str
) -> None:
    number = made.add(RELEASES[3])
    with pytest.raises(PromotionRefused, match=sentence):
        promote(registry, ME, str(number), "production", WHY, PromotionEvidence(warrant))
    assert (registry.placement().aliases, registry.transitions()) == ({}, [])
    assert registry.version(number).tags.get("warrant.warrant") is None


def test_a_warrant_that_is_given_is_stored_under_its_digest(registry: Registry, made: Made) -> None:
    number, warrant = made.add(RELEASES[3]), warrant_for(RELEASES[3])
    promote(registry, ME, str(number), "production", WHY, PromotionEvidence(warrant))
    version = registry.version(number)
    warrant = warrant.model_copy(update={"author": ME.who})
    assert (registry.warrant(version), version.tags["warrant.warrant"]) == (warrant, warrant.digest)
    run = str(made.client.get_model_version(MODEL, str(number)).run_id)
    assert [each.path for each in made.client.list_artifacts(run, "warrants")] == [f"warrants/{warrant.digest}.json"]


def test_an_override_is_a_warrant_that_says_so(registry: Registry, made: Made) -> None:
    number = made.add(RELEASES[3])
    given = PromotionEvidence(override=Override("the old one leaks", "carol", "INC-7"))
    promote(registry, ME, str(number), "production", Reason("INC-7"), given)
    stored = registry.warrant(registry.version(number))
    assert stored
    assert (stored.verdict, stored.reason, stored.approver, stored.ticket) == (
        "override",
        "the old one leaks",
        "carol",
        "INC-7",
    )
    assert registry.transitions()[-1].reason.evidence == stored.digest


def test_an_override_does_not_replace_evidence(registry: Registry) -> None:
    promote(registry, ME, "1", "production", WHY, PromotionEvidence(override=Override("fire", "carol", "INC-7")))
    stored = registry.warrant(registry.version(1))
    assert stored
    assert stored.verdict == "pass"


def test_a_warrant_that_was_altered_or_lost_is_told(registry: Registry, furnished: Made) -> None:
    warrant = warrant_for(RELEASES[0], ticket="CHG-ALTERED")
    registry.store(registry.version(1), warrant)
    file = next(furnished.place.rglob(f"warrants/{warrant.digest}.json"))
    file.write_text(file.read_text().replace("0.91", "0.99"))
    with pytest.raises(WarrantInvalid, match="v1 is not what was stored: its digest is another"):
        promote(registry, ME, "1", "production", WHY)
    file.unlink()
    with pytest.raises(WarrantInvalid, match=r"warrants/[0-9a-f]{64}.json of its run is missing"):
        promote(registry, ME, "1", "production", WHY)
    promote(registry, ME, "1", "production", WHY, PromotionEvidence(warrant))
    assert registry.warrant(registry.version(1)) == warrant.model_copy(update={"author": ME.who})


def test_a_rollback_does_not_go_to_what_may_not_answer(registry: Registry, made: Made) -> None:
    promote(registry, ME, "1", "production", WHY)
    promote(registry, ME, "2", "production", WHY)
    made.client.delete_model_version_tag(MODEL, "1", "warrant.warrant")
    with pytest.raises(PromotionRefused, match="v1 may not answer for production: it has no warrant"):
        roll_back(registry, ME, Reason())


def test_a_split_is_a_tag_and_needs_warrants(registry: Registry, made: Made) -> None:
    promote(registry, ME, "1", "production", WHY)
    assert split(registry, ME, {"v2": 0.1, "3": 0.05}, WHY).changed
    assert registry.placement().split == {2: 0.1, 3: 0.05}
    assert not split(registry, ME, {"2": 0.1, "v3": 0.05}, WHY).changed
    assert (registry.transitions()[-1].action, registry.transitions()[-1].detail) == ("split", "v2=0.1, v3=0.05")
    made.add(RELEASES[3])
    with pytest.raises(PromotionRefused, match="v4 may not answer for production"):
        split(registry, ME, {"4": 0.1}, WHY)
    with pytest.raises(PromotionRefused, match="named twice"):
        split(registry, ME, {"v2": 0.1, "2": 0.2}, WHY)
    split(registry, ME, {}, WHY)
    assert registry.placement().split == {}


def test_a_shadow_is_an_alias_and_needs_no_warrant(registry: Registry, made: Made) -> None:
    promote(registry, ME, "1", "production", WHY)
    number = made.add(RELEASES[3])
    shadow(registry, ME, str(number), 0.25, WHY)
    assert (registry.placement().shadow, registry.placement().aliases["shadow"]) == ((4, 0.25), 4)
    shadow(registry, ME, "", 0, WHY)
    assert (registry.placement().shadow, registry.placement().aliases) == (None, {"production": 1})
    with pytest.raises(VersionUnknown, match="There is no v9 of warrant"):
        shadow(registry, ME, "9", 0.1, WHY)


def test_what_was_moved_past_us_is_found_and_can_be_rolled_back(registry: Registry, made: Made) -> None:
    promote(registry, ME, "1", "production", WHY)
    made.client.set_registered_model_alias(MODEL, "production", "2")
    assert roll_back(registry, ME, Reason()).placement.production == 1
    assert told(registry) == [("promote", None, 1, "done"), ("found", 1, 2, "done"), ("rollback", 2, 1, "done")]
    assert stages(registry) == {3: "", 2: "archived", 1: "production"}


class Killed(BaseException):
    """Nothing catches it, as nothing catches SIGKILL."""


class Dying(Registry):
    """Dies before one of its writes."""

    def __init__(self, uri: str, writes: int) -> None:
        super().__init__(uri, MODEL)
        self.left = writes

    def _write(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed

    def begin(self, move: Transition) -> Transition:
        self._write()
        return super().begin(move)

    def apply(self, change: RegistryChange) -> None:
        self._write()
        super().apply(change)

    def end(self, move: Transition, state: Any) -> None:
        self._write()
        super().end(move, state)


@pytest.fixture(scope="module")
def dead() -> Actor:
    """A process of this machine that is no more."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return replace(ME, process=gone.pid)


Command = Callable[[Registry, Actor], Any]
COMMANDS: dict[str, tuple[Command, int]] = {
    "promote": (lambda registry, mover: promote(registry, mover, "2", "production", WHY), 2),
    "rollback": (lambda registry, mover: roll_back(registry, mover, WHY), 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_dying_before_any_write_leaves_one_production_and_a_trail_that_agrees(
    registry: Registry, made: Made, dead: Actor, name: str
) -> None:
    command, number = COMMANDS[name]
    died = []
    for writes in range(9):
        for each in ("1", "3"):
            promote(registry, ME, each, "production", WHY)
        promote(registry, ME, "2", "staging", WHY)
        happened = True
        try:
            command(Dying(made.uri, writes), dead)
        except Killed:
            happened = registry.placement().aliases["production"] == number
            last = recover(registry, ME).transitions[-1]
            assert (last.actor, last.state) == (dead, "done" if happened else "withdrawn") or writes == 0
            died.append(happened)
        here = {number: "production", 3: "archived"} if happened else {3: "production"}
        assert stages(registry) == {1: "archived", 2: "staging", 3: "archived"} | here
        assert registry.placement().aliases["production"] == (number if happened else 3)
    assert died[:3] == [False, False, True]
    assert len(died) >= 6


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_died_after_it_had_happened_is_finished_by_its_repetition(
    registry: Registry, made: Made, dead: Actor, name: str
) -> None:
    command, number = COMMANDS[name]
    for each in ("1", "3") if name == "rollback" else ("1",):
        promote(registry, ME, each, "production", WHY)
    with pytest.raises(Killed):
        command(Dying(made.uri, 2), dead)
    outcome = command(registry, ME)
    assert (outcome.changed, outcome.placement.production) == (False, number)
    assert stages(registry)[number] == "production"
    assert (registry.transitions()[-1].state, registry.transitions()[-1].actor) == ("done", dead)


def intend(registry: Registry, mover: Actor, number: int, age: float = 0) -> Transition:
    """What a process leaves that has written down what it wants, and no more."""
    steps = (RegistryChange("alias", "production", str(number)),)
    made = int((time.time() - age) * 1000)
    return registry.begin(Transition("promote", "production", number, None, mover, changes=steps, made=made))


def test_two_who_move_at_once_see_each_other(registry: Registry) -> None:
    intend(registry, replace(ME, who="bob", host="elsewhere"), 2)
    with pytest.raises(RegistryUnavailable, match=r"bob began a promote \d s ago, which is still under way"):
        promote(registry, ME, "1", "production", WHY)
    assert (registry.placement().aliases, len(registry.transitions())) == ({}, 1)


class Late(Registry):
    """Somebody else begins while it does."""

    def begin(self, move: Transition) -> Transition:
        intend(Registry(self.uri, MODEL), replace(ME, who="bob", host="elsewhere"), 2)
        return super().begin(move)


def test_an_intent_gives_way_to_another_that_was_written_meanwhile(registry: Registry, made: Made) -> None:
    with pytest.raises(RegistryUnavailable, match="bob began a promote"):
        promote(Late(made.uri, MODEL), ME, "1", "production", WHY)
    assert registry.placement().aliases == {}
    assert {move.actor.who: move.state for move in registry.transitions()} == {"bob": "under way", ME.who: "withdrawn"}


class Overtaken(Registry):
    """Somebody else moves production while it begins."""

    def begin(self, move: Transition) -> Transition:
        Registry(self.uri, MODEL).apply(RegistryChange("alias", "production", "3"))
        return super().begin(move)


def test_a_plan_that_came_too_late_is_withdrawn(registry: Registry, made: Made) -> None:
    with pytest.raises(RegistryUnavailable, match="Somebody else has moved a version just now"):
        promote(Overtaken(made.uri, MODEL), ME, "1", "production", WHY)
    assert (registry.placement().aliases, [move.state for move in registry.transitions()]) == (
        {"production": 3},
        ["withdrawn"],
    )


def test_a_move_of_another_machine_is_given_up_after_a_while(registry: Registry) -> None:
    intend(registry, replace(ME, host="elsewhere"), 2, age=ABANDONED_AFTER + 1)
    promote(registry, ME, "1", "production", WHY)
    assert told(registry) == [("promote", None, 2, "withdrawn"), ("promote", None, 1, "done")]
