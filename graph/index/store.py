"""The directory in which Snapshots are published; readers always find a complete one, even if a writer crashes.

STORE/CURRENT            the id of the current Snapshot, replaced atomically
STORE/snapshots/ID/      the Snapshots, which never change
STORE/roots.json         the indexed folders and the names of their documents
STORE/work/              the unfinished work of the writer
STORE/lock               the writer's lock

A reader holds a shared lock on the manifest; the writer removes only what it can lock exclusively. Locking writes
nothing, so it works on a read-only mount, and the lock ends with the reader's process.
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
"""Snapshots that are always kept, for readers that cannot lock: on Windows and some network file systems."""
REMOVED_PREFIX = "dropped-"
"""The name prefix of a Snapshot that is being removed."""
LEASE_ATTEMPTS, LEASE_PAUSE = 100, 0.01
"""The attempts to get a lease while another process removes the Snapshot, and the seconds between them."""


def locate(path: Path) -> Path:
    """The directory of a Snapshot: the path itself, or the current Snapshot of a store.

    It may be removed at any time; take a `lease` to read it.
    """
    if _is_snapshot(path):
        return path
    name = ""
    # A missing Snapshot may have been removed after CURRENT was read; then CURRENT has changed.
    while (current := _current_name(path)) != name:
        name = current
        if _is_snapshot(path / "snapshots" / name):
            return path / "snapshots" / name
    raise SnapshotBroken(f"{path / CURRENT} names the Snapshot {name!r}, which is not there; index again.")


def _is_snapshot(directory: Path) -> bool:
    try:
        return (directory / MANIFEST).is_file()
    except OSError as error:
        raise SnapshotBroken(f"{directory} cannot be read: {error.strerror}; give its reader the right to.") from error


def _current_name(path: Path) -> str:
    try:
        return (path / CURRENT).read_text("ascii").strip()
    except FileNotFoundError as error:
        raise SnapshotMissing(
            f"There is no Snapshot at {path}; make one with `warrant index PATH --out {path}`."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SnapshotBroken(f"{path / CURRENT} cannot be read: {error}; index the documents again.") from error


class SnapshotLease:
    """Protects a Snapshot from removal until the lease is released or the process ends.

    `path` is the given store or Snapshot, `directory` the Snapshot's directory.
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
        """Whether the Snapshot was removed or replaced nevertheless, or the lease was released."""
        return not self._end.alive or not same_file(self._handle, self.directory / MANIFEST)

    def newer(self) -> str | None:
        """The name of the Snapshot that is now current; None while it is this one.

        Raises SnapshotError when that is unknown.
        """
        current = locate(self.path)
        return None if current == self.directory and not self.lost else current.name


def lease(path: Path) -> SnapshotLease:
    """Lease the Snapshot at a path, so that it is not removed; raises SnapshotMissing or SnapshotBroken."""
    for _ in range(LEASE_ATTEMPTS):
        directory = locate(path)
        if new_lease := _try_lease(path, directory):
            return new_lease
        time.sleep(LEASE_PAUSE)
    raise SnapshotBroken(f"{directory} is being removed, and does not go; try again, or index again.")


def _try_lease(path: Path, directory: Path) -> SnapshotLease | None:
    """A lease; None if the Snapshot has been removed meanwhile."""
    try:
        handle = os.open(directory / MANIFEST, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SnapshotBroken(f"{directory / MANIFEST} cannot be read: {error.strerror}; copy it again.") from error
    locked, new_lease = try_lock(handle, shared=True), SnapshotLease(path, directory, handle)
    if locked is None:
        log.info("a Snapshot is read without a lease: its file system has no locks", extra={"snapshot": directory.name})
    if locked is False or new_lease.lost:
        new_lease.release()
        return None
    return new_lease


class Store:
    """The writer's side of a store; `with store.writing():` excludes other writers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.work = path / "work"

    @contextmanager
    def writing(self, *, patience: float) -> Iterator[None]:
        """Lock the store; waits up to `patience` seconds for another writer, then raises IndexBusy."""
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
        """A lease on the current Snapshot; None before the first."""
        try:
            return lease(self.path)
        except SnapshotMissing:
            return None

    def new_build(self) -> Path:
        """An empty build directory; leftovers of earlier writers are removed."""
        build = self.work / "build"
        for left in (build, *self.work.glob(f"{REMOVED_PREFIX}*")):
            shutil.rmtree(left, ignore_errors=True)
        build.mkdir()
        return build

    def publish(self, build: Path, name: str) -> Path:
        """Make a finished build the current Snapshot: sync, rename, then update CURRENT.

        An existing Snapshot of the same documents is kept unless it is damaged.
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
        """Remove old Snapshots that nobody reads."""
        snapshots = [path for path in (self.path / "snapshots").iterdir() if path.name != name]
        snapshots.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in snapshots[KEPT - 1 :]:
            with _unread(path) as unread:
                if unread:
                    self._drop(path)

    def _drop(self, path: Path) -> None:
        """Remove a Snapshot: rename it atomically, then delete it."""
        gone = self.work / f"{REMOVED_PREFIX}{path.name}"
        shutil.rmtree(gone, ignore_errors=True)
        try:
            path.rename(gone)
        except FileNotFoundError:
            return
        except OSError as error:
            # Windows does not remove open files; the next run tries again.
            log.info("an old Snapshot stays", extra={"snapshot": path.name, "trouble": str(error)})
            return
        shutil.rmtree(gone, ignore_errors=True)


@contextmanager
def _unread(directory: Path) -> Iterator[bool]:
    """Whether nobody reads a Snapshot; if so, it stays locked for the block."""
    if not LOCKS:
        yield True
        return
    try:
        handle = os.open(directory / MANIFEST, os.O_RDWR)
    except OSError as error:
        # Without a manifest nobody can open it; a read-only one must not be removed.
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
