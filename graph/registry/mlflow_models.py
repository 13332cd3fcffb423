"""The two forms in which MLflow loads a package: the graph, and a ResponsesAgent over it.

The graph answers sync callers too, and a wrong question does not fail the others of its batch. For the ResponsesAgent
the last message of the user is the question, the messages before it are its history, and `custom_inputs` may have
filters. Its text has only checked claims, its annotations are the citations, and `custom_outputs` is the Answer.
"""

import math
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from anyio.from_thread import start_blocking_portal
from mlflow.pyfunc import ResponsesAgent  # type: ignore[attr-defined]
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse, ResponsesAgentStreamEvent
from typing_extensions import TypedDict

from ..annotations import pieces, url_citations
from ..caching.single_flight import SingleFlightGraph
from ..errors import QuestionInvalid, WarrantError
from ..settings import quiet_libraries
from ..state import Answer, Question
from ..sync import Graph
from .package import open_package

FIELDS = ("question", "filters", "history")
"""What may be asked through MLflow; it knows no callers, so nobody is in an access group."""


class LoggedProblem(TypedDict):
    """Why there is no answer: the name of the error's class, and its message."""

    code: str
    message: str


class LoggedReply(TypedDict):
    """An Answer, or why there is none: MLflow answers many questions at once, and one must not fail the others."""

    answer: Answer | None
    error: LoggedProblem | None


class LoggedGraph(SingleFlightGraph):
    """The compiled graph, which tells in its reply what is wrong with a question."""

    async def ainvoke(self, input: Any, config: Any = None, **options: Any) -> Any:
        try:
            reply = await super().ainvoke(_question(input), config, **options)
        except WarrantError as error:
            return LoggedReply(answer=None, error=LoggedProblem(code=type(error).__name__, message=str(error)))
        return {**reply, "error": None} if isinstance(reply, dict) and "answer" in reply else reply

    async def astream(self, input: Any, config: Any = None, **options: Any) -> AsyncIterator[Any]:
        async for each in super().astream(_question(input), config, **options):
            yield each


def open_logged(root: Path) -> Graph:
    """The graph of a package."""
    quiet_libraries()
    with start_blocking_portal() as portal:
        return LoggedGraph.of(portal.call(open_package, root).graph)


def _question(given: Any) -> Question:
    """A question from a row: fields that a table left empty are not asked; raises QuestionInvalid."""
    if not isinstance(given, Mapping):
        raise QuestionInvalid(f"A question is an object such as {{'question': '...'}}, not {type(given).__name__}.")
    fields = {name: given[name] for name in FIELDS if name in given and not _empty(given[name])}
    if "history" in fields:
        fields["history"] = list(fields["history"])
    if not isinstance(fields.get("question", ""), str):
        raise QuestionInvalid(f"question must be a text, not {type(fields['question']).__name__}.")
    return cast(Question, {"question": "", **fields})


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


class Responses(ResponsesAgent):
    """Answers requests by the graph of a package."""

    def __init__(self, root: Path) -> None:
        self._graph = open_logged(root)

    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:  # type: ignore[override]
        """The whole reply; what is wrong with a question is its text, and `custom_outputs` the error."""
        reply = self._reply(request)
        return ResponsesAgentResponse(output=[self._message(reply)], custom_outputs=_outputs(reply))

    def predict_stream(  # type: ignore[override]
        self, request: ResponsesAgentRequest
    ) -> Iterator[ResponsesAgentStreamEvent]:
        """The text word by word once it is checked, then the whole message."""
        reply = self._reply(request)
        message = self._message(reply)
        for word in pieces(_text(reply)):
            yield ResponsesAgentStreamEvent(**self.create_text_delta(delta=word, item_id=message["id"]))
        yield ResponsesAgentStreamEvent(type="response.output_item.done", item=message, custom_outputs=_outputs(reply))

    def _reply(self, request: ResponsesAgentRequest) -> dict[str, Any]:
        reply: dict[str, Any] = self._graph.invoke(question_of(request))
        return reply

    def _message(self, reply: dict[str, Any]) -> dict[str, Any]:
        item: dict[str, Any] = self.create_text_output_item(
            text=_text(reply), id=f"msg_{uuid4().hex}", annotations=_annotations(reply["answer"])
        )
        return item


def question_of(request: ResponsesAgentRequest) -> dict[str, Any]:
    """The question that a request asks; raises QuestionInvalid when its last message is not the user's."""
    said = [message for each in request.input if (message := _turn(each.model_dump()))]
    if not said or said[-1]["role"] != "user":
        raise QuestionInvalid("The last message must be the user's: it is the question.")
    inputs = request.custom_inputs or {}
    return {"question": said[-1]["content"], "filters": inputs.get("filters") or {}, "history": said[:-1]}


def _annotations(answer: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [{"type": "url_citation", **each} for each in url_citations(answer)] if answer else []


def _turn(message: dict[str, Any]) -> dict[str, str] | None:
    """A message as a turn of the conversation; None for what nobody said."""
    if message.get("role") not in ("user", "assistant"):
        return None
    content = message.get("content") or ""
    text = content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)
    return {"role": message["role"], "content": text}


def _text(reply: Mapping[str, Any]) -> str:
    return str(reply["answer"]["text"] if reply["answer"] else reply["error"]["message"])


def _outputs(reply: Mapping[str, Any]) -> dict[str, Any]:
    return dict(reply["answer"] or {"error": reply["error"]})
