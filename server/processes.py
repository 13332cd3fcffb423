"""Processes of this machine: others, and the memory of this one."""

import ctypes
import os


def alive(process: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def give_back_memory() -> None:
    """Give the system what was freed: glibc keeps it, and a release that was let go has left holes everywhere."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
