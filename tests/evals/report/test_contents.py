"""What got worse is found, counted and put first; what failed is never dropped."""

import pytest
from report_under_test import answered, declined, failed, in_memory

from evals.dataset import Dataset, Sample
from evals.report.contents import ReportedRun, SamplePair, pairs, status
from evals.runs import SampleOutcome
from evals.scores import Score

DATASET = Dataset("d", tuple(Sample(id=name, question="?", answerable=True) for name in "abcdef"))
BY = ("answered", "token_f1")


def party(outcomes: list[SampleOutcome], f1: dict[str, float | None]) -> ReportedRun:
    scores = [
        Score(sample=name, metric="token_f1", reason="no judge")
        if value is None
        else Score(sample=name, metric="token_f1", values=(value,))
        for name, value in f1.items()
    ]
    return in_memory(DATASET, scores, outcomes)


RELEASE = party(
    [answered("a"), declined("b"), failed("c"), answered("d"), answered("e")],
    {"a": 0.8, "b": 0.0, "c": None, "d": 0.9, "e": None, "f": None},
)
CHAMPION = party([answered(name) for name in "abcdef"], {"a": 0.8, "b": 0.7, "c": 0.8, "d": 0.2, "e": 0.5, "f": 0.5})


def told(found: list[SamplePair]) -> list[tuple[str, str, float | None]]:
    return [(pair.sample.id, pair.moved, pair.gain and round(pair.gain, 6)) for pair in found]


def test_the_worst_come_first_and_nothing_is_left_out() -> None:
    assert told(pairs(DATASET, RELEASE, CHAMPION, BY)) == [
        ("c", "failed", None),
        ("f", "failed", None),
        ("b", "worse", -0.7),
        ("e", "unmatched", None),
        ("a", "same", 0.0),
        ("d", "better", 0.7),
    ]


def test_without_a_champion_the_lowest_score_comes_first() -> None:
    found = pairs(DATASET, RELEASE, None, BY)
    assert told(found) == [(name, "failed" if name in "cf" else "unmatched", None) for name in "cfbead"]
    assert [pair.own for pair in found] == [None, None, 0.0, None, 0.8, 0.9]


def test_a_metric_where_less_is_better_is_turned() -> None:
    def took(seconds: float) -> ReportedRun:
        return in_memory(DATASET, [Score(sample="a", metric="latency_ms", values=(seconds,))], [answered("a")])

    [found] = pairs(Dataset("d", DATASET.samples[:1]), took(300), took(200), ("latency_ms",))
    assert (found.gain, found.moved, found.own) == (-100, "worse", -300)


def test_a_gain_does_not_hide_a_loss_that_it_cancels() -> None:
    """A question that was declined is answered, and wrongly."""

    def side(value: float) -> ReportedRun:
        scores = [Score(sample="a", metric=name, values=(value,)) for name in ("answered", "answered_wrongly")]
        return in_memory(DATASET, scores, [answered("a")])

    [found] = pairs(Dataset("d", DATASET.samples[:1]), side(1.0), side(0.0), ("answered", "answered_wrongly"))
    assert (found.gain, found.moved) == (0.0, "worse")


def test_a_status_is_known_of_every_sample() -> None:
    assert [status(each) for each in (answered("a"), declined("b"), failed("c"), None)] == [
        "answered",
        "declined",
        "failed",
        "not asked",
    ]


def test_latency_is_told_by_percentiles() -> None:
    times = {"a": 300.0, "b": 100.0, "c": 200.0}
    scores = [Score(sample=name, metric="latency_ms", values=(value,)) for name, value in times.items()]
    assert in_memory(DATASET, scores, []).latency == pytest.approx({50: 200.0, 95: 290.0, 99: 298.0})
    assert in_memory(DATASET, [], []).latency == {}
