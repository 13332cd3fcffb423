"""What the documents say is what the project is."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ROOT

sys.path.insert(0, str(ROOT))
from benchmarks.readme import HEADLINES, WHOLE, rendered, rows, whole

README = (ROOT / "README.md").read_text("utf-8")
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
PAGES = [name for name in TRACKED if name.endswith(".md")]


def test_the_figures_in_the_readme_are_the_committed_results() -> None:
    assert rendered(README) == README, "run `.venv/bin/python benchmarks/readme.py`"
    assert whole() == WHOLE.read_text("utf-8"), "run `.venv/bin/python benchmarks/readme.py`"


def test_the_readme_shows_every_missed_goal_and_each_headline() -> None:
    missed = [row for row in rows() if "(missed)" in row.goal]
    assert missed
    assert [row.what for row in missed if row.line not in README] == []
    assert [head for head in HEADLINES if not any(row.what.startswith(head) for row in rows())] == []


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    links = {link.partition("#")[0] for link in re.findall(r"\]\((?!https?:|#)([^)\s]+)\)", text)}
    assert [link for link in sorted(links) if not (ROOT / page).parent.joinpath(link).exists()] == []


def test_every_test_that_a_page_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", "".join((ROOT / page).read_text("utf-8") for page in PAGES))
    assert len(named) > 40
    assert [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text("utf-8")] == []


def test_the_exit_codes_in_the_reference_are_those_of_the_commands() -> None:
    from graph.cli.exit_codes import EXITS, WITHHELD

    table = (ROOT / "docs/reference/errors.md").read_text("utf-8").partition("## HTTP")[0]
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert codes == {0, 130, 141, WITHHELD, *EXITS.values()}


def test_every_message_that_is_explained_is_one_of_ours() -> None:
    """An ellipsis stands for what a message fills in."""
    explained = re.findall(r"^\*\*`([^`]*)`", (ROOT / "docs/troubleshooting.md").read_text("utf-8"), re.MULTILINE)
    sources = [path for room in ("graph", "server", "evals") for path in (ROOT / room).rglob("*.py")]
    texts = [text for path in sources for text in _texts(ast.parse(path.read_text("utf-8")))]
    assert len(explained) > 20
    assert [each for each in explained if not any(_says(text, each) for text in texts)] == []
    assert not any(_says(text, "the moon … is full") for text in texts)


def _texts(tree: ast.AST) -> Iterator[str]:
    """The texts in a program; an ellipsis stands where one is filled in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _says(text: str, message: str) -> bool:
    return all(part.strip() in text for part in message.split("…"))


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


def test_every_decision_has_a_status_a_context_a_decision_and_consequences_and_is_listed() -> None:
    opening = r"# (\d{3}) .+\n\nDate: \d{4}-\d\d-\d\d · Status: (?:accepted|superseded by \[\d{3}\]\(.+\.md\))\n\n"
    index = (ROOT / "docs/decisions/README.md").read_text("utf-8")
    for path in (ROOT / "docs/decisions").glob("[0-9]*.md"):
        text = path.read_text("utf-8")
        found = re.match(opening, text)
        assert found, f"{path.name} begins with `# NNN Title`, an empty line, and `Date: ... · Status: ...`"
        assert path.name.startswith(found[1])
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], path.name
        assert f"- [{found[1]}]({path.name}) " in index


def test_tests_live_where_the_code_does() -> None:
    for package in ("graph", "evals"):
        rooms = {path.parent.name for path in (ROOT / package).glob("*/__init__.py")}
        assert rooms <= {path.name for path in (ROOT / "tests" / package).iterdir() if path.is_dir()}


def build_site(root: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(out)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=root, env=quiet, capture_output=True, text=True, timeout=600)


@pytest.mark.slow
def test_the_site_is_built_with_every_link_checked_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    done = build_site(ROOT, tmp_path / "site")
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 30
    elsewhere = re.compile(r"<(?:script|link|img|iframe)[^>]*https?://[^>]*>")
    assert [found for page in pages for found in elsewhere.findall(page.read_text("utf-8"))] == []


@pytest.mark.slow
@pytest.mark.parametrize("link", ["nothing.md", "other.md#nowhere"])
def test_a_link_that_leads_nowhere_fails_the_site(tmp_path: Path, link: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "scripts").mkdir()
    for name in ("mkdocs.yml", "docs/.nav.yml", "scripts/mkdocs_hooks.py"):
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    (tmp_path / "docs" / "other.md").write_text("# Other\n", "utf-8")
    (tmp_path / "README.md").write_text("# Page\n\n[other](docs/other.md)\n", "utf-8")
    assert build_site(tmp_path, tmp_path / "good").returncode == 0
    (tmp_path / "README.md").write_text(f"# Page\n\n[gone](docs/{link})\n", "utf-8")
    done = build_site(tmp_path, tmp_path / "bad")
    assert done.returncode != 0
    assert link.rpartition("#")[2] in done.stdout + done.stderr
