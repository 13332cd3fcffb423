"""A RemoteRunnable for this server, with a timeout, a key, retries, and streams that resume after a lost connection.

The URL is that of the runnable, such as http://127.0.0.1:8100/rag. An error of the server raises AnswerFailed; a
server that cannot be reached, or is silent for too long, raises httpx's TransportError.
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

from graph.models.failures import retry_after_seconds
from server.client_streams import CONNECTION_LOST, AnswerFailed, Item, StreamPosition, as_answer_failed, in_session

__all__ = ["AnswerFailed", "WarrantClient"]
MAX_CONCURRENCY = 4
"""Concurrent requests of one batch, unless the config sets max_concurrency."""
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout)
NOT_STARTED, FAILED = (429, 503), (502, 504)
MAX_PAUSE = 8.0


class WarrantClient(RemoteRunnable[dict[str, Any], Any]):
    """RemoteRunnable with retries for invoke, batch and stream.

    `timeout` is the longest silence in seconds, and the longest Retry-After that is waited for. A request is retried up
    to `retries` times when the server could not be reached or answers 429, 502, 503 or 504; one with a session_id only
    if it cannot have been answered, so that no turn is stored twice. A broken stream is resumed up to `resumes` times;
    with 0 the server stops working when the connection breaks.
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
        """Close all connections; await it in the event loop of ainvoke, abatch and astream."""
        self.close()
        await self.async_client.aclose()

    def batch(self, inputs: list[Any], config: Any = None, *, return_exceptions: bool = False, **kwargs: Any) -> Any:
        """All answers in order; with `return_exceptions` each question is a request of its own."""
        if return_exceptions:
            return Runnable.batch(self, inputs, _bounded(config, len(inputs)), return_exceptions=True, **kwargs)
        return super().batch(inputs, config, **kwargs)

    async def abatch(
        self, inputs: list[Any], config: Any = None, *, return_exceptions: bool = False, **kwargs: Any
    ) -> Any:
        """Like batch."""
        if return_exceptions:
            return await Runnable.abatch(self, inputs, _bounded(config, len(inputs)), return_exceptions=True, **kwargs)
        return await super().abatch(inputs, config, **kwargs)

    def stream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[Item]:
        """The public items, each once, across reconnects; raises AnswerFailed for an error item."""
        return self._transform_stream_with_config(iter([input]), self._items, config, **kwargs)

    async def astream(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> AsyncIterator[Item]:
        """Like stream."""

        async def inputs() -> AsyncIterator[Any]:
            yield input

        stream = self._atransform_stream_with_config(inputs(), self._aitems, config, **kwargs)
        async with aclosing(stream) as items:  # type: ignore[type-var]
            async for item in items:
                yield item

    def _invoke(self, input: Any, run_manager: Any, config: Any = None, **kwargs: Any) -> Any:
        with as_answer_failed():
            return Retrying(**self._policy([input]))(super()._invoke, input, run_manager, config, **kwargs)

    async def _ainvoke(self, input: Any, run_manager: Any, config: Any = None, **kwargs: Any) -> Any:
        with as_answer_failed():
            return await AsyncRetrying(**self._policy([input]))(super()._ainvoke, input, run_manager, config, **kwargs)

    def _batch(self, inputs: list[Any], run_manager: Any, config: Any = None, **kwargs: Any) -> Any:
        with as_answer_failed():
            return Retrying(**self._policy(inputs))(super()._batch, inputs, run_manager, config, **kwargs)

    async def _abatch(self, inputs: list[Any], run_manager: Any, config: Any = None, **kwargs: Any) -> Any:
        with as_answer_failed():
            return await AsyncRetrying(**self._policy(inputs))(super()._abatch, inputs, run_manager, config, **kwargs)

    def _items(self, inputs: Iterator[Any], **kwargs: Any) -> Iterator[Item]:
        position = StreamPosition(self._body(next(inputs), kwargs), self._resumes)
        while not position.ended:
            with as_answer_failed():
                opened = Retrying(**self._policy(position.unrepeatable))(self._open, position)
            try:
                with self._stop_on_exit(position), closing(opened) as response:
                    for event in EventSource(response).iter_sse():
                        yield from position.take(event)
                position.broken()
            except CONNECTION_LOST as error:
                position.broken(error)

    async def _aitems(self, inputs: AsyncIterator[Any], **kwargs: Any) -> AsyncIterator[Item]:
        position = StreamPosition(self._body(await anext(inputs), kwargs), self._resumes)
        while not position.ended:
            with as_answer_failed():
                opened: httpx.Response = await AsyncRetrying(**self._policy(position.unrepeatable))(
                    self._aopen, position
                )
            try:
                async with self._astop_on_exit(position), aclosing(opened) as response:
                    async for event in EventSource(response).aiter_sse():
                        for item in position.take(event):
                            yield item
                position.broken()
            except CONNECTION_LOST as error:
                position.broken(error)

    @contextmanager
    def _stop_on_exit(self, position: StreamPosition) -> Iterator[None]:
        """Stop the server's work when the reader leaves the stream early, instead of letting it wait for a resume."""
        try:
            yield
        except GeneratorExit:
            with suppress(httpx.TransportError):
                self.sync_client.delete(position.address)
            raise

    @asynccontextmanager
    async def _astop_on_exit(self, position: StreamPosition) -> AsyncIterator[None]:
        """Like _stop_on_exit."""
        try:
            yield
        except (GeneratorExit, asyncio.CancelledError):
            with suppress(httpx.TransportError):
                await self.async_client.delete(position.address)
            raise

    def _open(self, position: StreamPosition) -> httpx.Response:
        response = self.sync_client.send(self.sync_client.build_request(**position.request()), stream=True)
        if not response.is_success:
            response.read()
        return response.raise_for_status()

    async def _aopen(self, position: StreamPosition) -> httpx.Response:
        response = await self.async_client.send(self.async_client.build_request(**position.request()), stream=True)
        if not response.is_success:
            await response.aread()
        return response.raise_for_status()

    def _body(self, input: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
        return {"input": self._lc_serializer.dumpd(input), "config": {}, "kwargs": kwargs}

    def _policy(self, inputs: list[Any]) -> dict[str, Any]:
        """Tenacity's arguments for a request with these inputs."""
        in_sessions = any(map(in_session, inputs))
        errors, statuses = (
            (NOT_SENT, NOT_STARTED) if in_sessions else (NOT_SENT + CONNECTION_LOST, NOT_STARTED + FAILED)
        )

        def retryable(error: BaseException) -> bool:
            if isinstance(error, httpx.HTTPStatusError):
                soon = (retry_after_seconds(error.response.headers) or 0.0) <= self._timeout
                return soon and error.response.status_code in statuses
            return isinstance(error, errors)

        stop = stop_after_attempt(self._retries + 1)
        return {"retry": retry_if_exception(retryable), "wait": _pause, "stop": stop, "reraise": True}


def _pause(state: RetryCallState) -> float:
    """Seconds before the next attempt: Retry-After, or exponential backoff with full jitter."""
    error = state.outcome.exception() if state.outcome else None
    retry_after = retry_after_seconds(error.response.headers) if isinstance(error, httpx.HTTPStatusError) else None
    return random.uniform(0, min(MAX_PAUSE, 0.25 * 2**state.attempt_number)) if retry_after is None else retry_after


def _bounded(config: Any, questions: int) -> list[RunnableConfig]:
    """The config of each question, with bounded concurrency."""
    return [
        RunnableConfig(**{"max_concurrency": MAX_CONCURRENCY, **each}) for each in get_config_list(config, questions)
    ]
