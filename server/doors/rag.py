"""LangServe's routes over the desk: /rag/invoke, batch, stream, stream_log, stream_events, schemas and playground."""

import asyncio
import json
import warnings
from collections.abc import AsyncIterator, Sequence
from typing import Any

from anyio import sleep_forever
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from langchain_core._api import LangChainDeprecationWarning
from langchain_core.runnables import Runnable, RunnableConfig, RunnableGenerator
from langserve import CustomUserType, add_routes
from pydantic import BaseModel, ValidationError
from sse_starlette.sse import EventSourceResponse, unpatch_uvicorn_signal_handler

from graph.sync import LOOP
from server.desk import Desk
from server.doors.readable import readable
from server.errors import refuse
from server.public import Item
from server.schemas import Ask, PublicAnswer

# The library under LangServe's streams would cut them at SIGTERM; uvicorn drains them.
unpatch_uvicorn_signal_handler()  # type: ignore[no-untyped-call]
EventSourceResponse.listen_for_exit_signal = staticmethod(sleep_forever)  # type: ignore[method-assign]
CLOSED: list[Any] = ["config_hashes", "token_feedback"]
"""A second way to every route, with the client's own configuration; and LangSmith's feedback."""


class Input(Ask, CustomUserType):
    """A question, its filters, and the conversation so far."""


class Served(Runnable[dict[str, Any], dict[str, Any]]):
    """A thin runnable in front of the desk: gives the public Answer, and streams the public items alone."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    @property
    def InputType(self) -> type[Input]:  # type: ignore[override]
        return Input

    @property
    def OutputType(self) -> type[PublicAnswer]:  # type: ignore[override]
        return PublicAnswer

    def get_input_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        return Input

    def get_output_schema(self, config: RunnableConfig | None = None) -> type[BaseModel]:
        return PublicAnswer

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        with LOOP as portal:
            return portal.call(self.ainvoke, input, config)

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> dict[str, Any]:
        return await self._desk.answer(_ask(input))

    async def astream(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> AsyncIterator[dict[str, Any]]:
        async for item in self._desk.items(_ask(input)):
            yield item

    async def abatch(
        self, inputs: Sequence[Any], config: Any = None, *, return_exceptions: bool = False, **kwargs: Any
    ) -> list[Any]:
        """Answer several questions, a few at a time; raises Refused when there are too many, or the first failure."""
        _check_count(inputs, self._desk.settings.max_batch)
        asks = [_ask(each) for each in inputs]
        places = asyncio.Semaphore(self._desk.settings.batch_at_once)

        async def one(ask: Ask) -> dict[str, Any]:
            async with places:
                return await self._desk.answer(ask)

        return await _all([one(ask) for ask in asks], return_exceptions=return_exceptions)

    def astream_log(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """What the playground shows: the checked answer as text a person can read."""
        told = RunnableGenerator(self._text, name="warrant").astream_log(input, config, **kwargs)
        return _quietly(told)

    def astream_events(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Any:
        """The public items as the events of one runnable."""
        return RunnableGenerator(self._items, name="warrant").astream_events(input, config, **kwargs)

    async def _items(self, inputs: AsyncIterator[Any]) -> AsyncIterator[Item]:
        async for each in inputs:
            async for item in self._desk.items(_ask(each)):
                yield item

    async def _text(self, inputs: AsyncIterator[Any]) -> AsyncIterator[str]:
        async for item in self._items(inputs):
            if text := readable(item):
                yield text


async def _quietly(patches: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """LangServe's playground still asks for what LangChain has called deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LangChainDeprecationWarning)
        async for patch in patches:
            yield patch


async def _all(work: list[Any], *, return_exceptions: bool) -> list[Any]:
    """All results in order; the first failure stops the rest, unless failures are wanted as results."""
    if return_exceptions:
        return await asyncio.gather(*work, return_exceptions=True)
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(each) for each in work]
    except* Exception as failures:  # noqa: BLE001 - the first failure is raised as it is
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def well_formed(request: Request) -> None:
    """What LangServe takes for granted of a body; raises Refused (413, 422)."""
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


def _check_inputs(inputs: list[Any], most: int) -> None:
    """LangServe validates an input, but those of a batch only where nobody expects that they may be wrong."""
    _check_count(inputs, most)
    for number, each in enumerate(inputs):
        try:
            Input.model_validate(each)
        except ValidationError as error:
            raise RequestValidationError(
                [{**first, "loc": ("inputs", number, *first["loc"])} for first in error.errors()]
            ) from None


def _check_count(inputs: Sequence[Any], most: int) -> None:
    if len(inputs) > most:
        raise refuse(413, f"A batch may have {most} questions; this one has {len(inputs)}.", "batch_too_large")


def _ask(given: Any) -> Ask:
    return given if isinstance(given, Ask) else Ask.model_validate(given)


def add_rag_routes(app: FastAPI, desk: Desk, path: str = "/rag") -> None:
    """LangServe's routes at a path."""
    add_routes(
        app,
        Served(desk),
        path=path,
        disabled_endpoints=CLOSED,
        dependencies=[Depends(well_formed)],
        enable_feedback_endpoint=False,
        enable_public_trace_link_endpoint=False,
    )
