"""A caller's own conversations: list, read, delete."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from server.context import this_request
from server.conversations import Conversations, ConversationSummary
from server.errors import refuse
from server.schemas import HistoryTurn

Session = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Conversation(BaseModel):
    """The turns of one conversation, oldest first."""

    session_id: str
    turns: list[HistoryTurn]


def conversation_routes(conversations: Conversations) -> APIRouter:
    """/conversations and /conversations/{session_id}."""
    routes = APIRouter(prefix="/conversations", tags=["conversations"])

    @routes.get("")
    async def summaries() -> list[ConversationSummary]:
        """Your conversations, the latest first."""
        return await conversations.summaries(this_request().caller.name)

    @routes.get("/{session_id}")
    async def one(session_id: Session) -> Conversation:
        """The stored turns of one of your conversations."""
        turns = await conversations.turns(this_request().caller.name, session_id)
        if not turns:
            raise refuse(404, "You have no conversation by that id.")
        return Conversation(session_id=session_id, turns=[HistoryTurn.model_validate(turn) for turn in turns])

    @routes.delete("/{session_id}", status_code=204)
    async def forget(session_id: Session) -> None:
        """Delete one of your conversations."""
        if not await conversations.delete(this_request().caller.name, session_id):
            raise refuse(404, "You have no conversation by that id.")

    return routes
