"""Where things are drawn, and how they are said."""

from pathlib import Path

import pytest
from report_under_test import report

from evals.gate.verdict import CriterionResult
from evals.metrics.catalog import figure, title
from evals.report.page import EDGE, ROW, Scale, forest
from evals.report.words import reasons, sentence


def test_a_scale_keeps_what_is_beyond_it_at_its_ends() -> None:
    scale = Scale(0, 1)
    assert [scale.at(value) for value in (-5, 0, 0.5, 1, 9)] == [EDGE, EDGE, ROW / 2, ROW - EDGE, ROW - EDGE]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-0.3, 0.2, [-0.3, -0.2, -0.1, 0, 0.1, 0.2]),
        (0, 21000, [0, 5000, 10000, 15000, 20000]),
    ],
)
def test_ticks_are_round(low: float, high: float, ticks: list[float]) -> None:
    assert Scale(low, high).ticks == pytest.approx(ticks)


def test_criteria_are_drawn_on_the_scale_of_their_kind(tmp_path: Path) -> None:
    found = forest(report(tmp_path).verdict)
    assert [(name, [row.finding.metric for row in rows]) for name, _, rows in found] == [
        ("Against the champion", ["answered", "token_f1"]),
        ("Floors and ceilings", ["answered"]),
        ("Floors and ceilings, in ms", ["latency_ms"]),
    ]
    margin, ceiling = found[0][2][0], found[2][2][0]
    assert (margin.limit, margin.forbidden[0]) == (-0.1, 0.0)
    assert ceiling.limit == 15000
    assert sum(ceiling.forbidden) == pytest.approx(ROW)
    assert ceiling.champion == pytest.approx(9179.487)


MARGIN = CriterionResult(
    metric="token_f1", kind="margin", bound=0.05, says="fail", why="", value=-0.19, low=-0.24, high=-0.13
)


@pytest.mark.parametrize(
    ("change", "found", "required"),
    [
        ({}, "0.190 lower than the champion's (interval −0.240 to −0.130)", "at most 0.05 worse"),
        ({"value": 0.0, "low": None}, "the same as the champion's", "at most 0.05 worse"),
        ({"kind": "floor", "value": 0.5, "low": 0.4, "high": 0.6}, "0.500 (interval 0.400 to 0.600)", "at least 0.05"),
        (
            {"kind": "ceiling", "value": 900.0, "low": 800.0, "high": 1000.0, "metric": "latency_ms", "bound": 700},
            "900 ms (interval 800 to 1,000 ms)",
            "at most 700 ms",
        ),
    ],
)
def test_a_criterion_says_what_was_found_and_asked(change: dict[str, object], found: str, required: str) -> None:
    told = MARGIN.model_copy(update=change)
    assert (told.found, told.required) == (found, required)


def test_a_reason_begins_with_the_metric() -> None:
    assert sentence(MARGIN.model_copy(update={"why": "lost", "slice": "odd"})) == "Token F1 on odd: lost."
    assert sentence(MARGIN.model_copy(update={"why": "lost", "metric": "ndcg"})) == "nDCG: lost."
    assert sentence(MARGIN.model_copy(update={"why": "1 of 9 fail", "metric": "failed"})) == "1 of 9 fail."


def test_figures_have_their_unit_and_a_dash_where_there_is_none() -> None:
    assert [
        figure(0.5, "ndcg"),
        figure(-1234.0, "latency_ms", sign=True),
        figure(None, "ndcg"),
        figure(0.0012, "cost_usd"),
    ] == ["0.500", "−1,234 ms", "–", "0.0012 USD"]
    assert [title(name) for name in ("token_f1", "latency_ms", "cpu_ms")] == ["token F1", "latency", "CPU"]


def test_notes_beside_the_criteria_are_reasons_too(tmp_path: Path) -> None:
    found = report(tmp_path, alone=True).verdict
    assert reasons(found)[-1] == (found.says, "There is no champion: the release was held to its floors alone.")
