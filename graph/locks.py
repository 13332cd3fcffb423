"""Locks on open files, which end with the process that holds them, however it ends."""

import os

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCKS = fcntl is not None
"""Whether this platform has such locks; where it has none nothing is ever locked."""


def try_lock(handle: int, *, shared: bool = False) -> bool | None:
    """Lock an open file without waiting; False when another holds it against us, None when it cannot be locked here.

    An exclusive lock needs a handle that may write: on NFS it is a lock of the whole file's bytes.
    """
    if not LOCKS:
        return None
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def same_file(handle: int, path: "os.PathLike[str]") -> bool:
    """Whether a path still names the file that was opened; raises OSError, but not for a path that is not there."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(path))
    except (FileNotFoundError, NotADirectoryError):
        return False
