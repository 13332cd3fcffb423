"""The request that is being served, for whatever runs on its behalf."""

import time
from contextvars import ContextVar
from dataclasses import dataclass, field

from server.callers import ANONYMOUS, Caller


@dataclass
class Request:
    """One HTTP request: its id, who sent it and through which door (rag, openai, mcp, page) it came.

    `track` is what it asks: production, staging or a version. `graph_ms` are the milliseconds that the graph itself
    took, added up over the request's questions.
    """

    id: str
    caller: Caller = ANONYMOUS
    door: str = "rag"
    track: str = "production"
    resumable: bool = False
    began: float = field(default_factory=time.perf_counter)
    graph_ms: float = 0.0
    questions: int = 0


_current: ContextVar[Request] = ContextVar("warrant_request")


def enter(request: Request) -> None:
    """Make it the request of this context and of all tasks that are begun in it."""
    _current.set(request)


def this_request() -> Request:
    """The request of this context; raises LookupError outside of one."""
    return _current.get()
