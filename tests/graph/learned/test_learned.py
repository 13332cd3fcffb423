"""Logistic weights, and the files that hold them."""

import json
from collections.abc import Iterator
from math import inf, isclose
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graph import learned
from graph.learned import HERE, Logistic, load, logistic

MODEL = Logistic("toy", -1.0, {"a": 2.0, "b": -3.0}, {"a": 0.0, "b": 0.0}, {"a": 1.0, "b": 2.0})


def test_the_score_is_the_bias_and_each_weight_times_its_feature() -> None:
    assert MODEL.score({"a": 0.5, "b": 1.0}) == -1.0 + 2.0 * 0.5 - 3.0 * 1.0


def test_a_feature_beyond_its_bounds_counts_as_the_bound() -> None:
    assert MODEL.score({"a": 9.0, "b": -9.0}) == MODEL.score({"a": 1.0, "b": 0.0})
    assert MODEL.score({"a": -9.0, "b": 9.0}) == MODEL.score({"a": 0.0, "b": 2.0})


def test_a_feature_that_the_model_does_not_know_is_not_looked_at() -> None:
    assert MODEL.score({"a": 0.5, "b": 1.0, "c": 7.0}) == MODEL.score({"a": 0.5, "b": 1.0})


def test_a_feature_that_is_missing_is_an_error_and_no_zero() -> None:
    with pytest.raises(KeyError, match="b"):
        MODEL.score({"a": 1.0})


def test_the_probability_is_the_logistic_of_the_score() -> None:
    assert Logistic("even", 0.0, {}, {}, {}).probability({}) == 0.5
    assert MODEL.probability({"a": 1.0, "b": 0.0}) == logistic(1.0)


@given(st.floats(-1e6, 1e6))
def test_the_logistic_is_a_share_and_symmetric(score: float) -> None:
    assert 0 <= logistic(score) <= 1
    assert isclose(logistic(score) + logistic(-score), 1.0)


def test_the_logistic_does_not_overflow() -> None:
    assert (logistic(inf), logistic(-1e308), logistic(1e308)) == (1.0, 0.0, 1.0)


def write(folder: Path, **fields: object) -> None:
    (folder / "toy.json").write_text(json.dumps({"date": "2026-01-01", **fields}), "utf-8")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in place of the one with the weights."""
    monkeypatch.setattr(learned, "HERE", tmp_path)
    load.cache_clear()
    yield tmp_path
    load.cache_clear()


def test_a_file_of_weights_is_read_as_it_stands_and_once(here: Path) -> None:
    write(here, bias=-1.0, weights=dict(MODEL.weights), low=dict(MODEL.low), high=dict(MODEL.high))
    assert load("toy") == MODEL
    assert load("toy") is load("toy")


def test_a_model_that_is_not_there_is_an_error(here: Path) -> None:
    with pytest.raises(FileNotFoundError, match="toy"):
        load("toy")


@pytest.mark.parametrize("path", sorted(HERE.glob("*.json")), ids=lambda path: path.stem)
def test_every_file_says_what_it_was_trained_on_by_which_command_and_when(path: Path) -> None:
    fields = json.loads(path.read_text("utf-8"))
    assert fields["trained_on"]
    assert fields["command"].startswith("python benchmarks/")
    assert fields["date"]


@pytest.mark.parametrize("path", sorted(HERE.glob("*.json")), ids=lambda path: path.stem)
def test_every_file_gives_a_model_whose_score_can_be_worked_out(path: Path) -> None:
    model = load(path.stem)
    names = list(model.weights)
    assert names
    assert 0 < model.probability(dict.fromkeys(names, 0.5)) < 1
    assert model.weights.keys() == model.low.keys() == model.high.keys()
    assert all(model.low[name] <= model.high[name] for name in names)
