"""Revisions of a git repository as what they would release: exported, indexed and packed, each by its own code.

A repository that holds Warrant's code is run by that; any other, which holds a release.yaml and documents alone, by the
Warrant that is installed.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evals.errors import RevisionInvalid
from evals.runs import PackagedRelease

TREES, STORES, PACKAGES = "trees", "stores", "packages"
LINES = 8
"""Of what a failing command said, how many lines are shown."""


@dataclass(frozen=True)
class Revision:
    """A commit, and the directory that its files were exported to."""

    ref: str
    commit: str
    tree: Path

    @property
    def name(self) -> str:
        """The revision as messages name it."""
        return f"{self.ref} ({self.commit[:12]})"

    @property
    def command(self) -> list[str]:
        """How its own `warrant` is run, or the installed one where it has none.

        Python finds imports beside a script first; with -P it finds none in the working directory.
        """
        script = self.tree / "warrant.py"
        return [sys.executable, str(script)] if script.is_file() else [sys.executable, "-P", "-m", "warrant"]


@dataclass(frozen=True)
class ReleaseRecipe:
    """What is released: `release` and `documents` are paths in the revision; `index` is a store that all share."""

    release: Path | None = None
    documents: tuple[Path, ...] = ()
    index: Path | None = None


def export(repository: Path, ref: str, home: Path) -> Revision:
    """The files of a revision below `home`, exported anew whatever is there; raises RevisionInvalid."""
    commit = git(repository, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    tree = home / TREES / commit
    if tree.exists():
        shutil.rmtree(tree)
    tree.mkdir(parents=True)
    with tempfile.NamedTemporaryFile(suffix=".tar", dir=tree.parent) as archive:
        git(repository, "archive", "--format=tar", f"--output={archive.name}", commit)
        with tarfile.open(archive.name) as files:
            files.extractall(tree, filter="data")
    return Revision(ref, commit, tree.resolve())


def inside(repository: Path, path: Path) -> Path:
    """A path from the root of the repository, as revisions have it; raises RevisionInvalid for one outside of it."""
    root = repository.resolve()
    whole = path.resolve() if path.is_absolute() else Path(os.path.normpath(root / path))
    if not whole.is_relative_to(root):
        raise RevisionInvalid(f"{path} is outside of the repository {root}: no revision has it. Give a path within it.")
    return whole.relative_to(root)


def check_untracked(repository: Path, folder: Path) -> None:
    """Raises RevisionInvalid for a folder with files that a revision can bring along."""
    whole = folder.resolve()
    if whole.is_relative_to(repository.resolve()) and git(repository, "ls-files", "--", str(whole)):
        raise RevisionInvalid(
            f"{folder} is a part of the repository: a change could bring its own results there. Name another folder."
        )


def build(revision: Revision, recipe: ReleaseRecipe, home: Path) -> PackagedRelease:
    """Index and pack a revision by its own code; raises RevisionInvalid with what a command said when it failed."""
    release = _release(revision, recipe)
    index = recipe.index or _indexed(revision, recipe, release, home)
    out = (home / PACKAGES / revision.commit).resolve()
    shutil.rmtree(out, ignore_errors=True)
    out.parent.mkdir(parents=True, exist_ok=True)
    packed = json.loads(_warrant(revision, "release", "pack", "--index", index, *release, "--out", out, "--json"))
    return PackagedRelease(
        root=out,
        label=packed["label"],
        release=packed["digest"],
        snapshot=packed["snapshot"],
        commit=revision.commit,
    )


def changed(repository: Path, base: Revision, head: Revision, paths: Sequence[Path]) -> list[str]:
    """The files below some paths that the head changes since it left the base; raises RevisionInvalid."""
    span = f"{base.commit}...{head.commit}"
    told = git(repository, "diff", "--name-only", "--no-renames", span, "--", *map(str, paths))
    return told.splitlines()


def file_of(revision: Revision, path: Path) -> Path | None:
    """A file of a revision; None when it has none there."""
    found = revision.tree / path
    return found if found.is_file() else None


def git(repository: Path, *arguments: str) -> str:
    """What git prints; raises RevisionInvalid with what it said when it failed."""
    command = ["git", "-C", str(repository), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()
    except FileNotFoundError:
        raise RevisionInvalid("Revisions are read by git, which is not installed.") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.strip() or f"there is no revision {arguments[-1].removesuffix('^{commit}')!r}"
        raise RevisionInvalid(f"git: {said}. In a shallow clone, fetch the whole history first.") from None


def _release(revision: Revision, recipe: ReleaseRecipe) -> Sequence[str | Path]:
    """The option that names the revision's release.yaml; none where it has none, and so the default."""
    found = file_of(revision, recipe.release) if recipe.release else None
    return ("--release", found) if found else ()


def _indexed(revision: Revision, recipe: ReleaseRecipe, release: Sequence[str | Path], home: Path) -> Path:
    """A store of the revision's documents; what is there already is gone over again."""
    missing = [str(path) for path in recipe.documents if not (revision.tree / path).exists()]
    if missing or not recipe.documents:
        problem = f"{revision.ref} has no {', '.join(missing)}" if missing else "no documents are named"
        raise RevisionInvalid(
            f"{problem}; give --documents that both revisions have, or a store that they share: --index."
        )
    store = (home / STORES / revision.commit).resolve()
    store.mkdir(parents=True, exist_ok=True)
    _warrant(revision, "index", *recipe.documents, "--out", store, "--prune", *release, "--json")
    return store


def _warrant(revision: Revision, *arguments: str | Path) -> str:
    """What a command of the revision's own code prints."""
    done = subprocess.run([*revision.command, *map(str, arguments)], cwd=revision.tree, capture_output=True, text=True)
    if done.returncode:
        said = "\n  ".join(done.stderr.strip().splitlines()[-LINES:])
        raise RevisionInvalid(f"`warrant {' '.join(map(str, arguments[:2]))}` of {revision.name} failed:\n  {said}")
    return done.stdout
