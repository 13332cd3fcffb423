"""Risk, coverage and latency, as whole values."""

from dataclasses import replace

import pytest
from report_under_test import answered, declined, failed, in_memory, verdict_of

from evals.dataset import Dataset, Sample
from evals.report.contents import EvalReport
from evals.report.curves import RiskCurve, latency, risk
from evals.report.pairs import ReportedRun
from evals.scores import Score

DATASET = Dataset(
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


def side(**metrics: dict[str, float]) -> ReportedRun:
    scores = [
        Score(sample=name, metric=metric, values=(value,))
        for metric, values in metrics.items()
        for name, value in values.items()
    ]
    return in_memory(DATASET, scores, list(OUTCOMES.values()))


def test_risk_grows_with_coverage_and_an_answer_to_what_has_none_is_wrong() -> None:
    found = risk(side())
    assert found == RiskCurve(points=((0.2, 0.0), (0.6, 1 / 3), (0.8, 0.5)), samples=5, without=1)
    assert found.coverage == 0.8


def test_the_area_is_the_mean_risk_up_to_a_coverage() -> None:
    found = RiskCurve(points=((0.2, 0.0), (0.6, 0.5), (0.8, 0.625)), samples=5)
    assert found.area(0.8) == pytest.approx((0.2 * 0.0 + 0.4 * 0.5 + 0.2 * 0.625) / 0.8)
    assert found.area(0.4) == pytest.approx((0.2 * 0.0 + 0.2 * 0.5) / 0.4)
    assert found.area(0.0) is None
    assert RiskCurve(points=(), samples=5).area(0.5) is None


def test_what_nobody_knows_and_what_tells_no_confidence_is_counted_and_not_covered() -> None:
    unknown = Sample(id="a", question="?", answerable=True)
    told = replace(side(), dataset=Dataset("d", (unknown, *DATASET.samples[1:])))
    assert (risk(told).samples, risk(told).without) == (4, 2)
    answer = {**(OUTCOMES["a"].answer or {}), "confidence": None}
    silent = OUTCOMES["a"].model_copy(update={"answer": answer})
    found = risk(replace(side(), outcomes={**OUTCOMES, "a": silent}))
    assert (found.points[0], found.samples, found.without) == ((0.5, 0.5), 4, 2)


def test_a_judge_is_heard_where_it_judged_both_runs() -> None:
    judged, plain = side(answer_accuracy=dict.fromkeys("abc", 0.0)), side()
    verdict = verdict_of(judged, None)
    assert EvalReport(verdict, judged, judged).risks[0].points[0] == (0.2, 1.0)
    assert EvalReport(verdict, judged, plain).risks[0].points[0] == (0.2, 0.0)


def test_latency_is_told_by_its_quantiles() -> None:
    found = latency(side(latency_ms={"a": 300.0, "b": 100.0, "c": 200.0}).scored)
    assert found.points == ((100.0, 1 / 3), (200.0, 2 / 3), (300.0, 1.0))
    assert found.quantiles == pytest.approx({50: 200.0, 90: 280.0, 95: 290.0, 99: 298.0})
    assert latency(side().scored).points == ()


def test_a_long_run_has_a_curve_of_few_points() -> None:
    found = latency(side(latency_ms={str(n): float(n) for n in range(2000)}).scored)
    assert len(found.points) == 200
    assert (found.points[0][0], found.points[-1]) == (0.0, (1999.0, 1.0))
