"""Packages on disk, each in the directory of its digest: whole, or not there.

Nothing is taken on trust because it was fetched once: whoever takes a package from here has it checked again.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from filelock import FileLock

from ..errors import PackageBroken
from .isolation import LEFT_OUT
from .package import package_digest

ARRIVING = ".arriving-"
"""What is not there yet begins so, then names the process that brings it."""


def shelve(home: Path, digest: str, bring: Callable[[Path], Path]) -> Path:
    """The directory `home/DIGEST` with a whole package; `bring` puts one below a given directory and says where.

    Several processes may want it at once. Raises PackageBroken when what was brought has another digest.
    """
    target = home / digest
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / f"{digest}.lock"):
        if not is_whole(target, digest):
            _bring(target, bring)
    return target


def is_whole(root: Path, digest: str) -> bool:
    """Whether a package is there and is what the digest says.

    What Python has compiled from its code is thrown away: the digest does not cover it.
    """
    for name in LEFT_OUT:
        for compiled in [*root.rglob(name)]:
            shutil.rmtree(compiled, ignore_errors=True)
    try:
        return package_digest(root) == digest
    except (PackageBroken, OSError):
        return False


def arriving(home: Path) -> Path:
    """A new name in a directory for what this process brings there."""
    return home / f"{ARRIVING}{os.getpid()}-{uuid4().hex}"


def brought_by(path: Path) -> int:
    """The process that brings what lies there."""
    return int(path.name.removeprefix(ARRIVING).partition("-")[0])


def _bring(target: Path, bring: Callable[[Path], Path]) -> None:
    new, old = arriving(target.parent), arriving(target.parent)
    try:
        new.mkdir()
        found = bring(new)
        if not is_whole(found, target.name):
            raise PackageBroken(f"{target.name[:12]} is not what was logged: its digest is another.")
        if target.exists():
            target.rename(old)
        found.rename(target)
    finally:
        for path in (new, old):
            shutil.rmtree(path, ignore_errors=True)
