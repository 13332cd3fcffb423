"""What got worse is found, counted and put first; what failed is never dropped; risk over coverage."""

from dataclasses import replace
from math import inf

import pytest
from report_under_test import answered, declined, failed, in_memory

from evals.dataset import Dataset, Sample
from evals.report.contents import ReportedRun, RiskCurve, SamplePair, pairs, risk, risk_coverage, status
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


ASKED = Dataset(
    "d", tuple(Sample(id=each, question="?", answerable=each != "d", reference="20 A") for each in "abcdef")
)
OUTCOMES = {
    "a": answered("a", confidence=0.9),
    "b": answered("b", confidence=0.7),
    "c": answered("c", "It is red. [1]", confidence=0.7),
    "d": answered("d", confidence=0.5),
    "e": declined("e"),
    "f": failed("f"),
}
RUN = in_memory(ASKED, [], list(OUTCOMES.values()))


def test_risk_grows_with_coverage_and_an_answer_to_what_has_none_is_wrong() -> None:
    found = risk(RUN)
    assert found == RiskCurve(points=((0.2, 0.0), (0.6, 1 / 3), (0.8, 0.5)), samples=5, without=1)
    assert found.coverage == 0.8


def test_what_is_never_answered_is_not_covered_and_equal_confidences_go_together() -> None:
    assert risk_coverage([0.9, 0.5, 0.5, -inf], [0, 1, 0, 0]) == ((0.25, 0.0), (0.75, 1 / 3))
    assert risk_coverage([-inf], [1]) == ()


def test_the_area_is_the_mean_risk_up_to_a_coverage() -> None:
    found = RiskCurve(points=((0.2, 0.0), (0.6, 0.5), (0.8, 0.625)), samples=5)
    assert found.area(0.8) == pytest.approx((0.2 * 0.0 + 0.4 * 0.5 + 0.2 * 0.625) / 0.8)
    assert found.area(0.4) == pytest.approx((0.2 * 0.0 + 0.2 * 0.5) / 0.4)
    assert found.area(0.0) is None
    assert RiskCurve(points=(), samples=5).area(0.5) is None


def test_what_nobody_knows_and_what_tells_no_confidence_is_counted_and_not_covered() -> None:
    unknown = Sample(id="a", question="?", answerable=True)
    told = replace(RUN, dataset=Dataset("d", (unknown, *ASKED.samples[1:])))
    assert (risk(told).samples, risk(told).without) == (4, 2)
    answer = {**(OUTCOMES["a"].answer or {}), "confidence": None}
    silent = OUTCOMES["a"].model_copy(update={"answer": answer})
    found = risk(replace(RUN, outcomes={**OUTCOMES, "a": silent}))
    assert (found.points[0], found.samples, found.without) == ((0.5, 0.5), 4, 2)


def test_latency_is_told_by_percentiles() -> None:
    times = {"a": 300.0, "b": 100.0, "c": 200.0}
    scores = [Score(sample=name, metric="latency_ms", values=(value,)) for name, value in times.items()]
    assert in_memory(ASKED, scores, []).latency == pytest.approx({50: 200.0, 95: 290.0, 99: 298.0})
    assert RUN.latency == {}
