"""`warrant eval compare`, `check` and `score --csv`: several runs side by side, and datasets against documents."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from report_under_test import declined, good, run_of, samples
from support import ROOT

from evals.dataset import Dataset, Sample, write_dataset
from evals.documents import SourceDocument, check_dataset
from evals.errors import DatasetInvalid, RunInvalid
from evals.runs import EvalRun
from warrant import warrant


def command(*arguments: object) -> Result:
    return CliRunner().invoke(warrant, ["eval", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture
def runs(tmp_path: Path) -> list[EvalRun]:
    """Three releases of which the second declines half of what the others answer."""
    dataset = Dataset("d", samples())
    fewer = [declined(each.sample) if n < 20 else each for n, each in enumerate(good())]
    return [
        run_of(tmp_path, dataset, f"{name}@1", found)
        for name, found in zip("abc", (good(), fewer, good()), strict=True)
    ]


def test_runs_stand_side_by_side_with_what_changed_by_more_than_chance(runs: list[EvalRun], tmp_path: Path) -> None:
    found = command("compare", *(run.path for run in runs), "--metric", "answered", "--picture", tmp_path / "t.png")
    assert found.exit_code == 0, found.output
    row = next(line for line in found.stdout.splitlines() if "answered" in line)
    first, second, third = row.split("│")[1:4]
    assert ("1.000" in first, "▲" in first or "▼" in first) == (True, False)
    assert ("0.500" in second, "▼" in second) == (True, True)
    assert ("1.000" in third, "▲" in third) == (True, True)
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")


def test_other_questions_and_metrics_that_are_not_there_are_refused(runs: list[EvalRun], tmp_path: Path) -> None:
    other = run_of(tmp_path, Dataset("other", samples(20)), "o@1", good(20))
    assert isinstance(command("compare", runs[0].path, other.path).exception, RunInvalid)
    assert isinstance(command("compare", runs[0].path, runs[1].path, "--metric", "no").exception, RunInvalid)


def test_a_plan_says_how_many_samples_each_criterion_needs(runs: list[EvalRun], tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text('[[threshold]]\nmetric = "answered"\nfloor = 0.5\nmargin = 0.2\n', "utf-8")
    line = ("plan", runs[0].path, "--other", runs[1].path, "--thresholds", tmp_path / "t.toml")
    found = json.loads(command(*line, "--json").stdout)
    assert [each["kind"] for each in found["criteria"]] == ["floor", "margin"]
    needed = [each["samples"]["1"] for each in found["criteria"]]
    assert needed[0] < needed[1] == found["needed"]["1"]
    told = command(*line)
    assert (told.exit_code, str(needed[1]) in told.stdout, "chance to pass" in told.stdout) == (0, True, True)
    assert isinstance(command("plan", runs[0].path, "--thresholds", tmp_path / "t.toml").exception, RunInvalid)


def test_scores_are_written_as_csv_and_parquet(runs: list[EvalRun], tmp_path: Path) -> None:
    csv, parquet = tmp_path / "out" / "s.csv", tmp_path / "s.parquet"
    assert command("score", runs[1].path, "--csv", csv, "--parquet", parquet).exit_code == 0
    frames = [pd.read_csv(csv, keep_default_na=False, na_values={"value": [""]}), pd.read_parquet(parquet)]
    for frame in frames:
        assert len(frame) == 40 * 3
        assert frame[frame["metric"] == "answered"]["value"].mean() == 0.5
        assert set(frame["release"]) == {"b@1"}
    assert list(frames[0].columns) == list(frames[1].columns)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"documents": ["a.md", "gone.md"]}, "line 3: there is no document 'gone.md'$"),
        ({"documents": ["docs/a.md"]}, r"line 3: there is no document 'docs/a.md'; is it 'a.md'\?"),
        ({"quotes": ["20 B"]}, "line 3: the quote '20 B' is in none of a.md"),
        ({"quotes": ["of  **20 A**"]}, ""),
        ({}, ""),
    ],
)
def test_what_no_document_has_is_an_error_by_line(tmp_path: Path, change: dict[str, Any], told: str) -> None:
    path, known = tmp_path / "d.jsonl", {"a.md": SourceDocument("a.md", "A fuse\nof 20 A.")}
    sample = Sample.model_validate(
        {"id": "b", "question": "Which?", "answerable": True, "documents": ["a.md"], **change}
    )
    write_dataset(path, [Sample(id="a", question="Who?", answerable=False), sample])
    path.write_text(path.read_text("utf-8").replace("\n", "\n\n", 1), "utf-8")
    if told:
        with pytest.raises(DatasetInvalid, match=told):
            check_dataset(path, known)
    else:
        assert check_dataset(path, known) == 2


def test_the_command_checks_the_documents_of_an_index(quick_handbook: Path, tmp_path: Path) -> None:
    whole = command("check", ROOT / "evals/data/handbook.jsonl", "--index", quick_handbook)
    assert (whole.exit_code, "all of whose documents and quotes are in the index" in whole.stderr) == (0, True)
    write_dataset(tmp_path / "d.jsonl", [Sample(id="a", question="Who?", answerable=True, documents=("no.md",))])
    assert isinstance(command("check", tmp_path / "d.jsonl", "--index", quick_handbook).exception, DatasetInvalid)
