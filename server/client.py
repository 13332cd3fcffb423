"""A RemoteRunnable for this server: it has a timeout and a key, asks again, and goes on with a stream that was cut.

The address is that of the runnable, such as http://127.0.0.1:8100/rag. What the server refuses is raised as
AnswerFailed; when it cannot be reached, or is silent for too long, httpx's own TransportError is raised.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager, closing, contextmanager, suppress
from typing import Any

import httpx
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.runnables.config import get_config_list
from langserve import RemoteRunnable
from langserve.server_sent_events import EventSource
from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from graph.models.failures import seconds_of
from server.following import CUT, AnswerFailed, Item, Place, in_session, own_errors

__all__ = ["AnswerFailed", "WarrantClient"]
AT_ONCE = 4
"""Requests of one batch that are under way together, unless the config's max_concurrency says otherwise."""
UNHEARD = (httpx.ConnectError, httpx.ConnectTimeout)
NOT_BEGUN, GONE_WRONG = (429, 503), (502, 504)
LONGEST_PAUSE = 8.0


class WarrantClient(RemoteRunnable[dict[str, Any], Any]):
    """Invokes, batches and streams; what else RemoteRunnable does is as it is there.

    `timeout` is the longest silence in seconds, and the longest Retry-After that is waited for. A request is sent up
    to `retries` times more when the server could not be reached or answers 429, 502, 503 or 504; one with a
    session_id only where it cannot have been answered, so that no turn is kept twice. A stream that breaks is gone on
    with up to `resumes` times; with 0 the server stops as soon as nobody listens.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        timeout: float = 60.0,
        retries: int = 3,
        resumes: int = 5,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        sent = {**(headers or {}), **({"authorization": f"Bearer {key}"} if key else {})}
        super().__init__(url, timeout=timeout, headers=sent, **more)
        self._timeout, self._retries, self._resumes = timeout, retries, resumes

    def close(self) -> None:
        """Close the connections of invoke, batch and stream."""
        self.sync_client.close()

    async def aclose(self) -> None:
        """Close all connections; to be awaited in the loop of ainvoke, abatch and astream, before it ends."""
        self.close()
        await self.async_client.aclose()

    def batch(self, inputs: list[Any], config: Any = None, *, return_exceptions: bool = False, **kwargs: Any) -> Any:
        """All answers in order; with `return_exceptions` each question is a request of its own and may fail alone."""
        if return_exceptions:
            return Runnable.batch(self, inputs, _few(config, len(inputs)), return_exceptions=True, **kwargs)
        return super().batch(inputs, config, **kwargs)

    async def abatch(
        self, inputs: list[Any], config: Any = None, *, return_exceptions: bool = False, **kwargs: Any
    ) -> Any:
        """As batch."""
        if return_exceptions:
            return await Runnable.abatch(self, inputs, _few(config, len(inputs)), return_exceptions=True, **kwargs)
        return await super().abatch(inputs, config, **kwargs)

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Item]:
        """The public items, each once, whatever becomes of the connection; raises AnswerFailed for an error item."""
        return self._transform_stream_with_config(iter([input]), self._items, config, **kwargs)

    async def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Item]:
        """As stream."""

        async def inputs() -> AsyncIterator[Any]:
            yield input

        stream = self._atransform_stream_with_config(inputs(), self._aitems, config, **kwargs)
        async with aclosing(stream) as items:  # type: ignore[type-var]
            async for item in items:
                yield item

    def _invoke(self, input: Any, run_manager: Any, config: Any = None, **kwargs: Any) -> Any:
        with own_errors():
            return Retrying(**self._policy([input]))(super()._invoke, input, run_manager, config, **kwargs)

    async def _ainvoke(self, input: Any, run_manager: Any, config: Any = None, **kwargs: Any) -> Any:
        with own_errors():
            return await AsyncRetrying(**self._policy([input]))(super()._ainvoke, input, run_manager, config, **kwargs)

    def _batch(self, inputs: list[Any], run_manager: Any, config: Any = None, **kwargs: Any) -> Any:
        with own_errors():
            return Retrying(**self._policy(inputs))(super()._batch, inputs, run_manager, config, **kwargs)

    async def _abatch(self, inputs: list[Any], run_manager: Any, config: Any = None, **kwargs: Any) -> Any:
        with own_errors():
            return await AsyncRetrying(**self._policy(inputs))(super()._abatch, inputs, run_manager, config, **kwargs)

    def _items(self, inputs: Iterator[Any], **kwargs: Any) -> Iterator[Item]:
        place = Place(self._body(next(inputs), kwargs), self._resumes)
        while not place.ended:
            with own_errors():
                opened = Retrying(**self._policy(place.unsure))(self._open, place)
            try:
                with self._unless_left(place), closing(opened) as response:
                    for event in EventSource(response).iter_sse():
                        yield from place.take(event)
                place.broken()
            except CUT as error:
                place.broken(error)

    async def _aitems(self, inputs: AsyncIterator[Any], **kwargs: Any) -> AsyncIterator[Item]:
        place = Place(self._body(await anext(inputs), kwargs), self._resumes)
        while not place.ended:
            with own_errors():
                opened: httpx.Response = await AsyncRetrying(**self._policy(place.unsure))(self._aopen, place)
            try:
                async with self._unless_aleft(place), aclosing(opened) as response:
                    async for event in EventSource(response).aiter_sse():
                        for item in place.take(event):
                            yield item
                place.broken()
            except CUT as error:
                place.broken(error)

    @contextmanager
    def _unless_left(self, place: Place) -> Iterator[None]:
        """Tell the server when the reader leaves on purpose, so that it does not wait; it stops by itself otherwise."""
        try:
            yield
        except GeneratorExit:
            with suppress(httpx.TransportError):
                self.sync_client.delete(place.address)
            raise

    @asynccontextmanager
    async def _unless_aleft(self, place: Place) -> AsyncIterator[None]:
        """As _unless_left."""
        try:
            yield
        except (GeneratorExit, asyncio.CancelledError):
            with suppress(httpx.TransportError):
                await self.async_client.delete(place.address)
            raise

    def _open(self, place: Place) -> httpx.Response:
        response = self.sync_client.send(self.sync_client.build_request(**place.request()), stream=True)
        if not response.is_success:
            response.read()
        return response.raise_for_status()

    async def _aopen(self, place: Place) -> httpx.Response:
        response = await self.async_client.send(self.async_client.build_request(**place.request()), stream=True)
        if not response.is_success:
            await response.aread()
        return response.raise_for_status()

    def _body(self, input: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {"input": self._lc_serializer.dumpd(input), "config": {}, "kwargs": kwargs}

    def _policy(self, inputs: list[Any]) -> dict[str, Any]:
        """How tenacity repeats a request with these inputs."""
        kept = any(map(in_session, inputs))
        errors, statuses = (UNHEARD, NOT_BEGUN) if kept else (UNHEARD + CUT, NOT_BEGUN + GONE_WRONG)

        def again(error: BaseException) -> bool:
            if isinstance(error, httpx.HTTPStatusError):
                soon = (seconds_of(error.response.headers) or 0.0) <= self._timeout
                return soon and error.response.status_code in statuses
            return isinstance(error, errors)

        stop = stop_after_attempt(self._retries + 1)
        return {"retry": retry_if_exception(again), "wait": _pause, "stop": stop, "reraise": True}


def _pause(state: RetryCallState) -> float:
    """Seconds before the next attempt: what Retry-After says, or a random share of twice the longest one before."""
    error = state.outcome.exception() if state.outcome else None
    told = seconds_of(error.response.headers) if isinstance(error, httpx.HTTPStatusError) else None
    return random.uniform(0, min(LONGEST_PAUSE, 0.25 * 2**state.attempt_number)) if told is None else told


def _few(config: Any, questions: int) -> list[RunnableConfig]:
    """The config of each question, bounded in how many are asked together."""
    return [RunnableConfig(**{"max_concurrency": AT_ONCE, **each}) for each in get_config_list(config, questions)]
