"""LangServe's routes: /rag/invoke, batch, stream, stream_log, stream_events, schemas and playground."""

import asyncio
import json
import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from anyio import sleep_forever
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from langchain_core._api import LangChainDeprecationWarning
from langchain_core.runnables import Runnable, RunnableConfig, RunnableGenerator
from langserve import CustomUserType, add_routes
from pydantic import ValidationError
from sse_starlette.sse import EventSourceResponse, unpatch_uvicorn_signal_handler

from graph.sync import LOOP
from server.errors import refuse
from server.routes.plain_text import item_text
from server.schemas import Item, PublicAnswer, QuestionRequest
from server.service import AnswerService

# sse-starlette would cut LangServe's streams at SIGTERM; uvicorn drains them.
unpatch_uvicorn_signal_handler()  # type: ignore[no-untyped-call]
EventSourceResponse.listen_for_exit_signal = staticmethod(sleep_forever)  # type: ignore[method-assign]
DISABLED_ENDPOINTS: list[Any] = ["config_hashes", "token_feedback"]
"""Copies of every route with the client's own configuration, and LangSmith's feedback."""


class RagInput(QuestionRequest, CustomUserType):
    """A question, its filters, and the conversation so far."""


class RagRunnable(Runnable[dict[str, Any], dict[str, Any]]):
    """A thin runnable over the answer service: returns public answers and streams public items, never graph state."""

    def __init__(self, service: AnswerService) -> None:
        self._service = service

    @property
    def InputType(self) -> type[RagInput]:  # type: ignore[override]
        return RagInput

    @property
    def OutputType(self) -> type[PublicAnswer]:  # type: ignore[override]
        return PublicAnswer

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        with LOOP as portal:
            return portal.call(self.ainvoke, input, config)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        return await self._service.answer(_question_request(input))

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[dict[str, Any]]:
        async with aclosing(self._service.items(_question_request(input))) as items:
            async for item in items:
                yield item

    async def abatch(self, inputs: Sequence[Any], config: Any = None, **kwargs: Any) -> list[Any]:
        """Answer several questions, a few at a time; raises RequestRefused for too many, or the first failure."""
        _check_count(inputs, self._service.settings.max_batch)
        questions = [_question_request(each) for each in inputs]
        limit = asyncio.Semaphore(self._service.settings.batch_at_once)

        async def one(question: QuestionRequest) -> dict[str, Any]:
            async with limit:
                return await self._service.answer(question)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(one(question)) for question in questions]
        except* Exception as failures:  # noqa: BLE001 - the first failure is raised as it is
            raise failures.exceptions[0] from None
        return [task.result() for task in tasks]

    def astream_log(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """What the playground shows: the checked answer as plain text."""
        log = RunnableGenerator(self._text, name="warrant").astream_log(input, config, **kwargs)
        return _without_deprecation(log)

    def astream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """The public items as the events of one runnable."""
        return RunnableGenerator(self._items, name="warrant").astream_events(input, config, **kwargs)

    async def _items(self, inputs: AsyncIterator[Any]) -> AsyncIterator[Item]:
        async for each in inputs:
            async with aclosing(self._service.items(_question_request(each))) as items:
                async for item in items:
                    yield item

    async def _text(self, inputs: AsyncIterator[Any]) -> AsyncIterator[str]:
        async for item in self._items(inputs):
            if text := item_text(item):
                yield text


async def _without_deprecation(patches: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """LangServe's playground still uses an API that LangChain has deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LangChainDeprecationWarning)
        async for patch in patches:
            yield patch


async def check_body_shape(request: Request) -> None:
    """Check what LangServe takes for granted of a body; raises RequestRefused (413, 422)."""
    if request.method != "POST":
        return
    try:
        body = await request.json()
    except json.JSONDecodeError:
        raise refuse(422, "The body is not JSON that can be read.") from None
    except ValueError:
        raise refuse(400, "The body is not JSON that can be read.") from None
    batch = request.url.path.endswith("/batch")
    if not isinstance(body, dict) or not isinstance(body.get("inputs", []), list):
        raise refuse(422, f"The body must be an object with {'a list of inputs' if batch else 'an input'}.")
    if not isinstance(body.get("config", {}), dict | list if batch else dict):
        raise refuse(422, "config: must be an object.")
    if batch:
        _check_inputs(body.get("inputs", []), request.app.state.server.settings.max_batch)


def _check_inputs(inputs: list[Any], limit: int) -> None:
    """Validate the inputs of a batch, for which LangServe would answer 500."""
    _check_count(inputs, limit)
    for number, each in enumerate(inputs):
        try:
            RagInput.model_validate(each)
        except ValidationError as error:
            raise RequestValidationError(
                [{**first, "loc": ("inputs", number, *first["loc"])} for first in error.errors()]
            ) from None


def _check_count(inputs: Sequence[Any], limit: int) -> None:
    if len(inputs) > limit:
        raise refuse("batch_too_large", f"A batch may have {limit} questions; this one has {len(inputs)}.")


def _question_request(value: Any) -> QuestionRequest:
    return value if isinstance(value, QuestionRequest) else QuestionRequest.model_validate(value)


def add_langserve_routes(app: FastAPI, service: AnswerService, path: str = "/rag") -> None:
    """LangServe's routes at a path."""
    add_routes(
        app,
        RagRunnable(service),
        path=path,
        disabled_endpoints=DISABLED_ENDPOINTS,
        dependencies=[Depends(check_body_shape)],
        enable_feedback_endpoint=False,
        enable_public_trace_link_endpoint=False,
    )
