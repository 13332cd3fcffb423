"""HTTP clients with persistent connections that work across event loops, one for each.

Each sync call of the graph runs in its own event loop, in which the connections of an earlier loop are dead.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, Callable
from functools import cache
from typing import Generic, NamedTuple, TypeVar, cast

import httpx

Client = TypeVar("Client")
EVENT_END = re.compile(rb"\r?\n\r?\n|\r\r")
"""The end of an event of a stream."""
CONNECTION_LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=30)


class _Open(NamedTuple, Generic[Client]):
    client: Client
    lifetime: AsyncGenerator[Client, None]


class PerLoop(Generic[Client]):
    """`lifetime` yields a client once and then closes it; it ends when its event loop closes its generators."""

    def __init__(self, lifetime: Callable[[], AsyncGenerator[Client, None]]) -> None:
        self._lifetime = lifetime
        self._open: dict[asyncio.AbstractEventLoop, _Open[Client]] = {}

    async def client(self) -> Client:
        """The client of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            self._open = {other: client for other, client in self._open.items() if not other.is_closed()}
            lifetime = self._lifetime()
            # The generator does not await before it yields, so no other task runs in between.
            self._open[loop] = _Open(await anext(lifetime), lifetime)
        return self._open[loop].client


class ByteLimits(NamedTuple):
    """The most bytes of a reply, and of one event of a stream: each is held in memory."""

    reply: int = 4_000_000
    event: int = 4_000_000


DEFAULT_LIMITS = ByteLimits()


def http_client(
    timeout: httpx.Timeout, headers: dict[str, str] | None = None, limits: ByteLimits = DEFAULT_LIMITS
) -> httpx.AsyncClient:
    """A client that needs no closing: its connections end with their event loop.

    A reply beyond the limits raises a ReadError.
    """
    return httpx.AsyncClient(transport=transport(limits), timeout=timeout, headers=headers)


def transport(limits: ByteLimits = DEFAULT_LIMITS) -> httpx.AsyncBaseTransport:
    """The transport of such a client, for libraries that create the client themselves."""
    return _LoopTransport(limits)


class _LoopTransport(httpx.AsyncBaseTransport):
    """Sends each request with the client of the running event loop, which respects the proxy variables."""

    def __init__(self, limits: ByteLimits) -> None:
        self._limits = limits
        self._clients = PerLoop(_client_for_loop)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        reply = await (await self._clients.client()).send(request, stream=True)
        reply.stream = _LimitedStream(reply.stream, self._limits)
        return reply


class _LimitedStream(httpx.AsyncByteStream):
    """Streams a reply; raises ReadError beyond the limits."""

    def __init__(self, stream: httpx.SyncByteStream | httpx.AsyncByteStream, limits: ByteLimits) -> None:
        self._stream = cast("httpx.AsyncByteStream", stream)
        self._limits = limits

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        total = event = 0
        end = b""
        async for piece in self._stream:
            if self._limits.event >= self._limits.reply:
                # No event is too long in a reply that is not; to find their ends takes as long as to read it.
                total += len(piece)
                self._check(total)
                yield piece
                continue
            first, *rest = EVENT_END.split(end + piece)
            lengths = [event + len(first), *map(len, rest)]
            total, event, end = total + len(piece), lengths[-1], piece[-3:]
            self._check(total, max(lengths))
            yield piece

    def _check(self, total: int, event: int = 0) -> None:
        if total > self._limits.reply or event > self._limits.event:
            raise httpx.ReadError(f"the reply or an event of it is larger than {self._limits}")

    async def aclose(self) -> None:
        await self._stream.aclose()


async def _client_for_loop() -> AsyncGenerator[httpx.AsyncClient, None]:
    """Keep a client open until the event loop ends and closes its generators."""
    async with httpx.AsyncClient(limits=CONNECTION_LIMITS, verify=_ssl_context(), timeout=None) as client:
        yield client


@cache
def _ssl_context() -> ssl.SSLContext:
    return httpx.create_ssl_context()
