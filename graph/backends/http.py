"""An HTTP client that keeps its connections open and may be used from one event loop after another.

A sync call of the graph runs in a loop of its own, and a connection that was kept by an earlier loop is dead in it.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from functools import cache
from typing import NamedTuple

import httpx

LIMITS = httpx.Limits(max_connections=1000, max_keepalive_connections=100, keepalive_expiry=30)


def http_client(timeout: httpx.Timeout, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    """A client that needs no closing: its connections end with the loop that they belong to."""
    return httpx.AsyncClient(transport=_ByLoop(), timeout=timeout, headers=headers)


class _ByLoop(httpx.AsyncBaseTransport):
    """Sends each request through the client of the running loop, which knows the proxies of the environment too."""

    def __init__(self) -> None:
        self._open: dict[asyncio.AbstractEventLoop, _Open] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            self._open = {other: client for other, client in self._open.items() if not other.is_closed()}
            kept = _kept()
            # No other task runs before the client is there: the generator awaits nothing on its way.
            self._open[loop] = _Open(await anext(kept), kept)
        return await self._open[loop].client.send(request, stream=True)


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
