"""Checks an answer of any system against its passages."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter

from graph.cli.verify import VerifyRequest

AT_ONCE = 2
"""Answers that are checked at the same time, each in a thread of its own."""


def verify_routes(count: Callable[[str], Awaitable[None]]) -> APIRouter:
    """POST /verify; `count` counts and records a request, or refuses it."""
    routes, places = APIRouter(tags=["verification"]), asyncio.Semaphore(AT_ONCE)

    @routes.post("/verify")
    async def verify(request: VerifyRequest) -> dict[str, Any]:
        """A verdict for each claim of an answer: supported, contradicted, not_found or unverified."""
        await count("verify")
        async with places:
            return await asyncio.to_thread(request.checked)

    return routes
