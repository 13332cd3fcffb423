"""A caller's own conversations: to list, to read and to delete."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from server.context import this_request
from server.conversations import Conversations, Summary
from server.errors import refuse
from server.schemas import AskTurn

Session = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Conversation(BaseModel):
    """The turns of one conversation, oldest first."""

    session_id: str
    turns: list[AskTurn]


def talk_routes(talks: Conversations) -> APIRouter:
    """/conversations and /conversations/{session_id}."""
    routes = APIRouter(prefix="/conversations", tags=["conversations"])

    @routes.get("")
    async def listing() -> list[Summary]:
        """Your conversations, the latest first."""
        return await talks.listing(this_request().caller.name)

    @routes.get("/{session_id}")
    async def one(session_id: Session) -> Conversation:
        """The turns that are kept of one of your conversations."""
        turns = await talks.recall(this_request().caller.name, session_id)
        if not turns:
            raise refuse(404, "You have no conversation by that id.")
        return Conversation(session_id=session_id, turns=[AskTurn.model_validate(turn) for turn in turns])

    @routes.delete("/{session_id}", status_code=204)
    async def forget(session_id: Session) -> None:
        """Delete one of your conversations."""
        if not await talks.forget(this_request().caller.name, session_id):
            raise refuse(404, "You have no conversation by that id.")

    return routes
