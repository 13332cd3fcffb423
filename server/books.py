"""Tells everybody who keeps books; one that fails is logged and harms nobody."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Protocol, runtime_checkable

from starlette.types import Scope

from server.context import Request
from server.desk import Record

log = logging.getLogger("warrant.books")


class Keeper(Protocol):
    """Keeps books of requests and of the questions in them; must not wait."""

    def request_ended(self, request: Request, scope: Scope, status: int, seconds: float) -> None: ...

    def observe(self, record: Record) -> None: ...


@runtime_checkable
class Counter(Protocol):
    """A keeper that wants to know of questions under way."""

    def question_begun(self) -> None: ...


class Books:
    """Several keepers as one."""

    def __init__(self, *keepers: Keeper) -> None:
        self._keepers = keepers

    def request_ended(self, request: Request, scope: Scope, status: int, seconds: float) -> None:
        for keeper in self._keepers:
            _safely(partial(keeper.request_ended, request, scope, status, seconds))

    def question_begun(self) -> None:
        for keeper in self._keepers:
            if isinstance(keeper, Counter):
                _safely(keeper.question_begun)

    def observe(self, record: Record) -> None:
        for keeper in self._keepers:
            _safely(partial(keeper.observe, record))


def _safely(tell: Callable[[], None]) -> None:
    try:
        tell()
    except Exception:
        log.exception("books were not kept")
