"""The evaluation in Python that docs/evals.md shows, and what it leaves behind."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import QUICK, ROOT

import evals
from evals.dataset import Sample, read_dataset, write_dataset
from evals.errors import RunInvalid

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
EXAMPLE, THRESHOLD = (
    code
    for code in re.findall(r"```python\n(.*?)```", (ROOT / "docs/evals.md").read_text("utf-8"), re.DOTALL)
    if "evals.ask" in code
)


@pytest.fixture
def known(quick_handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Sample, ...]:
    """Eight samples; beside them, the index and the releases that the examples name."""
    monkeypatch.chdir(tmp_path)
    samples = read_dataset(ROOT / "evals" / "data" / "handbook.jsonl").samples[:8]
    write_dataset(tmp_path / "handbook.jsonl", samples)
    (tmp_path / ".warrant").mkdir()
    (tmp_path / ".warrant" / "handbook").symlink_to(quick_handbook)
    for name, passages, threshold in (("first", 8, 0.5), ("narrow", 1, 0.5), ("answers-all", 8, 0.0)):
        fields = {**QUICK.model_dump(), "name": name}
        fields["reranking"]["passages"] = passages
        fields["routing"]["answer_from"] = threshold
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(fields), "utf-8")
    (tmp_path / "thresholds.toml").write_text('[[threshold]]\nmetric = "context_recall"\nmargin = 0.2\n', "utf-8")
    return samples


async def test_the_example_of_the_guide_runs_in_a_notebook(
    known: tuple[Sample, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a notebook an event loop runs already, as it does here."""
    there: dict[str, Any] = {}
    exec(EXAMPLE, there)
    lines = [line for line in EXAMPLE.splitlines() if line and not line.startswith("import")]
    assert len(lines) <= 10
    assert there["verdict"].says in capsys.readouterr().out
    assert (tmp_path / "report" / "report.html").exists()
    scores = there["scores"]
    assert set(scores["sample"]) == {sample.id for sample in known}
    assert scores[scores["value"].isna()]["reason"].all()
    assert scores.groupby("metric")["value"].mean()["context_recall"] == pytest.approx(
        next(each.mean.value for each in there["verdict"].measures if each.metric == "context_recall")
    )
    runs = there["champion"], there["run"], there["champion"]
    assert evals.draw_trend(*runs, out="trend.png").read_bytes().startswith(b"\x89PNG")
    fewer = evals.ask(evals.Dataset("fewer", known[:2]), release="first.yaml", index=".warrant/handbook")
    with pytest.raises(RunInvalid, match="not on the same questions"):
        evals.draw_trend(there["run"], fewer)


def test_a_threshold_is_chosen_by_the_wrong_answers_from_each_confidence_on(
    known: tuple[Sample, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    there: dict[str, Any] = {}
    exec(THRESHOLD, there)
    assert there["by_confidence"]["confidence"].is_monotonic_decreasing
    assert re.search(r"confidence +risk\n", capsys.readouterr().out)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        evals.__getattr__("nowhere")
