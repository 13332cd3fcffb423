"""This process: background tasks, memory, and its end."""

import asyncio
import ctypes
import gc
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from multiprocessing import parent_process
from threading import Thread
from typing import Any

TRIM_EVERY = 60.0
"""Seconds between two calls of malloc_trim."""


@asynccontextmanager
async def background_task(work: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run a coroutine until the end of the block, where it is cancelled."""
    task = asyncio.create_task(work())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def trim_memory_regularly() -> None:
    """Return freed memory to the system every minute, off the event loop."""
    while True:
        await asyncio.sleep(TRIM_EVERY)
        await asyncio.to_thread(trim_memory)


def trim_memory() -> None:
    """Return freed memory to the system: glibc keeps it, fragmented, after a release was unloaded."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


def freeze_imports() -> None:
    """Exclude imported modules from garbage collection: a full one takes 0.15 s over their 260,000 objects."""
    gc.collect()
    gc.freeze()


def end_with_parent() -> None:
    """Let a worker drain and end once its supervisor is gone, however that ended."""
    if parent := parent_process():

        def wait() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)

        Thread(target=wait, name="end with parent", daemon=True).start()
