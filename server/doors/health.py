"""Is the process alive, and does it answer?"""

from fastapi import APIRouter
from pydantic import BaseModel

from server.live import Live


class Health(BaseModel):
    """`ok`."""

    status: str = "ok"


class Ready(Health):
    """What is being served."""

    release: str
    snapshot: str


def health_routes(live: Live) -> APIRouter:
    """/healthz and /readyz."""
    routes = APIRouter(tags=["operations"])

    @routes.get("/healthz")
    async def alive() -> Health:
        """The process answers."""
        return Health()

    @routes.get("/readyz")
    async def ready() -> Ready:
        """Questions are answered; 503 while they are not."""
        agent = live.agent
        return Ready(release=agent.release.label, snapshot=agent.backend.retriever.snapshot)

    return routes
