"""The request that is being served, for whatever runs on its behalf."""

import time
from contextvars import ContextVar
from dataclasses import dataclass, field

from server.callers import ANONYMOUS, Caller


@dataclass
class Request:
    """One HTTP request: its id, who sent it and through which door (rag, openai, mcp, page) it came.

    The `id` is ours and nobody can choose it; `client_id` is what the client calls the request, to be told and never
    looked up by. `track` is what it asks: production, staging or a version. `graph_ms` are the milliseconds that the
    graph itself took, added up over the request's questions.
    """

    id: str
    client_id: str = ""
    caller: Caller = ANONYMOUS
    door: str = "rag"
    track: str = "production"
    resumable: bool = False
    began: float = field(default_factory=time.perf_counter)
    graph_ms: float = 0.0
    questions: int = 0

    def next_question(self) -> str:
        """The id of one more question: the request's own for the first, and one that begins with it for others."""
        self.questions += 1
        return self.id if self.questions == 1 else f"{self.id}-{self.questions}"


_current: ContextVar[Request] = ContextVar("warrant_request")


def enter(request: Request) -> None:
    """Make it the request of this context and of all tasks that are begun in it."""
    _current.set(request)


def this_request() -> Request:
    """The request of this context; raises LookupError outside of one."""
    return _current.get()
