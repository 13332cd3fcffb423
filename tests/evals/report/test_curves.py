"""Risk, coverage and latency, as whole values."""

from dataclasses import replace

import pytest
from report_under_test import answered, declined, failed, in_memory, verdict_of

from evals.dataset import Dataset, Sample
from evals.report.contents import EvalReport
from evals.report.curves import RiskCurve, latency, risk
from evals.report.pairs import ReportedRun
from evals.scores import Score

DATASET = Dataset("d", tuple(Sample(id=name, question="?", answerable=name != "d") for name in "abcdef"))
OUTCOMES = {
    "a": answered("a", confidence=0.9),
    "b": answered("b", confidence=0.7),
    "c": answered("c", confidence=0.7),
    "d": answered("d", confidence=0.5),
    "e": declined("e"),
    "f": failed("f"),
}


def side(**metrics: dict[str, float]) -> ReportedRun:
    scores = [
        Score(sample=name, metric=metric, values=(value,))
        for metric, values in metrics.items()
        for name, value in values.items()
    ]
    return in_memory(DATASET, scores, list(OUTCOMES.values()))


RIGHT = side(token_f1={"a": 1.0, "b": 0.5, "c": 0.0, "e": 0.0})


def test_risk_grows_with_coverage_and_an_answer_to_what_has_none_is_wholly_wrong() -> None:
    found = risk(RIGHT, "token_f1")
    assert found == RiskCurve(points=((0.2, 0.0), (0.6, 0.5), (0.8, 0.625)), samples=5, without=1)
    assert found.coverage == 0.8


def test_the_area_is_the_mean_risk_up_to_a_coverage() -> None:
    found = RiskCurve(points=((0.2, 0.0), (0.6, 0.5), (0.8, 0.625)), samples=5)
    assert found.area(0.8) == pytest.approx((0.2 * 0.0 + 0.4 * 0.5 + 0.2 * 0.625) / 0.8)
    assert found.area(0.4) == pytest.approx((0.2 * 0.0 + 0.2 * 0.5) / 0.4)
    assert found.area(0.0) is None
    assert RiskCurve(points=(), samples=5).area(0.5) is None


def test_an_answer_without_a_score_is_counted_and_not_covered() -> None:
    found = risk(side(token_f1={"a": 1.0}), "token_f1")
    assert (found.samples, found.without) == (3, 3)


def test_an_answer_that_tells_no_confidence_is_counted_and_not_covered() -> None:
    told = OUTCOMES["a"]
    silent = told.model_copy(update={"answer": {**(told.answer or {}), "confidence": None}})
    found = risk(replace(RIGHT, outcomes={**OUTCOMES, "a": silent}), "token_f1")
    assert (found.points[0], found.samples, found.without) == ((0.5, 0.75), 4, 2)


def test_what_is_right_is_said_by_the_best_metric_that_both_have() -> None:
    judged = side(answer_accuracy={"a": 1.0}, token_f1={"a": 1.0})
    verdict = verdict_of(judged, None)
    assert EvalReport(verdict, judged, judged).right == "answer_accuracy"
    assert EvalReport(verdict, judged, RIGHT).right == "token_f1"
    assert EvalReport(verdict, side(), None).right is None


def test_latency_is_told_by_its_quantiles() -> None:
    found = latency(side(latency_ms={"a": 300.0, "b": 100.0, "c": 200.0}).scored)
    assert found.points == ((100.0, 1 / 3), (200.0, 2 / 3), (300.0, 1.0))
    assert found.quantiles == pytest.approx({50: 200.0, 90: 280.0, 95: 290.0, 99: 298.0})
    assert latency(side().scored).points == ()


def test_a_long_run_has_a_curve_of_few_points() -> None:
    found = latency(side(latency_ms={str(n): float(n) for n in range(2000)}).scored)
    assert len(found.points) == 200
    assert (found.points[0][0], found.points[-1]) == (0.0, (1999.0, 1.0))
