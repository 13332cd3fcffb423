"""warrant eval calibrate: a new release from one more run, nothing asked twice, and no threshold out of thin air."""

import json
from pathlib import Path

import pytest
from support import QUICK, ROOT

from evals.calibration import Calibration
from evals.dataset import read_dataset, write_dataset
from evals.runs import ANSWERS
from graph.release_yaml import load_release
from warrant import main

RELEASE = "# ours\nname: quick  # static vectors\nembedding: wordllama-256\n"


@pytest.fixture(scope="module")
def place(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release, and its run on some samples of the handbook's dataset."""
    home = tmp_path_factory.mktemp("calibrate")
    (home / "release.yaml").write_text(RELEASE)
    samples = read_dataset(ROOT / "evals/data/handbook.jsonl").samples
    write_dataset(home / "set.jsonl", [sample for sample in samples if not sample.history][::16])
    line = ["eval", "run", "-d", f"{home}/set.jsonl", "-i", str(quick_handbook), "-r", f"{home}/release.yaml"]
    assert main([*line, "--out", str(home / "runs")]) is None
    [run] = (home / "runs").iterdir()
    (home / "first").write_text(run.name)
    return home


def calibrate(place: Path, index: Path, *told: str) -> int:
    line = ["eval", "calibrate", str(first_run(place)), "-i", str(index), "-r", f"{place}/release.yaml"]
    try:
        return int(main([*line, "--out", f"{place}/new/release.yaml", *told]) or 0)
    except SystemExit as done:
        return int(done.code or 0)


def first_run(place: Path) -> Path:
    """The run of the release itself: the forced one came later."""
    return place / "runs" / (place / "first").read_text()


def answers(place: Path) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in sorted((place / "runs").glob(f"*/{ANSWERS}"))}


def test_thresholds_are_chosen_measured_and_written(place: Path, quick_handbook: Path) -> None:
    assert calibrate(place, quick_handbook, "--target-risk", "1") == 0
    new = place / "new"
    text = (new / "release.yaml").read_text()
    release, found = (
        load_release(new / "release.yaml"),
        Calibration.model_validate_json((new / "calibration.json").read_text()),
    )
    assert "# ours" in text
    assert "name: quick-calibrated # static vectors" in text
    routing = {**QUICK.routing.model_dump(), "answer_from": found.after}
    assert release.model_dump() == {**QUICK.model_dump(), "name": "quick-calibrated", "routing": routing}
    assert (found.threshold, found.after_label) == ("answer_from", release.label)
    assert found.fitting.after
    assert found.fitting.samples + found.reporting.samples == len(read_dataset(place / "set.jsonl").samples)
    assert (new / "risk-coverage.png").read_bytes().startswith(b"\x89PNG")
    kept = answers(place)
    assert len(kept) == 2
    assert calibrate(place, quick_handbook, "--target-risk", "1") == 0
    assert answers(place) == kept
    assert (new / "release.yaml").read_text() == text


def test_a_risk_that_cannot_be_shown_writes_no_release(
    place: Path, quick_handbook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(place, quick_handbook, "--target-risk", "0.01") == 1
    told = capsys.readouterr()
    assert "cannot be reached with" in " ".join(told.out.split())
    assert "There is no new release." in told.err
    assert not (place / "new" / "release.yaml").exists()
    assert json.loads((place / "new" / "calibration.json").read_text())["after"] is None


def test_another_release_or_a_release_on_itself_is_refused(
    place: Path, quick_handbook: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert calibrate(place, quick_handbook, "--out", f"{place}/release.yaml") == 2
    (place / "other.yaml").write_text("name: other\nembedding: wordllama-256\n")
    assert calibrate(place, quick_handbook, "-r", f"{place}/other.yaml") == 2
    told = capsys.readouterr().err
    assert "name another file" in told
    assert "or run again" in told


def test_a_calibration_that_was_broken_off_goes_on_where_it_was(place: Path, quick_handbook: Path) -> None:
    """The earlier release stays until a new one is whole, and what was half written does not count."""
    whole = answers(place)
    forced = next(name for name in whole if name != first_run(place).name)
    lines = whole[forced].splitlines(keepends=True)
    (place / "runs" / forced / ANSWERS).write_bytes(b"".join(lines[:3]) + lines[3][:20])
    assert calibrate(place, quick_handbook, "--target-risk", "1") == 0
    after = answers(place)
    assert after[forced].splitlines(keepends=True)[:3] == lines[:3]
    assert len(after[forced].splitlines()) == len(lines)
    assert {name: text for name, text in after.items() if name != forced} == {
        name: text for name, text in whole.items() if name != forced
    }
    assert load_release(place / "new" / "release.yaml").name == "quick-calibrated"
