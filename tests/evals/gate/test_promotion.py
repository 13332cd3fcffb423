"""A verdict becomes a warrant only if it is about this release, dataset, champion and these thresholds."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from versions_under_test import MODEL, Made, add_key, digest_of

from evals.dataset import Dataset, Sample, write_dataset
from evals.errors import VerdictInvalid
from evals.gate.criteria import ScoredRelease
from evals.gate.decision import decide
from evals.gate.promotion import PromotionRequirements, warrant_of
from evals.gate.thresholds import Threshold, Thresholds, read_thresholds
from evals.gate.verdict import CriterionResult, Verdict
from evals.runs import EvaluatedRelease
from evals.scores import Score
from graph.errors import PromotionRefused
from graph.registry import Version
from graph.registry.client import open_registry
from graph.registry.warrant import Champion
from graph.release import Release
from warrant import main

pytestmark = pytest.mark.slow

SAMPLES = tuple(Sample(id=f"s{n}", question=f"Question {n}?", answerable=True) for n in range(60))
DATASET = Dataset("d", SAMPLES)
LIMITS = Thresholds(threshold=(Threshold(metric="answered", floor=0.5, margin=0.1),))
REQUIRED = PromotionRequirements(DATASET, LIMITS)
ONE, TWO = Version(1, "one", "1" * 64), Version(2, "two", "2" * 64)
SIGNED = ("bob", "CHG-1")


def side(version: Version, right: int) -> ScoredRelease:
    scores = {
        f"s{n}": Score(sample=f"s{n}", metric="answered", values=(float(n < right),)) for n in range(len(SAMPLES))
    }
    return ScoredRelease(
        EvaluatedRelease(label=version.label, release=version.digest, snapshot="s"), {"answered": scores}
    )


COUNTED = tuple(
    CriterionResult(metric=name, kind="ceiling", bound=0.0, says="pass", why="", value=0.0)
    for name in ("leaked", "failed")
)


def verdict(right: int = 55, over: Version | None = ONE, limits: Thresholds = LIMITS) -> Verdict:
    return decide(limits, DATASET, side(TWO, right), side(over, 55) if over else None, COUNTED)


def test_the_warrant_holds_what_the_verdict_rests_on() -> None:
    told = verdict()
    found = warrant_of(told, REQUIRED, TWO, ONE, *SIGNED)
    assert (found.release, found.dataset, found.verdict) == (TWO.digest, DATASET.digest, "pass")
    assert (found.judge, found.approver, found.ticket) == ("keyless", "bob", "CHG-1")
    assert found.champion == Champion(version=1, release=ONE.digest)
    assert found.evidence == told.digest
    score = found.scores["answered"]
    assert score.value == score.champion == pytest.approx(55 / 60)
    assert score.low < score.value < score.high


@pytest.mark.parametrize("right", [10, 28])
def test_what_is_no_pass_gives_no_warrant(right: int) -> None:
    told = verdict(right)
    assert told.says in ("fail", "cannot tell")
    with pytest.raises(PromotionRefused, match=f"v2 was not let in: {told.says}. answered"):
        warrant_of(told, REQUIRED, TWO, ONE, *SIGNED)


@pytest.mark.parametrize(
    ("right", "change", "problem"),
    [
        (10, lambda told: {"says": "pass"}, "it says pass, and its findings say fail"),
        (10, lambda told: {"says": "pass", "findings": COUNTED}, "it has no finding on answered"),
        (55, lambda told: {"findings": told.findings[1:]}, "it has no finding on leaked"),
        (
            28,
            lambda told: {"says": "pass", "findings": passing(told)},
            "answered: floor passes, and its figures do not",
        ),
        (55, lambda told: {"findings": lowered(told)}, "it has no finding on answered"),
    ],
)
def test_a_verdict_that_was_edited_is_refused(right: int, change: Callable[[Verdict], Any], problem: str) -> None:
    told = verdict(right)
    with pytest.raises(VerdictInvalid, match=problem):
        warrant_of(told.model_copy(update=change(told)), REQUIRED, TWO, ONE, *SIGNED)


def passing(told: Verdict) -> tuple[CriterionResult, ...]:
    return tuple(each.model_copy(update={"says": "pass"}) for each in told.findings)


def lowered(told: Verdict) -> tuple[CriterionResult, ...]:
    return tuple(each.model_copy(update={"bound": 0.0}) for each in told.findings)


OTHER = Version(3, "three", "3" * 64)
STRICT = Thresholds(threshold=(Threshold(metric="answered", floor=0.8),))


@pytest.mark.parametrize(
    ("told", "required", "version", "champion", "match"),
    [
        (verdict(), REQUIRED, OTHER, ONE, "not about the release of v3"),
        (verdict(), PromotionRequirements(Dataset("d", SAMPLES[:-1]), LIMITS), TWO, ONE, "not about the dataset d"),
        (verdict(), PromotionRequirements(DATASET, STRICT), TWO, ONE, "not about these thresholds"),
        (verdict(), REQUIRED, TWO, OTHER, "not about v3, which is in production"),
        (verdict(over=None), REQUIRED, TWO, ONE, "not about v1, which is in production: none instead of 111111111111"),
        (verdict(), REQUIRED, TWO, None, "nothing is in production"),
    ],
)
def test_a_verdict_about_anything_else_is_refused(
    told: Verdict, required: PromotionRequirements, version: Version, champion: Version | None, match: str
) -> None:
    with pytest.raises(VerdictInvalid, match=match):
        warrant_of(told, required, version, champion, *SIGNED)


Type = Callable[[str], tuple[int, str]]


@pytest.fixture
def type_(made: Made, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Type:
    """Types a command beside a registry with two versions, the first in production."""
    for name in ("one", "two", "three"):
        made.add(Release(name=name))
    monkeypatch.chdir(made.place)
    for name, value in {"USER": "alice", "REGISTRY": made.uri}.items():
        monkeypatch.setenv(f"WARRANT_{name}", value)
    write_dataset(made.place / "d.jsonl", SAMPLES)
    limits = '{}alpha = 0.05\n[[threshold]]\nmetric = "answered"\nfloor = 0.5\nmargin = 0.1\n'
    (made.place / "t.toml").write_text(limits.format(""), "utf-8")
    (made.place / "two.toml").write_text(limits.format("two_persons = true\n"), "utf-8")

    def run(line: str) -> tuple[int, str]:
        code = main(shlex.split(line)) or 0
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    assert run('promote 1 --to production -t INC-1 --override "first" --approver bob')[0] == 0
    return run


def written(made: Made, name: str, limits: str = "t.toml", right: int = 55, over: str = "one") -> str:
    """A verdict about one of the versions, as a file."""
    versions = {each: Version(0, each, digest_of(Release(name=each))) for each in ("one", "two", "three")}
    sides = side(versions[name], right), side(versions[over], 55)
    told = decide(read_thresholds(made.place / limits), DATASET, *sides, COUNTED)
    (made.place / "v.json").write_text(told.text(), "utf-8")
    return f"--dataset d.jsonl --verdict v.json --thresholds {limits} -t CHG-1"


def test_a_passing_verdict_moves_the_alias_and_stays_with_the_version(type_: Type, made: Made) -> None:
    code, told = type_(f"promote 2 --to production {written(made, 'two')} --approver bob")
    assert (code, told.startswith("v2 is in production. v1 is archived.\n")) == (0, True)
    registry = open_registry(made.uri, MODEL)
    warrant = registry.warrant(registry.version(2))
    assert warrant is not None
    assert (warrant.champion, warrant.approver) == (Champion(version=1, release=digest_of(Release(name="one"))), "bob")
    run = made.client.get_model_version(MODEL, "2").run_id
    kept = [file.path for file in made.client.list_artifacts(str(run), "warrants")]
    assert f"warrants/verdict-{warrant.evidence}.json" in kept


def test_a_failing_verdict_or_one_that_cannot_tell_moves_nothing(type_: Type, made: Made) -> None:
    for right, code, why in (
        (10, 1, "fail. answered: floor: 0.167 (interval "),
        (53, 3, "cannot tell. answered: margin: 0.033 lower than the champion's (interval "),
    ):
        found, told = type_(f"promote 2 --to production {written(made, 'two', right=right)} --approver bob")
        assert (found, f"v2 was not let in: {why}" in told) == (code, True), told
    assert open_registry(made.uri, MODEL).placement().production == 1


def test_evidence_against_what_is_no_champion_any_more_moves_nothing(type_: Type, made: Made) -> None:
    offered = written(made, "two")
    assert type_('promote 3 --to production -t INC-2 --override "fire" --approver bob')[0] == 0
    code, told = type_(f"promote 2 --to production {offered} --approver bob")
    assert (code, "not about v3, which is in production" in told) == (2, True)
    assert open_registry(made.uri, MODEL).placement().production == 3


def test_a_stored_warrant_is_old_when_another_release_is_in_production(type_: Type, made: Made) -> None:
    assert type_(f"promote 2 --to production {written(made, 'two')} --approver bob")[0] == 0
    assert type_('promote 3 --to production -t INC-2 --override "fire" --approver bob')[0] == 0
    code, told = type_("promote 2 --to production -t CHG-2")
    assert (code, "v2 was compared with v1, and v3 is in production now" in told) == (1, True)
    assert type_("rollback --reason fire")[0] == 0
    assert open_registry(made.uri, MODEL).placement().production == 2


def test_two_persons_are_asked_for_by_their_keys(type_: Type, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = written(made, "two", "two.toml")
    typed = type_(f"promote 2 --to production {verdict} --approver bob")
    assert (typed[0], "alice is not known by a key" in typed[1]) == (1, True)
    file = made.place / "keys.yaml"
    alice, bob = add_key(file, "alice", "mlops_engineer"), add_key(file, "bob", "security_admin")
    for name, value in {"KEYS": str(file), "KEY": alice, "APPROVER_KEY": alice}.items():
        monkeypatch.setenv(f"WARRANT_{name}", value)
    own = type_(f"promote 2 --to production {verdict}")
    assert (own[0], "promoted by the same person" in own[1]) == (1, True)
    monkeypatch.setenv("WARRANT_APPROVER_KEY", bob)
    assert type_(f"promote 2 --to production {verdict} --approver carol")[0] == 2
    code, told = type_(f"promote 2 --to production {verdict}")
    assert (code, told.startswith("v2 is in production. v1 is archived.\n")) == (0, True)
    registry = open_registry(made.uri, MODEL)
    held = registry.warrant(registry.version(2))
    assert held is not None
    assert (held.author, held.approver, held.authenticated) == ("alice", "bob", ("alice", "bob"))


def test_one_person_is_enough_where_two_are_not_asked_for(type_: Type, made: Made) -> None:
    assert type_(f"promote 2 --to production {written(made, 'two')} --approver alice")[0] == 0


def test_what_does_not_go_together_is_told(type_: Type, made: Made) -> None:
    Path(made.place / "v.json").write_text("{}", "utf-8")
    for line, told in (
        ("--to production -t C --verdict v.json --approver bob", "A --verdict needs the --dataset"),
        ("--to production -t C --dataset d.jsonl", "A promotion by --dataset needs an --approver"),
        ("--to production -t C --dataset d.jsonl --override x --approver bob", "--dataset or --override"),
        ("--to staging --dataset d.jsonl --approver bob", "Staging needs no evidence; --dataset is for production."),
        ("--to production --dataset d.jsonl --approver bob", "Production needs a --ticket."),
        ("--to production -t C --approver bob", "--approver is for a --dataset or an --override"),
        ("--to production -t C --dataset d.jsonl --verdict v.json --approver bob", "is no verdict of"),
    ):
        code, printed = type_(f"promote 2 {line}")
        assert (code, told in printed) == (2, True), printed
