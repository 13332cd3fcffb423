"""A cache of packages on disk, each in a directory named by its digest: whole, or not there.

A package that was fetched before is checked again each time it is taken from here.
"""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

from filelock import FileLock

from ..errors import PackageBroken
from .package import is_intact

TEMPORARY = ".arriving-"
"""Start of the name of a directory that is being written; the process that writes it comes next."""


def cached_package(home: Path, digest: str, download: Callable[[Path], Path]) -> Path:
    """The directory `home/DIGEST` with a whole package; `download` puts one below a given directory and says where.

    Several processes may want it at once. Raises PackageBroken when what was downloaded has another digest.
    """
    target = home / digest
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / f"{digest}.lock"):
        if not is_intact(target, digest):
            _download(target, download)
    return target


def temporary_path(home: Path) -> Path:
    """A new name in a directory for what this process writes there."""
    return home / f"{TEMPORARY}{os.getpid()}-{uuid4().hex}"


def writer_of(path: Path) -> int:
    """The process that writes there."""
    return int(path.name.removeprefix(TEMPORARY).partition("-")[0])


def _download(target: Path, download: Callable[[Path], Path]) -> None:
    new, old = temporary_path(target.parent), temporary_path(target.parent)
    try:
        new.mkdir()
        found = download(new)
        if not is_intact(found, target.name):
            raise PackageBroken(f"{target.name[:12]} is not what was logged: its digest is another.")
        if target.exists():
            target.rename(old)
        found.rename(target)
    finally:
        for path in (new, old):
            shutil.rmtree(path, ignore_errors=True)
