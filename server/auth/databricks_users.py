"""Callers of a Databricks App, as the platform's proxy names them.

The proxy is the only way to an app, and writes the headers itself. With a user's token, which it forwards where the app
has user authorization, the workspace is asked for the user's name and groups; without one a caller is in no group.
"""

import hashlib
from collections.abc import Mapping

import httpx
from cachetools import TTLCache
from pydantic import ValidationError

from graph.callers import Caller
from server.auth.tokens import ProviderUnavailable
from server.settings import ServerSettings

ME = "/api/2.0/preview/scim/v2/Me"
TOKEN = "x-forwarded-access-token"
TIMEOUT = 5.0
KEEP = 60.0
"""Seconds for which a user's groups are kept."""
MOST = 4096


class DatabricksUsers:
    """Turns the headers of the platform's proxy into a caller."""

    def __init__(self, host: str, settings: ServerSettings) -> None:
        self._host, self._settings = host, settings
        self._known: TTLCache[str, tuple[str, list[str]]] = TTLCache(MOST, KEEP)

    async def caller(self, headers: Mapping[str, str]) -> Caller | None:
        """The caller; None where the proxy names nobody. Raises ProviderUnavailable."""
        name, groups = headers.get("x-forwarded-email") or headers.get("x-forwarded-user", ""), list[str]()
        if token := headers.get(TOKEN, ""):
            name, groups = await self._me(token)
        elif self._settings.on_behalf_of_user:
            return None
        if not name:
            return None
        roles = {self._settings.oidc_roles[group] for group in groups if group in self._settings.oidc_roles}
        try:
            return Caller(name=f"databricks:{name}", roles=roles.union(self._settings.proxy_roles), groups=groups)
        except ValidationError:
            return None

    def token(self, headers: Mapping[str, str]) -> str:
        """The token on whose user's behalf a request is served; empty where that is not wanted."""
        return headers.get(TOKEN, "") if self._settings.on_behalf_of_user else ""

    async def _me(self, token: str) -> tuple[str, list[str]]:
        """Name and groups of a token's user; no name for a token that the workspace does not take."""
        key = hashlib.sha256(token.encode()).hexdigest()
        if key in self._known:
            return self._known[key]
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT) as client:
                reply = await client.get(f"{self._host}{ME}", headers={"authorization": f"Bearer {token}"})
            if reply.status_code in (401, 403):
                return "", []
            found = reply.raise_for_status().json()
            known = str(found["userName"]), [str(each["display"]) for each in found.get("groups", [])]
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise ProviderUnavailable from error
        self._known[key] = known
        return known
