"""docs/architecture.md names the files that a question and a promotion enter, in order: followed on real ones."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def listed(heading: str) -> list[str]:
    """The files that the page lists under a heading."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"^\d+\. `([^`]+)`", section, re.MULTILINE)


def walk(kind: str, index: Path, folder: Path) -> list[str]:
    """The files that were entered, in the order of their first call."""
    line = [sys.executable, "-W", "ignore", str(ROOT / "tests" / "walks_under_test.py"), kind, str(index), str(folder)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=600, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    entered: list[str] = json.loads((folder / "walk.json").read_text("utf-8"))
    return entered


@pytest.mark.slow
def test_a_question_passes_through_the_files_of_the_page(handbook: Path, tmp_path: Path) -> None:
    names = listed("A question")
    assert [name for name in walk("question", handbook, tmp_path) if name in names] == names


@pytest.mark.slow
def test_a_promotion_passes_through_the_files_of_the_page(quick_handbook: Path, tmp_path: Path) -> None:
    names = listed("A promotion")
    assert [name for name in walk("promotion", quick_handbook, tmp_path) if name in names] == names
