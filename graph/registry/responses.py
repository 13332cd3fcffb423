"""A release as a ResponsesAgent: the form that Databricks' agent tools and MLflow's agent server ask.

The last message of the user is the question, the messages before it are its history; `custom_inputs` may have filters.
The reply's text carries checked claims alone, its citations are annotations, and `custom_outputs` is the Answer.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from mlflow.pyfunc import ResponsesAgent  # type: ignore[attr-defined]
from mlflow.types.responses import ResponsesAgentRequest, ResponsesAgentResponse, ResponsesAgentStreamEvent

from ..errors import QuestionInvalid
from ..telling import pieces, url_citations
from .logged import open_logged


class Responses(ResponsesAgent):
    """Answers requests by the graph of a package."""

    def __init__(self, root: Path) -> None:
        self._graph = open_logged(root)

    def predict(self, request: ResponsesAgentRequest) -> ResponsesAgentResponse:  # type: ignore[override]
        """The whole reply; what is wrong with a question is its text, and `custom_outputs` the error."""
        reply = self._reply(request)
        return ResponsesAgentResponse(output=[self._message(reply)], custom_outputs=_told(reply))

    def predict_stream(  # type: ignore[override]
        self, request: ResponsesAgentRequest
    ) -> Iterator[ResponsesAgentStreamEvent]:
        """The text word by word once it is checked, then the whole message."""
        reply = self._reply(request)
        message = self._message(reply)
        for word in pieces(_text(reply)):
            yield ResponsesAgentStreamEvent(**self.create_text_delta(delta=word, item_id=message["id"]))
        yield ResponsesAgentStreamEvent(type="response.output_item.done", item=message, custom_outputs=_told(reply))

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
    told = request.custom_inputs or {}
    return {"question": said[-1]["content"], "filters": told.get("filters") or {}, "history": said[:-1]}


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


def _told(reply: Mapping[str, Any]) -> dict[str, Any]:
    return dict(reply["answer"] or {"error": reply["error"]})
