"""What is read of two git revisions is theirs: not what a checkout brings along, nor what lies outside of it."""

import subprocess
from pathlib import Path

import pytest

from evals.errors import RevisionInvalid
from evals.revisions import check_untracked, export, inside
from warrant import main


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout of a head that brings along what `eval ci` might take for its own results."""
    folder = tmp_path / "repository"
    (folder / "home" / "runs").mkdir(parents=True)
    for name in ("d.jsonl", "home/runs/scores.json"):
        (folder / name).write_text("base", "utf-8")
    monkeypatch.chdir(folder)
    for line in ("init -q -b main", "add -A", "commit -qm one"):
        told = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        subprocess.run(["git", *told, *line.split()], check=True)
    return folder


def test_what_lies_where_a_revision_is_exported_is_not_taken_for_it(repository: Path, tmp_path: Path) -> None:
    first = export(repository, "main", tmp_path / "home")
    (first.tree / "d.jsonl").write_text("easy", "utf-8")
    (first.tree / "more.py").write_text("", "utf-8")
    again = export(repository, "main", tmp_path / "home")
    assert again == first
    assert {path.name for path in again.tree.iterdir()} == {"d.jsonl", "home"}
    assert (again.tree / "d.jsonl").read_text("utf-8") == "base"


@pytest.mark.parametrize(
    ("path", "found"),
    [("d.jsonl", "d.jsonl"), ("{here}/d.jsonl", "d.jsonl"), ("home/../d.jsonl", "d.jsonl")]
    + [(path, None) for path in ("{here}/../d.jsonl", "../d.jsonl", "home/../../d.jsonl", "/etc/hostname")],
)
def test_a_path_is_one_within_the_revisions_or_refused(repository: Path, path: str, found: str | None) -> None:
    given = path.format(here=repository)
    if found:
        assert inside(repository, Path(given)) == Path(found)
        return
    with pytest.raises(RevisionInvalid, match="outside of the repository"):
        inside(repository, Path(given))
    for option in ("-d", "-t", "-D", "-r"):
        assert main(["eval", "ci", "--base", "main", "-d", "d.jsonl", option, given]) == 2


@pytest.mark.parametrize("home", ["home", "home/runs", "link"])
def test_answers_are_not_kept_where_a_change_can_bring_its_own(
    repository: Path, home: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "link").symlink_to("home")
    assert main(["eval", "ci", "--base", "main", "-d", "d.jsonl", "--home", home]) == 2
    assert f"{home} is a part of the repository" in capsys.readouterr().err
    check_untracked(repository, repository / "other")
