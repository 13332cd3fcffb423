"""Where Snapshots are published: a reader always finds a whole one, whatever happens to a writer.

STORE/CURRENT            the id of the Snapshot in force, replaced in one step
STORE/snapshots/ID/      Snapshots, never changed once they have this name
STORE/roots.json         the folders that were indexed, and how their documents are named
STORE/work/              what the writer under way has made so far
STORE/lock               held by the one writer
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import IndexBusy, SnapshotBroken, SnapshotMissing, SourceInvalid
from .manifest import MANIFEST

CURRENT = "CURRENT"
KEPT = 3
"""Snapshots that stay on disk, so that a reader which opened an earlier one can go on with it."""


def locate(path: Path) -> Path:
    """The directory of the Snapshot that a path means: the path itself, or the current one of a store."""
    if (path / MANIFEST).is_file():
        return path
    try:
        name = (path / CURRENT).read_text("ascii").strip()
    except FileNotFoundError as error:
        raise SnapshotMissing(
            f"There is no Snapshot at {path}; make one with `warrant index PATH --out {path}`."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotBroken(f"{path / CURRENT} cannot be read: {error}; index the documents again.") from error
    if not (path / "snapshots" / name / MANIFEST).is_file():
        raise SnapshotBroken(f"{path / CURRENT} names the Snapshot {name!r}, which is not there; index again.")
    return path / "snapshots" / name


class Store:
    """The writer's side of a store; `with store.writing():` holds it against every other writer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.work = path / "work"

    @contextmanager
    def writing(self, *, patience: float) -> Iterator[None]:
        """Hold the store; waits up to `patience` seconds for another writer, then raises IndexBusy."""
        if (self.path / MANIFEST).is_file():
            raise SourceInvalid(f"{self.path} is itself a Snapshot and never changes; give --out the store above it.")
        try:
            self.work.mkdir(parents=True, exist_ok=True)
            with FileLock(self.path / "lock", timeout=patience):
                yield
        except Timeout as error:
            raise IndexBusy(f"Another run is writing to {self.path}; try again when it has ended.") from error
        except (NotADirectoryError, FileExistsError, PermissionError) as error:
            raise SourceInvalid(
                f"--out must be a directory that can be written; {self.path} is not: {error}."
            ) from error

    def current(self) -> Path | None:
        """The Snapshot in force, or None before the first."""
        try:
            return locate(self.path)
        except SnapshotMissing:
            return None

    def new_build(self) -> Path:
        """An empty directory to build in; what an earlier writer left behind is cleared away."""
        build = self.work / "build"
        shutil.rmtree(build, ignore_errors=True)
        build.mkdir()
        return build

    def publish(self, build: Path, name: str) -> Path:
        """Make a finished build the Snapshot in force: on disk first, then named, then pointed to."""
        home = self.path / "snapshots"
        home.mkdir(exist_ok=True)
        _sync_tree(build)
        target = home / name
        if target.exists():
            shutil.rmtree(build)
        else:
            build.rename(target)
        _sync(home)
        self._point_to(name)
        self._drop_old(name)
        return target

    def _point_to(self, name: str) -> None:
        pointer = self.path / (CURRENT + ".new")
        with pointer.open("w", encoding="ascii") as file:
            file.write(name + "\n")
            file.flush()
            os.fsync(file.fileno())
        pointer.replace(self.path / CURRENT)
        _sync(self.path)

    def _drop_old(self, name: str) -> None:
        snapshots = [path for path in (self.path / "snapshots").iterdir() if path.name != name]
        snapshots.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in snapshots[KEPT - 1 :]:
            shutil.rmtree(path, ignore_errors=True)


def _sync_tree(directory: Path) -> None:
    # Lance never syncs: without this a power cut could leave a published Snapshot with empty files.
    for folder, _, files in os.walk(directory):
        for name in files:
            _sync(Path(folder) / name)
        _sync(Path(folder))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
