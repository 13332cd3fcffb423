"""Files under WARRANT_STATE: private to the server's user, with clear errors when one cannot be used."""

import logging
import os
import sqlite3
import stat
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from graph.errors import SettingsInvalid

log = logging.getLogger("warrant.files")
OTHERS = stat.S_IRWXG | stat.S_IRWXO
DATABASE_SUFFIXES = ("", "-wal", "-shm", "-journal")
"""A SQLite database and the files that SQLite makes beside it, with the same mode."""
WAIT = 3.0
"""Seconds for which an answer waits for the conversation store."""
BUSY = 2.0
"""Seconds to wait for another process's lock on a database."""
MOVE_AWAY = "Move the file away (the server then starts without its contents) or restore a copy, and start again."
FREE_SPACE = "Free some space and start again."
SQLITE_ERRORS = {
    "SQLITE_NOTADB": ("it is no SQLite database", MOVE_AWAY),
    "SQLITE_CORRUPT": ("it is damaged", MOVE_AWAY),
    "SQLITE_FULL": ("the disk is full", FREE_SPACE),
    "SQLITE_READONLY": ("it may not be written", "Let the server's user write it and its directory, and start again."),
    "SQLITE_PERM": ("it may not be written", "Let the server's user write it and its directory, and start again."),
    "SQLITE_BUSY": ("another process holds it locked", "End that process and start again."),
    "SQLITE_LOCKED": ("another process holds it locked", "End that process and start again."),
    "SQLITE_CANTOPEN": ("it cannot be opened", "Give WARRANT_STATE a directory that the server's user may write."),
    "SQLITE_IOERR": (
        "the disk cannot be read or written",
        "Check the disk, its free space and its quotas, and start again.",
    ),
}
"""Cause and remedy, by the start of SQLite's error name."""


@dataclass(frozen=True)
class FileIdentity:
    """Which file a path named when it was opened."""

    path: Path
    device: int
    inode: int

    @property
    def lost(self) -> bool:
        """Whether the file was removed or replaced since."""
        try:
            found = self.path.stat()
        except OSError:
            return True
        return (found.st_dev, found.st_ino) != (self.device, self.inode)


def identity_of(path: Path) -> FileIdentity:
    """The identity of the file at a path; raises OSError."""
    found = os.stat(path)
    return FileIdentity(path, found.st_dev, found.st_ino)


def cause_of(error: BaseException) -> str:
    """Why a file cannot be used, as a clause without a path."""
    return _diagnose(error)[0]


def unusable(path: Path, error: BaseException) -> SettingsInvalid:
    """The error that stops the start: which file, why, and what to do."""
    cause, remedy = _diagnose(error)
    verb = "written" if isinstance(error, OSError) else "used"
    return SettingsInvalid(f"WARRANT_STATE: {path} cannot be {verb}: {cause}. {remedy}")


def _diagnose(error: BaseException) -> tuple[str, str]:
    name = getattr(error, "sqlite_errorname", "") if isinstance(error, sqlite3.Error) else ""
    if found := next((entry for prefix, entry in SQLITE_ERRORS.items() if name.startswith(prefix)), None):
        return found
    if isinstance(error, TimeoutError):
        return "it does not answer in time", "Start again when it does."
    if isinstance(error, OSError):
        return error.strerror or str(error), "Give WARRANT_STATE a directory that the server's user may write."
    return f"it does not answer ({type(error).__name__})", "The log says more."


def set_private_umask() -> None:
    """Make all files that this process and its children create accessible to their owner only."""
    os.umask(0o077)


def private_directory(path: Path) -> None:
    """Create a directory with mode 0700, or restrict an existing one; raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.stat().st_mode & stat.S_ISVTX:
        raise PermissionError(f"{path} belongs to every user of this machine; name a directory of its own")
    _restrict([path])


def private_database(path: Path) -> Path:
    """Create an empty database file, mode 0600 in a private directory, or restrict an existing one; raises OSError."""
    private_directory(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    _restrict(path.with_name(path.name + suffix) for suffix in DATABASE_SUFFIXES)
    return path


def wipe_deleted(path: Path) -> None:
    """Write a SQLite database anew: deleted rows stay in its free pages otherwise. Raises sqlite3.Error."""
    with closing(sqlite3.connect(path, timeout=BUSY)) as connection:
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def private_tree(path: Path) -> None:
    """Restrict a directory, if it exists, and everything in it; raises OSError."""
    for here, _, names in os.walk(path):
        _restrict([Path(here), *(Path(here) / name for name in names)])


def _restrict(paths: Iterable[Path]) -> None:
    """Remove the permissions of group and others; symbolic links are skipped."""
    for path in paths:
        try:
            mode = path.lstat().st_mode
            if mode & OTHERS and not stat.S_ISLNK(mode):
                path.chmod(stat.S_IMODE(mode) & ~OTHERS)
        except FileNotFoundError:
            continue  # another worker has removed it
        except PermissionError:
            log.warning("%s belongs to another user and is open to others; `chmod go-rwx` it.", path)
