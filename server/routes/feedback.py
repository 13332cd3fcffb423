"""Thumbs up or down for an answer, with a comment."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from server.context import this_request
from server.errors import StateUnavailable
from server.observability.answer_store import AnswerStore
from server.observability.trace_export import TraceExporter

WRITE_TIMEOUT = 10.0
"""Seconds to wait until a rating is on disk."""


class FeedbackRequest(BaseModel):
    """A rating of an answer; `request_id` is the answer's."""

    model_config = ConfigDict(extra="forbid")

    request_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
    rating: Literal["up", "down"]
    comment: Annotated[str, Field(max_length=4000)] = ""


def feedback_routes(answers: AnswerStore, traces: TraceExporter) -> APIRouter:
    """POST /feedback."""
    routes = APIRouter(tags=["feedback"])

    @routes.post("/feedback", status_code=204)
    async def rate(feedback: FeedbackRequest) -> None:
        """Rate one of your answers; rating it again replaces the first rating."""
        written = answers.rate(feedback.request_id, this_request().caller, feedback.rating, feedback.comment)
        try:
            await asyncio.wait_for(asyncio.wrap_future(written), WRITE_TIMEOUT)
        except TimeoutError:
            raise StateUnavailable("The feedback was not stored in time.") from None
        traces.attach_feedback(feedback.request_id, feedback.rating, feedback.comment)

    return routes
