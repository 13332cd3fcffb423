"""One client for each event loop: each sync call of the graph runs in a loop of its own."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Generic, NamedTuple, TypeVar

Client = TypeVar("Client")


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
