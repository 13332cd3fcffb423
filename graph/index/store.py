"""Where Snapshots are published: a reader always finds a whole one, whatever happens to a writer.

STORE/CURRENT            the id of the Snapshot in force, replaced in one step
STORE/snapshots/ID/      Snapshots, never changed once they have this name
STORE/roots.json         the folders that were indexed, and how their documents are named
STORE/work/              what the writer under way has made so far
STORE/lock               held by the one writer

Who reads a Snapshot holds a shared lock on its manifest, the writer removes only what it can lock alone. Such a lock
writes nothing, so that it is had on a read-only mount too, and it ends with the reader's process.
"""

import logging
import os
import shutil
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from ..errors import IndexBusy, SnapshotBroken, SnapshotError, SnapshotMissing, SourceInvalid
from ..locks import LOCKS, same_file, try_lock
from .manifest import MANIFEST, read_manifest

log = logging.getLogger("warrant.store")
CURRENT = "CURRENT"
KEPT = 3
"""Snapshots that stay whoever reads them: for readers that cannot lock, on Windows and some network file systems."""
DROPPED = "dropped-"
"""How a Snapshot is called that is being removed."""
TRIES, PAUSE = 100, 0.01
"""How often a lease is tried for, and the seconds between, while another process holds the Snapshot to remove it."""


def locate(path: Path) -> Path:
    """The directory of the Snapshot that a path means: the path itself, or the current one of a store.

    It may be removed the next moment; who wants to read it takes a `lease`.
    """
    if _is_snapshot(path):
        return path
    name = ""
    # One that is not there was perhaps removed after the pointer was read: then the pointer has moved on.
    while (pointed := _pointed(path)) != name:
        name = pointed
        if _is_snapshot(path / "snapshots" / name):
            return path / "snapshots" / name
    raise SnapshotBroken(f"{path / CURRENT} names the Snapshot {name!r}, which is not there; index again.")


def _is_snapshot(directory: Path) -> bool:
    try:
        return (directory / MANIFEST).is_file()
    except OSError as error:
        raise SnapshotBroken(f"{directory} cannot be read: {error.strerror}; give its reader the right to.") from error


def _pointed(path: Path) -> str:
    try:
        return (path / CURRENT).read_text("ascii").strip()
    except FileNotFoundError as error:
        raise SnapshotMissing(
            f"There is no Snapshot at {path}; make one with `warrant index PATH --out {path}`."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotBroken(f"{path / CURRENT} cannot be read: {error}; index the documents again.") from error


class SnapshotLease:
    """A Snapshot that is read: no writer removes its directory until the lease is released, or the process has ended.

    `path` is what was asked for, a store or a Snapshot, `directory` the Snapshot that it meant.
    """

    def __init__(self, path: Path, directory: Path, handle: int) -> None:
        self.path, self.directory = path, directory
        self._handle = handle
        self._end = weakref.finalize(self, os.close, handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Let go of the Snapshot; again does nothing."""
        self._end()

    @property
    def lost(self) -> bool:
        """Whether the Snapshot was removed or replaced all the same, or was let go."""
        return not self._end.alive or not same_file(self._handle, self.directory / MANIFEST)

    def newer(self) -> str | None:
        """The Snapshot that the path means by now, by its directory's name; None while it is this one.

        Raises SnapshotError when it cannot be told.
        """
        there = locate(self.path)
        return None if there == self.directory and not self.lost else there.name


def lease(path: Path) -> SnapshotLease:
    """Hold the Snapshot that a path means against being removed; raises SnapshotMissing or SnapshotBroken."""
    for _ in range(TRIES):
        directory = locate(path)
        if held := _hold(path, directory):
            return held
        time.sleep(PAUSE)
    raise SnapshotBroken(f"{directory} is being removed, and does not go; try again, or index again.")


def _hold(path: Path, directory: Path) -> SnapshotLease | None:
    """A lease; None when the Snapshot was removed since it was located."""
    try:
        handle = os.open(directory / MANIFEST, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SnapshotBroken(f"{directory / MANIFEST} cannot be read: {error.strerror}; copy it again.") from error
    locked, held = try_lock(handle, shared=True), SnapshotLease(path, directory, handle)
    if locked is None:
        log.info("a Snapshot is read without a lease: its file system has no locks", extra={"snapshot": directory.name})
    if locked is False or held.lost:
        held.release()
        return None
    return held


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

    def current(self) -> SnapshotLease | None:
        """The Snapshot in force, held; None before the first."""
        try:
            return lease(self.path)
        except SnapshotMissing:
            return None

    def new_build(self) -> Path:
        """An empty directory to build in; what an earlier writer left behind is cleared away."""
        build = self.work / "build"
        for left in (build, *self.work.glob(f"{DROPPED}*")):
            shutil.rmtree(left, ignore_errors=True)
        build.mkdir()
        return build

    def publish(self, build: Path, name: str) -> Path:
        """Make a finished build the Snapshot in force: on disk first, then named, then pointed to.

        One of the same documents that is there already stays, unless it was damaged.
        """
        home = self.path / "snapshots"
        home.mkdir(exist_ok=True)
        _sync_tree(build)
        target = home / name
        if _is_whole(target):
            shutil.rmtree(build)
        else:
            self._drop(target)
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
        """Remove what nobody reads, but for the newest."""
        snapshots = [path for path in (self.path / "snapshots").iterdir() if path.name != name]
        snapshots.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in snapshots[KEPT - 1 :]:
            with _unread(path) as unread:
                if unread:
                    self._drop(path)

    def _drop(self, path: Path) -> None:
        """Remove a Snapshot: in one step out of the readers' sight, then from the disk."""
        gone = self.work / f"{DROPPED}{path.name}"
        shutil.rmtree(gone, ignore_errors=True)
        try:
            path.rename(gone)
        except FileNotFoundError:
            return
        except OSError as error:
            # Windows removes nothing that is open; the next run tries again.
            log.info("an old Snapshot stays", extra={"snapshot": path.name, "trouble": str(error)})
            return
        shutil.rmtree(gone, ignore_errors=True)


@contextmanager
def _unread(directory: Path) -> Iterator[bool]:
    """Whether nobody reads a Snapshot; if so, nobody begins to until the end of the block."""
    if not LOCKS:
        yield True
        return
    try:
        handle = os.open(directory / MANIFEST, os.O_RDWR)
    except OSError as error:
        # Without a manifest nobody can open it; one that may not be written is not ours to remove.
        yield isinstance(error, FileNotFoundError)
        return
    try:
        yield try_lock(handle) is not False
    finally:
        os.close(handle)


def _is_whole(directory: Path) -> bool:
    try:
        read_manifest(directory)
    except SnapshotError:
        return False
    return True


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
