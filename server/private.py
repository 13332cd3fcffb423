"""Keeps what the server writes from other users of the machine: directories are 0700, files 0600."""

import logging
import os
import stat
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger("warrant.private")
OTHERS = stat.S_IRWXG | stat.S_IRWXO
BESIDE = ("", "-wal", "-shm", "-journal")
"""Files of a SQLite database, which makes those beside it as open as it is itself."""


def write_privately() -> None:
    """Make whatever this process and its children write, libraries too, the owner's alone."""
    os.umask(0o077)


def private_folder(folder: Path) -> None:
    """Make a directory that its owner alone may open, or close one that is there; raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & stat.S_ISVTX:
        raise PermissionError(f"{folder} belongs to every user of this machine; name a directory of its own")
    _close([folder])


def private_database(path: Path) -> Path:
    """Make the empty file of a database in a directory of its own, or close one that is there; raises OSError."""
    private_folder(path.parent)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    _close(path.with_name(path.name + end) for end in BESIDE)
    return path


def private_tree(folder: Path) -> None:
    """Close a directory that may be there, and all that is in it; raises OSError."""
    for here, _, names in os.walk(folder):
        _close([Path(here), *(Path(here) / name for name in names)])


def owner_alone(path: str, flags: int) -> int:
    """An opener for `open`: a new file is the owner's alone."""
    return os.open(path, flags, 0o600)


def _close(paths: Iterable[Path]) -> None:
    """Take from everybody but the owner what they may do with files and directories, links left aside."""
    for path in paths:
        try:
            mode = path.lstat().st_mode
            if mode & OTHERS and not stat.S_ISLNK(mode):
                path.chmod(stat.S_IMODE(mode) & ~OTHERS)
        except FileNotFoundError:
            continue  # another worker has tidied up
        except PermissionError:
            log.warning("%s belongs to another user and is open to others; `chmod go-rwx` it.", path)
