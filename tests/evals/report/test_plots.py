"""Where things are drawn, and how they are said."""

from pathlib import Path

import pytest
from report_under_test import report

from evals.gate.verdict import CriterionResult
from evals.report.page import EDGE, ROW, Scale, forest, line
from evals.report.words import figure, reasons, sentence, title


def test_a_scale_keeps_what_is_beyond_it_at_its_ends() -> None:
    scale = Scale(0, 1)
    assert [scale.at(value) for value in (-5, 0, 0.5, 1, 9)] == [EDGE, EDGE, ROW / 2, ROW - EDGE, ROW - EDGE]
    assert Scale(0, 1, 100, flipped=True).at(1) == EDGE
    assert line(((0, 0), (1, 1)), Scale(0, 1, 100), Scale(0, 1, 100, flipped=True)) == "M8.0,92.0L92.0,8.0"
    assert line((), scale, scale) == ""


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


LOWER = "Token F1 is 0.190 lower than the champion's (interval −0.240 to −0.130)"
MARGIN = CriterionResult(
    metric="token_f1", kind="margin", bound=0.05, says="fail", why="w", value=-0.19, low=-0.24, high=-0.13
)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {},
            f"{LOWER}, shown to be worse by more than the 0.05 that is allowed.",
        ),
        (
            {
                "says": "cannot tell",
                "why": "-0.19, margin 0.05: within what chance does; about 9 more samples of this kind would settle it",
            },
            f"{LOWER}, and it is not settled whether it is at most 0.05 "
            "worse than the champion's: within what chance does; about 9 more samples of this kind would settle it.",
        ),
        (
            {"kind": "floor", "says": "pass", "value": 0.5, "low": 0.4, "high": 0.6, "slice": "odd", "metric": "ndcg"},
            "nDCG on odd is 0.500 (interval 0.400 to 0.600), shown to reach its floor of 0.05.",
        ),
        (
            {
                "kind": "ceiling",
                "says": "fail",
                "value": 900.0,
                "low": 800.0,
                "high": 1000.0,
                "metric": "latency_ms",
                "bound": 700,
            },
            "Latency is 900 ms (interval 800 ms to 1,000 ms), shown to miss its ceiling of 700 ms.",
        ),
        (
            {"says": "cannot tell", "value": None, "why": "no sample has the tag 'x'"},
            "It is not settled whether token F1 is at most 0.05 worse than the champion's: no sample has the tag 'x'.",
        ),
    ],
)
def test_a_criterion_is_told_in_a_sentence(change: dict[str, object], told: str) -> None:
    assert sentence(MARGIN.model_copy(update=change)) == told


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
