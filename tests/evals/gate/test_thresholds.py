"""Thresholds: what is good enough, and every way of writing it wrongly."""

from pathlib import Path

import pytest

from evals.dataset import read_dataset
from evals.errors import ThresholdsInvalid
from evals.gate.thresholds import DEFAULT, read_thresholds
from evals.metrics.catalog import METRICS


def read(folder: Path, text: str) -> object:
    path = folder / "t.toml"
    path.write_text(text, "utf-8")
    return read_thresholds(path)


def test_those_that_are_shipped_fit_the_dataset_that_is_shipped() -> None:
    found = read_thresholds()
    tags = read_dataset(DEFAULT.parent / "data" / "handbook.jsonl").tags
    assert {each.slice for each in found.threshold} - {""} <= tags.keys()
    assert {each.metric for each in found.threshold} <= METRICS.keys()


def test_the_digest_is_over_what_is_asked(tmp_path: Path) -> None:
    text = '[[threshold]]\nmetric = "answered"\nfloor = 0.5\n'
    one, other = read(tmp_path, text), read(tmp_path, f"# why\n{text}")
    stricter = read(tmp_path, text.replace("0.5", "0.6"))
    assert one == other
    assert one.digest == other.digest != stricter.digest  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "are empty"),
        ("threshold = []", "are empty"),
        ("alpha = 0.05", "are empty"),
        ("[[threshold]]\nmetric = ", "are no TOML"),
        ('[[threshold]]\nmetric = "answered"', "neither floor nor ceiling nor margin"),
        ('[[threshold]]\nmetric = "answred"\nfloor = 0.5', "there is no metric 'answred'; there are context_recall"),
        ('[[threshold]]\nmetric = "answered"\nflor = 0.5', "flor"),
        ('[[threshold]]\nmetric = "answered"\nceiling = 0.5', "better when higher; give it a floor"),
        ('[[threshold]]\nmetric = "latency_ms"\nfloor = 5', "better when lower; give it a ceiling"),
        ('[[threshold]]\nmetric = "answered"\nfloor = 0.0', "0 bounds nothing"),
        ('[[threshold]]\nmetric = "answered"\nfloor = 1.5', "1.5 bounds nothing"),
        ('[[threshold]]\nmetric = "answered"\nfloor = nan', "bounds nothing"),
        ('[[threshold]]\nmetric = "answered"\nmargin = 1.0', "a margin of 1 bounds nothing"),
        ('[[threshold]]\nmetric = "answered"\nmargin = 5.0', "a margin of 5 bounds nothing"),
        ('[[threshold]]\nmetric = "leaked"\nceiling = 0.1', "asked of every release"),
        ('[[threshold]]\nmetric = "latency_ms"\nmargin = 500', "compare cpu_ms and waiting_ms"),
        ('failed = 1.0\n[[threshold]]\nmetric = "answered"\nfloor = 0.5', "failed"),
        ('[[threshold]]\nmetric = "answered"\nmargin = -0.1', "threshold number 1 margin"),
        ('[[threshold]]\nmetric = "answered"\nmargin = inf', "threshold number 1 margin"),
        ('alpha = 0.5\n[[threshold]]\nmetric = "answered"\nfloor = 0.5', "alpha"),
        (2 * '[[threshold]]\nmetric = "answered"\nfloor = 0.5\n', "answered stands there twice"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ThresholdsInvalid) as met:
        read(tmp_path, text)
    assert told in str(met.value)
    assert "t.toml" in str(met.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ThresholdsInvalid, match=r"no\.toml cannot be read"):
        read_thresholds(tmp_path / "no.toml")
