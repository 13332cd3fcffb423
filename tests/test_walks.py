"""docs/architecture.md names the files that a question and a promotion enter, in order: followed on real ones."""

import inspect
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import httpx
import pytest
from server_under_test import app_over, serving
from support import QUICK, ROOT

from warrant import main

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
SAMPLES = 8


def listed(heading: str) -> list[str]:
    """The files that the page lists under a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\d+\. `([^`]+)`", section, re.MULTILINE)


@contextmanager
def following() -> Iterator[list[str]]:
    """Collects the files of ours whose functions are called, in the order of their first call, in every new thread."""
    entered: list[str] = []

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_flags & inspect.CO_OPTIMIZED and frame.f_code.co_name != "<module>":
            name = frame.f_code.co_filename.removeprefix(f"{ROOT}{os.sep}")
            if name.partition("/")[0] in ("warrant.py", "graph", "server", "evals") and name not in entered:
                entered.append(name)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield entered
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def in_order(names: list[str], entered: list[str]) -> list[str]:
    """The listed files that were entered, in the order in which they were."""
    return [name for name in entered if name in names]


def test_a_question_passes_through_the_files_of_the_page(handbook: Path, tmp_path: Path) -> None:
    from graph.release import Release

    with following() as entered, serving(app_over(handbook, tmp_path, Release())) as url:
        httpx.post(f"{url}/rag/invoke", json={"input": {"question": "hello"}}, timeout=120)
        entered.clear()
        question = {"input": {"question": "After how many years are laptops replaced?"}}
        answer = httpx.post(f"{url}/rag/invoke", json=question, timeout=120).json()["output"]
    assert answer["status"] == "answered"
    assert in_order(listed("A question"), entered) == listed("A question")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_promotion_passes_through_the_files_of_the_page(
    quick_handbook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WARRANT_REGISTRY", f"sqlite:///{tmp_path}/mlflow.db")
    Path("release.yaml").write_text(f"embedding: {QUICK.embedding}\n", "utf-8")
    samples = (ROOT / "evals/data/handbook.jsonl").read_text("utf-8").splitlines()[:SAMPLES]
    Path("samples.jsonl").write_text("\n".join(samples) + "\n", "utf-8")
    Path("low.toml").write_text('alpha = 0.05\n[[threshold]]\nmetric = "answered"\nfloor = 0.01\n', "utf-8")
    assert not main(["release", "log", "--release", "release.yaml", "--index", str(quick_handbook)])
    with following() as entered:
        arguments = ["--dataset", "samples.jsonl", "--thresholds", "low.toml", "--approver", "ann", "--ticket", "CHG-1"]
        assert not main(["promote", "v1", "--to", "production", *arguments])
    assert in_order(listed("A promotion"), entered) == listed("A promotion")
