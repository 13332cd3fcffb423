"""The SQLite files under WARRANT_STATE: whether one is still the file that was opened, and what is wrong with it."""

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from graph.errors import SettingsInvalid

WAIT = 3.0
"""Seconds for which an answer waits for what is kept beside it."""
BUSY = 2.0
"""Seconds for which another process may hold a file locked."""
MOVE_AWAY = "Move the file away (what it holds is lost to the server) or put a copy back, and start again."
FREE_SPACE = "Free some space and start again."
KINDS = {
    "SQLITE_NOTADB": ("it is no SQLite database", MOVE_AWAY),
    "SQLITE_CORRUPT": ("it is damaged", MOVE_AWAY),
    "SQLITE_FULL": ("the disk is full", FREE_SPACE),
    "SQLITE_READONLY": ("it may not be written", "Let the server's user write it and its directory, and start again."),
    "SQLITE_PERM": ("it may not be written", "Let the server's user write it and its directory, and start again."),
    "SQLITE_BUSY": ("another process holds it locked", "End that process and start again."),
    "SQLITE_LOCKED": ("another process holds it locked", "End that process and start again."),
    "SQLITE_CANTOPEN": ("it cannot be opened", "Give WARRANT_STATE a directory that the server's user may write."),
    "SQLITE_IOERR": (
        "the disk does not take or give it",
        "Look at the disk, its space and its limits, and start again.",
    ),
}
"""What is wrong and what to do, by the start of SQLite's name for an error."""


@dataclass(frozen=True)
class Identity:
    """Which file a path named when it was opened."""

    path: Path
    device: int
    inode: int

    @property
    def lost(self) -> bool:
        """Whether it was removed or replaced since."""
        try:
            found = self.path.stat()
        except OSError:
            return True
        return (found.st_dev, found.st_ino) != (self.device, self.inode)


def identity_of(path: Path) -> Identity:
    """Which file a path names now; raises OSError."""
    found = os.stat(path)
    return Identity(path, found.st_dev, found.st_ino)


def what_is_wrong(error: BaseException) -> str:
    """Why a file does not help, for a sentence; names no place."""
    return _kind(error)[0]


def unusable(path: Path, error: BaseException) -> SettingsInvalid:
    """What stops a start: which file, what is wrong with it, what to do."""
    why, remedy = _kind(error)
    done = "written" if isinstance(error, OSError) else "used"
    return SettingsInvalid(f"WARRANT_STATE: {path} cannot be {done}: {why}. {remedy}")


def _kind(error: BaseException) -> tuple[str, str]:
    name = getattr(error, "sqlite_errorname", "") if isinstance(error, sqlite3.Error) else ""
    if found := next((told for kind, told in KINDS.items() if name.startswith(kind)), None):
        return found
    if isinstance(error, TimeoutError):
        return "it does not answer in time", "Start again when it does."
    if isinstance(error, OSError):
        return error.strerror or str(error), "Give WARRANT_STATE a directory that the server's user may write."
    return f"it does not answer ({type(error).__name__})", "The log says more."
