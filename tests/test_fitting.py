"""What the training commands share."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import fitting
from benchmarks.fitting import develops, fit, write
from graph import learned
from graph.learned import Logistic, load

ROWS = [{"a": a, "b": b} for a in (0.0, 1.0, 2.0, 3.0) for b in (0.0, 1.0, 2.0)] * 5
BY_A = [float(row["a"] > 1.5) for row in ROWS]


@given(st.text())
def test_a_sample_stays_in_its_half(key: str) -> None:
    assert develops(key) is develops(key)


def test_the_halves_are_about_even() -> None:
    assert 900 < sum(develops(str(number)) for number in range(2000)) < 1100


def test_the_feature_that_tells_gets_the_weight() -> None:
    model = fit("toy", ROWS, BY_A)
    assert model.name == "toy"
    assert model.weights["a"] > 10 * abs(model.weights["b"])
    assert [model.probability(row) > 0.5 for row in ROWS] == [label > 0.5 for label in BY_A]


def test_a_feature_that_speaks_against_gets_a_negative_weight() -> None:
    assert fit("toy", ROWS, [1 - label for label in BY_A]).weights["a"] < 0


def test_a_greater_penalty_gives_smaller_weights() -> None:
    assert abs(fit("toy", ROWS, BY_A, penalty=100.0).weights["a"]) < abs(
        fit("toy", ROWS, BY_A, penalty=0.1).weights["a"]
    )


def test_without_a_telling_feature_the_probability_is_the_base_rate() -> None:
    rows = [{"a": 1.0}] * 100
    assert fit("toy", rows, [1.0] * 30 + [0.0] * 70).probability(rows[0]) == pytest.approx(0.3, abs=1e-3)


def test_a_weight_of_two_counts_as_two_rows() -> None:
    rows, labels = [{"a": 0.0}, {"a": 1.0}, {"a": 1.0}, {"a": 0.0}] * 10, [0.0, 1.0, 0.0, 1.0] * 10
    twice = fit("toy", rows + rows[:2], labels + labels[:2])
    weighed = fit("toy", rows, labels, weights=[2.0, 2.0] + [1.0] * 38)
    assert weighed.probability({"a": 1.0}) == pytest.approx(twice.probability({"a": 1.0}), abs=0.01)
    assert weighed.probability({"a": 1.0}) > fit("toy", rows, labels).probability({"a": 1.0})


def test_labels_may_be_shares() -> None:
    rows = [{"a": 0.0}, {"a": 1.0}] * 50
    model = fit("toy", rows, [0.2, 0.8] * 50, penalty=0.01)
    assert [round(model.probability(row), 2) for row in rows[:2]] == [0.2, 0.8]


def test_bounds_are_percentiles_so_that_an_outlier_does_not_stretch_them() -> None:
    model = fit("toy", [{"a": float(n % 10)} for n in range(999)] + [{"a": 1e9}], [0.0, 1.0] * 500)
    assert (model.low["a"], model.high["a"]) == (0.0, 9.0)


def test_a_feature_that_never_varies_does_no_harm() -> None:
    model = fit("toy", [{**row, "c": 1.0} for row in ROWS], BY_A)
    assert model.probability({"a": 3.0, "b": 1.0, "c": 1.0}) > 0.5 > model.probability({"a": 0.0, "b": 1.0, "c": 1.0})


def test_what_is_written_is_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (fitting, learned):
        monkeypatch.setattr(module, "HERE", tmp_path)
    model = Logistic("toy-written", -1.0, {"a": 2.0}, {"a": 0.0}, {"a": 1.0})
    write(model, {"set": "source, licence"}, "python benchmarks/toy.py DATA", {"cases": 3})
    fields = json.loads((tmp_path / "toy-written.json").read_text("utf-8"))
    assert load("toy-written") == model
    assert (fields["trained_on"], fields["about"]) == ({"set": "source, licence"}, {"cases": 3})
    assert (fields["command"], fields["date"][:2]) == ("python benchmarks/toy.py DATA", "20")
    load.cache_clear()
