"""The gate: it passes what is shown to be good enough, and nothing else."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from evals.dataset import Dataset, Sample
from evals.errors import VerdictInvalid
from evals.gate.criteria import ScoredRelease
from evals.gate.decision import decide
from evals.gate.thresholds import Threshold, Thresholds
from evals.gate.verdict import Verdict, read_verdict
from evals.runs import EvaluatedRelease
from evals.scores import MeanInterval, Score

MANY = 120
Values = Mapping[str, Sequence[float | Sequence[float] | None]]


def dataset(many: int = MANY, *, together: int = 1) -> Dataset:
    return Dataset(
        "d",
        tuple(
            Sample(id=f"s{n}", question="?", answerable=True, cluster=str(n // together), tags=("even",) * (n % 2 == 0))
            for n in range(many)
        ),
    )


def side(values: Values, label: str = "release") -> ScoredRelease:
    """Scores of samples s0, s1, ...; None is a sample without a score, several values are a judge's repeats."""
    found: dict[str, dict[str, Score]] = {}
    for metric, each in values.items():
        found[metric] = {
            f"s{n}": Score(sample=f"s{n}", metric=metric, reason="it failed: TimeoutError")
            if value is None
            else Score(sample=f"s{n}", metric=metric, values=(value,) if isinstance(value, float) else tuple(value))
            for n, value in enumerate(each)
        }
    return ScoredRelease(EvaluatedRelease(label=label, release="d" * 64, snapshot="s"), found)


def ask(*told: Threshold) -> Thresholds:
    return Thresholds(threshold=told)


def verdict(thresholds: Thresholds, release: Values, champion: Values | None = None, **shape: int) -> Verdict:
    other = side(champion, "champion") if champion else None
    return decide(thresholds, dataset(**shape), side(release), other)


def share(right: int, many: int = MANY) -> list[float]:
    return [1.0] * right + [0.0] * (many - right)


FLOOR = ask(Threshold(metric="answered", floor=0.7))
MARGIN = ask(Threshold(metric="answered", margin=0.05))


@pytest.mark.parametrize(("right", "says"), [(105, "pass"), (86, "cannot tell"), (60, "fail")])
def test_a_floor_is_shown_to_be_reached_or_missed_or_neither(right: int, says: str) -> None:
    found = verdict(FLOOR, {"answered": share(right)})
    assert found.says == says
    assert found.code == {"pass": 0, "fail": 1, "cannot tell": 3}[says]


def test_a_ceiling_is_for_what_is_better_low() -> None:
    ceiling = ask(Threshold(metric="latency_ms", ceiling=100))
    assert verdict(ceiling, {"latency_ms": [80.0, 90.0] * 60}).says == "pass"
    assert verdict(ceiling, {"latency_ms": [110.0, 120.0] * 60}).says == "fail"


@pytest.mark.parametrize(
    ("release", "champion", "says", "why"),
    [
        (80, 80, "pass", "All 1 criteria are met."),
        (100, 70, "pass", "All 1 criteria are met."),
        (
            70,
            100,
            "fail",
            "answered: margin: 0.250 lower than the champion's (interval −0.323 to −0.164), "
            "shown to miss what is asked: at most 0.05 worse",
        ),
    ],
)
def test_a_release_is_held_to_its_champion(release: int, champion: int, says: str, why: str) -> None:
    found = verdict(MARGIN, {"answered": share(release)}, {"answered": share(champion)})
    assert (found.says, found.why) == (says, (why,))


def test_what_chance_could_have_done_is_told_with_the_samples_that_would_settle_it() -> None:
    found = verdict(MARGIN, {"answered": share(76)}, {"answered": share(80)})
    assert found.says == "cannot tell"
    assert found.findings[0].more is not None
    assert f"about {found.findings[0].more} more samples" in found.why[0]
    assert "if it is as good as the champion" in found.why[0]


def test_more_samples_are_those_of_a_release_as_good_as_the_champion_unless_it_looks_worse() -> None:
    """A champion and a release that differ by chance on 12 % of the answers, and by bad luck here for the worse."""
    champion, unlucky = [1.0] * 113 + [0.0] * 7, [0.0] * 9 + [1.0] * 109 + [0.0] * 2
    found = verdict(MARGIN, {"answered": unlucky}, {"answered": champion}).findings[0]
    assert (found.worse, found.better, found.says) == (9, 5, "cannot tell")
    assert found.more is not None
    assert 200 < found.more + MANY < 450
    lost = verdict(MARGIN, {"answered": share(110)}, {"answered": share(119)}).findings[0]
    assert "which is worse, but perhaps still at most 0.05 worse: worse on 9, better on 0 samples" in lost.why
    assert "if the mean stays where it is" in lost.why
    worse = verdict(ask(Threshold(metric="answered", margin=0.1)), {"answered": share(110)}, {"answered": share(119)})
    assert "which is worse, but perhaps still at most 0.1 worse" in worse.why[0]
    assert "if the mean stays where it is" in worse.why[0]
    floor = verdict(FLOOR, {"answered": share(86)}, {"answered": share(93)}).findings[0]
    assert floor.more is not None
    assert floor.more < 300
    assert (verdict(FLOOR, {"answered": share(86)}).findings[0].more or 0) > 1000


def test_a_loss_within_the_margin_is_no_failure() -> None:
    assert verdict(MARGIN, {"answered": share(113)}, {"answered": share(119)}).says == "cannot tell"


def test_the_whole_dataset_is_paired_by_question() -> None:
    """Two releases with the same mean that are right about different halves are not shown to be alike."""
    release, champion = [1.0, 0.0] * 60, [0.0, 1.0] * 60
    found = verdict(MARGIN, {"answered": release}, {"answered": champion})
    assert found.says == "cannot tell"


def test_samples_of_one_cluster_are_not_evidence_each() -> None:
    release = {"answered": share(105)}
    assert verdict(FLOOR, release).says == "pass"
    assert verdict(FLOOR, release, together=30).says == "cannot tell"


LEFT_OUT: list[float | None] = [*share(119, 119), None]


@pytest.mark.parametrize(
    ("kind", "release", "champion", "told"),
    [
        (FLOOR, LEFT_OUT, share(100), "1 of 120 samples have no score (s119: release it failed: TimeoutError)"),
        (MARGIN, LEFT_OUT, share(100), "1 of 120 samples have no score (s119: release it failed: TimeoutError)"),
        (MARGIN, share(110), [*share(50, 119), None], "s119: champion it failed"),
        (MARGIN, share(110, 119), share(50), "s119: release has none at all"),
    ],
)
def test_a_sample_without_a_score_lets_nothing_pass(
    kind: Thresholds, release: Sequence[float | None], champion: Sequence[float | None], told: str
) -> None:
    found = verdict(kind, {"answered": release}, {"answered": champion})
    assert (found.says, found.findings[0].more) == ("cannot tell", None)
    assert told in found.why[0]


@pytest.mark.parametrize(
    ("threshold", "told"),
    [
        (Threshold(metric="token_f1", floor=0.1), "token_f1: floor: token_f1 applies to none of the 120 samples"),
        (Threshold(metric="answered", slice="odd", floor=0.1), "no sample has the tag 'odd'; there are even"),
        (Threshold(metric="answered", margin=0.05), "No threshold has a floor or a ceiling, and there is no champion"),
    ],
)
def test_what_was_not_measured_lets_nothing_pass(threshold: Threshold, told: str) -> None:
    found = verdict(ask(threshold), {"answered": share(120)})
    assert found.says == "cannot tell"
    assert told in found.why[0]
    assert decide(FLOOR, Dataset("d", ()), side({}), None).says == "cannot tell"


def test_a_slice_has_floors_of_its_own() -> None:
    lost = [1.0 if n % 2 else 0.0 for n in range(MANY)]
    both = ask(Threshold(metric="answered", floor=0.3), Threshold(metric="answered", slice="even", floor=0.3))
    found = verdict(both, {"answered": lost})
    assert [each.says for each in found.findings] == ["pass", "fail"]
    assert found.says == "fail"
    assert found.findings[1].name == "answered, even: floor"


def test_one_criterion_that_is_missed_is_enough() -> None:
    thresholds = ask(*(Threshold(metric=name, margin=0.05) for name in ("answered", "token_f1", "groundedness")))
    good = {"answered": share(100), "token_f1": [0.5] * MANY, "groundedness": [0.9] * MANY}
    assert verdict(thresholds, good, good).says == "pass"
    found = verdict(thresholds, {**good, "token_f1": [0.2] * MANY}, good)
    assert [each.says for each in found.findings] == ["pass", "fail", "pass"]


def test_many_criteria_are_not_failed_by_chance() -> None:
    """A loss that would be shown alone (9 lost, 1 won) is one that chance brings to one of eight that look so."""
    names = (
        "answered",
        "exact_match",
        "token_f1",
        "value_recall",
        "ndcg",
        "quote_recall",
        "context_recall",
        "groundedness",
    )
    champion = {name: share(100) for name in names}
    slightly = {name: [0.0, *share(99, 119)] for name in names}
    release = {**slightly, "answered": [0.0] * 9 + share(91, 101) + [1.0] + [0.0] * 9}
    asked = {name: Threshold(metric=name, margin=0.0) for name in names}
    alone, among = (verdict(ask(*some), release, champion) for some in ([asked["answered"]], asked.values()))
    assert (alone.says, alone.alpha_missed) == ("fail", 0.025)
    assert next(each for each in among.findings if each.metric == "answered").says == "cannot tell"
    assert among.alpha_missed == 0.05 / 16
    assert "corrected for the 8 criteria that look missed" in among.levels
    better = {**champion, "answered": release["answered"]}
    assert verdict(ask(*asked.values()), better, champion).says == "fail"


def test_every_metric_is_told_beside_the_champions_whole_and_by_tag() -> None:
    found = verdict(FLOOR, {"answered": share(90)}, {"answered": share(60)})
    whole, even = found.measures
    assert (whole.metric, whole.slice, whole.samples, even.slice, even.samples) == ("answered", "", 120, "even", 60)
    for told in (whole, even):
        assert [each and each.value for each in (told.mean, told.champion, told.difference)] == [0.75, 0.5, 0.25]
    assert whole.mean
    assert (whole.mean.low, whole.mean.high) == (found.findings[0].low, found.findings[0].high)
    assert even.mean == MeanInterval(value=0.75)


def test_a_verdict_is_read_as_it_was_written(tmp_path: Path) -> None:
    found = verdict(FLOOR, {"answered": share(90)}, {"answered": share(60)})
    (tmp_path / "v.json").write_text(found.text(), "utf-8")
    again = read_verdict(tmp_path / "v.json")
    assert again == found
    assert again.digest == found.digest


@pytest.mark.parametrize(("change", "told"), [({"says": "maybe"}, "says"), ({"extra": 1}, "extra")])
def test_what_is_no_verdict_is_refused(tmp_path: Path, change: dict[str, object], told: str) -> None:
    text = verdict(FLOOR, {"answered": share(90)}).text()
    (tmp_path / "v.json").write_text(json.dumps(json.loads(text) | change), "utf-8")
    with pytest.raises(VerdictInvalid, match=told):
        read_verdict(tmp_path / "v.json")
    with pytest.raises(VerdictInvalid, match="cannot be read"):
        read_verdict(tmp_path / "none.json")
