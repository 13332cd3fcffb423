"""What a caller may do: one table from roles to permissions, and one from routes to the permission that they need."""

from collections.abc import Mapping
from enum import StrEnum


class Permission(StrEnum):
    """One thing that a caller may do."""

    ASK = "ask"
    """Ask production, rate its own answers, read the documents of its groups, and check answers."""
    ASK_ANY_VERSION = "ask_any_version"
    """Ask the staging alias and every pinned version, with or without a warrant."""
    RATE_ANY = "rate_any"
    """Rate the answers of others."""
    READ_METRICS = "read_metrics"
    RELOAD = "reload"
    """Have the server look for a new release or Snapshot now."""
    MANAGE_KEYS = "manage_keys"
    READ_AUDIT = "read_audit"


class Role(StrEnum):
    """Who a caller is in the organisation."""

    MLOPS_ENGINEER = "mlops_engineer"
    DATA_SCIENTIST = "data_scientist"
    APP_TEAM = "app_team"
    SECURITY_ADMIN = "security_admin"


PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.MLOPS_ENGINEER: frozenset(
        (
            Permission.ASK,
            Permission.ASK_ANY_VERSION,
            Permission.RATE_ANY,
            Permission.READ_METRICS,
            Permission.RELOAD,
        )
    ),
    Role.DATA_SCIENTIST: frozenset((Permission.ASK, Permission.ASK_ANY_VERSION, Permission.READ_METRICS)),
    Role.APP_TEAM: frozenset((Permission.ASK,)),
    Role.SECURITY_ADMIN: frozenset((Permission.READ_METRICS, Permission.MANAGE_KEYS, Permission.READ_AUDIT)),
}

PUBLIC = frozenset(("/", "/healthz", "/readyz", "/signin", "/favicon.ico", "/admin/webhook", "/static"))
"""Routes that need no key: their content is the same for everybody, or the message is signed."""
ROUTES: Mapping[str, Permission | None] = {
    "/rag": Permission.ASK,
    "/v1": Permission.ASK,
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
