"""Thumbs up or down for an answer, with a comment."""

import asyncio
from typing import Annotated, Literal, Protocol

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from server.context import this_request
from server.errors import StateUnavailable
from server.watching.diary import Diary

SECONDS = 10.0
"""How long one who rates waits for it to be kept."""


class Feedback(BaseModel):
    """What you think of an answer; `request_id` is the one that the Answer has."""

    model_config = ConfigDict(extra="forbid")

    request_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    rating: Literal["up", "down"]
    comment: Annotated[str, Field(max_length=4000)] = ""


class Attaches(Protocol):
    """Puts feedback beside the trace of the request, where there is one; neither waits nor raises."""

    def attach_feedback(self, request_id: str, rating: str, comment: str) -> None: ...


def feedback_routes(diary: Diary, traces: Attaches | None = None) -> APIRouter:
    """POST /feedback."""
    routes = APIRouter(tags=["feedback"])

    @routes.post("/feedback", status_code=204)
    async def rate(feedback: Feedback) -> None:
        """Rate an answer that you were given; rating it again replaces what you said."""
        kept = diary.rate(feedback.request_id, this_request().caller, feedback.rating, feedback.comment)
        try:
            await asyncio.wait_for(asyncio.wrap_future(kept), SECONDS)
        except TimeoutError:
            raise StateUnavailable("It was not kept in time.") from None
        if traces:
            traces.attach_feedback(feedback.request_id, feedback.rating, feedback.comment)

    return routes
