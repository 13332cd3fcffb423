"""Keeps what clients send out of the logs, whichever library would write it there.

A library may put anything that it was given into a message or into the text of an error: pydantic its input, MCP the
whole request. So records of libraries are reduced, as they are made and for every handler, to where they were written
and to the kind of error with its traceback; ours keep their message, and lose the text of the error that they tell of.
"""

import logging
from traceback import format_tb
from types import TracebackType
from typing import Any

OURS = "warrant."
NEVER_ASKED = ("warrant.releases", "warrant.callers")
"""Loggers of ours whose errors never hold what a client sent."""
CONSTANT = ("uvicorn.error",)
"""Loggers of libraries whose messages are constants; their errors are anybody's."""
ErrorInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None] | None


class Withheld(logging.LogRecord):
    """A record of a library without its text; what it has besides that is not to be told either."""


def record_without_text(
    name: str, level: int, path: str, line: int, message: object, args: Any, error: ErrorInfo, *more: Any, **rest: Any
) -> logging.LogRecord:
    """Make a log record that holds nothing of what a client has sent."""
    if name in NEVER_ASKED:
        return logging.LogRecord(name, level, path, line, message, args, error, *more, **rest)
    if str(name).startswith(OURS) or name in CONSTANT:
        record = logging.LogRecord(name, level, path, line, message, args, None, *more, **rest)
    else:
        told = "%s:%s; the text is withheld unless WARRANT_LOG_QUESTIONS is true"
        record = Withheld(name, level, path, line, told, (path, line), None, *more, **rest)
    if error and error[1]:
        record.exc_text = "".join(_kinds(error[1], set())).rstrip()
    return record


def _kinds(error: BaseException | None, told: set[int]) -> list[str]:
    """Where an error and those that led to it were raised, and of which kind they are."""
    if error is None or id(error) in told:
        return []
    told.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    within = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    earlier = [line for each in (before, *within) for line in _kinds(each, told)]
    return [*earlier, *format_tb(error.__traceback__), f"{type(error).__module__}.{type(error).__qualname__}\n"]
