"""The graph of a package as MLflow loads it: it answers sync callers too, and a question that is wrong fails alone."""

import math
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, cast

from anyio.from_thread import start_blocking_portal
from typing_extensions import TypedDict

from ..caching.leases import LeasedGraph
from ..errors import QuestionInvalid, WarrantError
from ..settings import quiet_libraries
from ..state import Answer, Question
from ..sync import Graph
from .package import open_package

FIELDS = ("question", "filters", "history")
"""What may be asked through MLflow; it knows no callers, so nobody is in an access group."""


class Problem(TypedDict):
    """Why there is no answer: the name of the error's class, and its message."""

    code: str
    message: str


class LoggedReply(TypedDict):
    """An Answer, or why there is none: MLflow answers many questions at once, and one must not fail the others."""

    answer: Answer | None
    error: Problem | None


class LoggedGraph(LeasedGraph):
    """The compiled graph, which tells in its reply what is wrong with a question."""

    async def ainvoke(self, input: Any, config: Any = None, **options: Any) -> Any:
        try:
            reply = await super().ainvoke(_question(input), config, **options)
        except WarrantError as error:
            return LoggedReply(answer=None, error=Problem(code=type(error).__name__, message=str(error)))
        return {**reply, "error": None} if isinstance(reply, dict) and "answer" in reply else reply

    async def astream(self, input: Any, config: Any = None, **options: Any) -> AsyncIterator[Any]:
        async for each in super().astream(_question(input), config, **options):
            yield each


def open_logged(root: Path) -> Graph:
    """The graph of a package."""
    quiet_libraries()
    with start_blocking_portal() as portal:
        graph = portal.call(open_package, root).graph
    graph.__class__ = LoggedGraph
    return graph


def _question(given: Any) -> Question:
    """A question from a row: fields that a table left empty are not asked; raises QuestionInvalid."""
    if not isinstance(given, Mapping):
        raise QuestionInvalid(f"A question is an object such as {{'question': '...'}}, not {type(given).__name__}.")
    told = {name: given[name] for name in FIELDS if name in given and not _empty(given[name])}
    if "history" in told:
        told["history"] = list(told["history"])
    if not isinstance(told.get("question", ""), str):
        raise QuestionInvalid(f"question must be a text, not {type(told['question']).__name__}.")
    return cast(Question, {"question": "", **told})


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
