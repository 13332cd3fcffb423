"""Work of the CPU that would keep the event loop from everybody else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

Taken = ParamSpec("Taken")
Value = TypeVar("Value")
_THREAD = ThreadPoolExecutor(1, thread_name_prefix="warrant-cpu")
"""One for all questions: with more of them the loop would wait behind each for Python's lock."""


async def off_loop(work: Callable[Taken, Value], *args: Taken.args, **kwargs: Taken.kwargs) -> Value:
    """What a function of pure Python gives, in turn with the work of other questions."""
    return await asyncio.get_running_loop().run_in_executor(_THREAD, lambda: work(*args, **kwargs))
