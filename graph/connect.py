"""Chooses the implementations of the graph's protocols by the settings; each is imported only when it is chosen."""

from .backend import Backend
from .release import Release
from .settings import Settings


async def connect(settings: Settings, release: Release) -> Backend:
    """Open what `settings.backend` names; what is wrong with it is raised now, not at the first question."""
    match settings.backend:
        case "local":
            from .index.local import open_local

            return await open_local(settings, release)
        case "databricks":
            from .index.ai_search import open_ai_search

            return await open_ai_search(settings, release)
