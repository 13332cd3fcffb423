"""Which permission a route needs, which the roles in graph.callers have."""

from collections.abc import Mapping

from graph.callers import Permission

PUBLIC = frozenset(("/", "/healthz", "/readyz", "/signin", "/favicon.ico", "/admin/webhook", "/static"))
"""Routes that need no key: their content is the same for everybody, or the message is signed."""
ROUTES: Mapping[str, Permission | None] = {
    "/rag": Permission.ASK,
    "/v1": Permission.ASK,
    "/responses": Permission.ASK,
    "/invocations": Permission.ASK,
    "/mcp": Permission.ASK,
    "/conversations": Permission.ASK,
    "/documents": Permission.ASK,
    "/examples": Permission.ASK,
    "/feedback": Permission.ASK,
    "/verify": Permission.ASK,
    "/page": Permission.ASK,
    "/metrics": Permission.READ_METRICS,
    "/admin/reload": Permission.RELOAD,
    "/docs": None,
    "/openapi.json": None,
    "/signout": None,
}
"""The permission for a path and everything under it; None: any caller with a key."""


def is_public(path: str) -> bool:
    """Whether a path needs no key."""
    return path in PUBLIC or path.startswith("/static/")


def permission_for(path: str, *, production: bool = True) -> Permission | None:
    """The permission that a path needs, also below `/staging` or `/versions/N`, where it is not for `production`.

    A path that is in no row is answered with 404 to any caller with a key.
    """
    found = [route for route in ROUTES if path == route or path.startswith(f"{route}/")]
    needed = ROUTES[max(found, key=len)] if found else None
    return Permission.ASK_ANY_VERSION if needed == Permission.ASK and not production else needed
