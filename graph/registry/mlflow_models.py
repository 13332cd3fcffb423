"""The two forms in which MLflow loads a package: the graph, and a ResponsesAgent over it.

The graph answers sync callers too, and a wrong question does not fail the others of its batch. The last message of a
conversation is the user's and is the question, the messages before it are its history, and `custom_inputs` may have
filters. The text of the ResponsesAgent has only checked claims, its annotations are the citations, and `custom_outputs`
is the Answer.
"""

import math
from collections.abc import AsyncIterator, Iterator, Mapping
from contextvars import copy_context
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from anyio.from_thread import start_blocking_portal
from mlflow.pyfunc import ResponsesAgent  # type: ignore[attr-defined]
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse, ResponsesAgentStreamEvent
from typing_extensions import TypedDict

from ..annotations import pieces, url_citations
from ..caching.single_flight_graph import SingleFlightGraph
from ..errors import AccessRefused, QuestionInvalid, WarrantError
from ..models.databricks import act_for, caller_token
from ..settings import load_settings, quiet_libraries
from ..state import Answer, Question
from ..stream_items import Item, public_items
from ..sync import Graph
from .package import open_checked

FIELDS = ("question", "filters", "history")
"""What may be asked through MLflow; it knows no callers, so nobody is in an access group."""
CONVERSATIONS = ("messages", "input")
"""A conversation in place of a question, as OpenAI's chat completions and responses have it."""


class LoggedProblem(TypedDict):
    """Why there is no answer: the name of the error's class, and its message."""

    code: str
    message: str


class LoggedReply(TypedDict):
    """An Answer, or why there is none: MLflow answers many questions at once, and one must not fail the others."""

    answer: Answer | None
    error: LoggedProblem | None


class LoggedGraph(SingleFlightGraph):
    """The compiled graph, which tells in its reply what is wrong with a question.

    Without a stream mode it streams the public items.
    """

    async def ainvoke(self, input: Any, config: Any = None, **options: Any) -> Any:
        try:
            reply = await super().ainvoke(question_of(input), config, **options)
        except WarrantError as error:
            return LoggedReply(answer=None, error=_problem(error))
        return {**reply, "error": None} if isinstance(reply, dict) and "answer" in reply else reply

    async def astream(self, input: Any, config: Any = None, **options: Any) -> AsyncIterator[Any]:
        if options.get("stream_mode"):
            async for each in super().astream(question_of(input), config, **options):
                yield each
            return
        try:
            async for item in public_items(self, question_of(input), config):
                yield _plain(item)
        except QuestionInvalid as error:
            yield {"event": "error", "error": _problem(error)}


def open_logged(root: Path) -> Graph:
    """The graph of a package whose digest the entry has compared."""
    quiet_libraries()
    with start_blocking_portal() as portal:
        return LoggedGraph.of(portal.call(open_checked, root).graph)


def question_of(given: Any) -> Question:
    """The question in a text, in a row, or in a conversation; raises QuestionInvalid.

    Fields that a table left empty are not asked.
    """
    whole = {"question": given} if isinstance(given, str) else given
    if not isinstance(whole, Mapping):
        raise QuestionInvalid(f"A question is a text or an object such as {{'question': '...'}}, not {_kind(given)}.")
    row: dict[str, Any] = {name: value for name, value in whole.items() if not _empty(value)}
    fields = {name: row[name] for name in FIELDS if name in row}
    for name in CONVERSATIONS:
        if name in row:
            fields = {**_asked_in(row[name]), **fields}
    if "filters" in (more := row.get("custom_inputs") or {}):
        fields = {"filters": more["filters"] or {}, **fields}
    if "history" in fields:
        fields["history"] = list(fields["history"])
    if not isinstance(fields.get("question", ""), str):
        raise QuestionInvalid(f"question must be a text, not {_kind(fields['question'])}.")
    return cast(Question, {"question": "", **fields})


def _asked_in(conversation: Any) -> dict[str, Any]:
    """The question and history of a conversation; raises QuestionInvalid when its last message is not the user's."""
    if isinstance(conversation, str):
        return {"question": conversation}
    said = [turn for each in conversation if (turn := _turn(each))]
    if not said or said[-1]["role"] != "user":
        raise QuestionInvalid("The last message must be the user's: it is the question.")
    return {"question": said[-1]["content"], "history": said[:-1]}


def _turn(message: Any) -> dict[str, str] | None:
    """A message as a turn of the conversation; None for what nobody said."""
    if not isinstance(message, Mapping) or message.get("role") not in ("user", "assistant"):
        return None
    content = message.get("content") or ""
    text = content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)
    return {"role": message["role"], "content": text}


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _kind(value: Any) -> str:
    return type(value).__name__


def _problem(error: WarrantError) -> LoggedProblem:
    return LoggedProblem(code=type(error).__name__, message=str(error))


def _plain(item: Item) -> dict[str, Any]:
    """An item as JSON can have it, without what models really said."""
    plain = {name: value for name, value in item.items() if name != "replies"}
    return {**plain, "error": _problem(item["error"])} if "error" in item else plain


class Responses(ResponsesAgent):
    """Answers requests by the graph of a package."""

    def __init__(self, root: Path) -> None:
        self._graph, self._on_behalf_of_user = open_logged(root), load_settings().on_behalf_of_user

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
        context = copy_context()
        if self._on_behalf_of_user:
            try:
                context.run(act_for, caller_token())
            except AccessRefused as error:
                return {"answer": None, "error": _problem(error)}
        reply: dict[str, Any] = context.run(self._graph.invoke, request.model_dump())
        return reply

    def _message(self, reply: dict[str, Any]) -> dict[str, Any]:
        item: dict[str, Any] = self.create_text_output_item(
            text=_text(reply), id=f"msg_{uuid4().hex}", annotations=_annotations(reply["answer"])
        )
        return item


def _annotations(answer: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return [{"type": "url_citation", **each} for each in url_citations(answer)] if answer else []


def _text(reply: Mapping[str, Any]) -> str:
    return str(reply["answer"]["text"] if reply["answer"] else reply["error"]["message"])


def _outputs(reply: Mapping[str, Any]) -> dict[str, Any]:
    return dict(reply["answer"] or {"error": reply["error"]})
