"""This process: its memory, and its end."""

import asyncio
import ctypes
import gc
import os
import signal
from multiprocessing import parent_process
from threading import Thread

EVERY = 60.0
"""Seconds between two times that memory is given back."""


async def keep_memory_level() -> None:
    """Give memory back now and then, off the event loop: questions come and go, and leave holes in it."""
    while True:
        await asyncio.sleep(EVERY)
        await asyncio.to_thread(give_back_memory)


def give_back_memory() -> None:
    """Give the system what was freed: glibc keeps it, and a release that was let go has left holes everywhere."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


def spare_libraries() -> None:
    """Keep what was imported out of garbage collections: a full one goes through 260,000 objects in 0.15 s."""
    gc.collect()
    gc.freeze()


def end_with_parent() -> None:
    """Let a worker drain and end once the process that made it is gone, however it ended."""
    if parent := parent_process():

        def wait() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

        Thread(target=wait, name="end with parent", daemon=True).start()
