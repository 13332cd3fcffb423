"""An HTTP client that keeps its connections open and may be used from one event loop after another.

A sync call of the graph runs in a loop of its own, and a connection that was kept by an earlier loop is dead in it.
"""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator
from functools import cache
from typing import NamedTuple, cast

import httpx

BLANK = re.compile(rb"\r?\n\r?\n|\r\r")
"""What ends an event of a stream."""
LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=30)


class Bounds(NamedTuple):
    """Bytes of a reply, and of one event of it where it is a stream: each is put together before it is read."""

    reply: int = 4_000_000
    event: int = 4_000_000


BOUNDS = Bounds()


def http_client(
    timeout: httpx.Timeout, headers: dict[str, str] | None = None, bounds: Bounds = BOUNDS
) -> httpx.AsyncClient:
    """A client that needs no closing: its connections end with the loop that they belong to.

    A reply beyond the bounds is a ReadError.
    """
    return httpx.AsyncClient(transport=transport(bounds), timeout=timeout, headers=headers)


def transport(bounds: Bounds = BOUNDS) -> httpx.AsyncBaseTransport:
    """What such a client sends by, for libraries that make the client themselves."""
    return _ByLoop(bounds)


class _ByLoop(httpx.AsyncBaseTransport):
    """Sends each request through the client of the running loop, which knows the proxies of the environment too."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._open: dict[asyncio.AbstractEventLoop, _Open] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            self._open = {other: client for other, client in self._open.items() if not other.is_closed()}
            kept = _kept()
            # No other task runs before the client is there: the generator awaits nothing on its way.
            self._open[loop] = _Open(await anext(kept), kept)
        reply = await self._open[loop].client.send(request, stream=True)
        reply.stream = _Bounded(reply.stream, self._bounds)
        return reply


class _Bounded(httpx.AsyncByteStream):
    """A reply's bytes as they come; raises ReadError for too many of them."""

    def __init__(self, stream: httpx.SyncByteStream | httpx.AsyncByteStream, bounds: Bounds) -> None:
        self._stream = cast("httpx.AsyncByteStream", stream)
        self._bounds = bounds

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        total = event = 0
        end = b""
        async for piece in self._stream:
            first, *rest = BLANK.split(end + piece)
            lengths = [event + len(first), *map(len, rest)]
            total, event, end = total + len(piece), lengths[-1], piece[-3:]
            if total > self._bounds.reply or max(lengths) > self._bounds.event:
                raise httpx.ReadError(f"the reply or an event of it is larger than {self._bounds}")
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()


class _Open(NamedTuple):
    client: httpx.AsyncClient
    kept: AsyncGenerator[httpx.AsyncClient, None]


async def _kept() -> AsyncGenerator[httpx.AsyncClient, None]:
    """A client for as long as the loop lives: a loop that ends closes the generators that it began, and so this."""
    async with httpx.AsyncClient(limits=LIMITS, verify=_trusted(), timeout=None) as client:
        yield client


@cache
def _trusted() -> ssl.SSLContext:
    return httpx.create_ssl_context()
