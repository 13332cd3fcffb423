"""What the documents say is what the project is."""

import re
import subprocess
import sys

import pytest
from support import ROOT

sys.path.insert(0, str(ROOT))
from benchmarks.readme import HEADLINES, WHOLE, rendered, rows, whole

README = (ROOT / "README.md").read_text("utf-8")
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_figures_in_the_readme_are_the_committed_results() -> None:
    assert rendered(README) == README, "run `.venv/bin/python benchmarks/readme.py`"
    assert whole() == WHOLE.read_text("utf-8"), "run `.venv/bin/python benchmarks/readme.py`"


def test_the_readme_shows_every_missed_goal_and_each_headline() -> None:
    missed = [row for row in rows() if "(missed)" in row.goal]
    assert missed
    assert [row.what for row in missed if row.line not in README] == []
    assert [head for head in HEADLINES if not any(row.what.startswith(head) for row in rows())] == []


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!http)([^)#]+)\)", README))))
def test_links_of_the_readme_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_the_exit_codes_in_the_readme_are_those_of_the_commands() -> None:
    from graph.cli.exit_codes import EXITS, WITHHELD

    told = {int(code) for code in re.findall(r"^\| (\d+) \|", README, re.MULTILINE)}
    assert told == {0, 130, WITHHELD, *EXITS.values()}


def test_locks_hold_hashes_and_no_address() -> None:
    for name in ("requirements.lock", "requirements-serve.lock", "requirements-studio.lock"):
        text = (ROOT / name).read_text("utf-8")
        pins = re.findall(r"^[a-z0-9][a-z0-9._-]*(?:\[[a-z,]+\])?==", text, re.MULTILINE)
        assert len(pins) > 50
        assert len(re.findall(r"==[^\n]* \\\n    --hash=sha256:[0-9a-f]{64}", text)) == len(pins)
        assert "://" not in text


def test_no_file_names_a_path_of_one_machine() -> None:
    named = [
        name
        for name in TRACKED
        if not name.endswith((".png", ".pdf", ".docx", ".lock"))
        and re.search(r"/(?:work|home|root|Users)/[a-z]", (ROOT / name).read_text("utf-8", "replace"))
    ]
    assert named == []


def test_every_decision_is_numbered_and_says_what_it_is() -> None:
    decisions = sorted((ROOT / "docs/decisions").glob("*.md"))
    for number, path in enumerate(decisions, 1):
        assert path.name.startswith(f"{number:03d}-")
        assert path.read_text("utf-8").startswith(f"# {number:03d} ")


def test_tests_live_where_the_code_does() -> None:
    for package in ("graph", "evals"):
        rooms = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
        assert rooms <= {path.name for path in (ROOT / "tests" / package).iterdir() if path.is_dir()}
