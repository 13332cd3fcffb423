"""Who sent a request: by key, by a provider's token, or by the identity headers of a trusted proxy or platform."""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address

import anyio.to_thread
from pydantic import ValidationError

from graph.callers import OWNER, Caller
from graph.errors import SettingsInvalid
from graph.keys import KeyFile
from server.auth.databricks_users import DatabricksUsers
from server.auth.tokens import TokenVerifier, looks_like_token
from server.settings import ServerSettings, databricks_host

COOKIE = "warrant_key"


class Authenticator:
    """Tells callers apart; without keys, provider and proxy everybody is the owner of a server on loopback."""

    def __init__(self, settings: ServerSettings) -> None:
        """Raises SettingsInvalid when nobody can be told apart and the server can be reached from elsewhere."""
        self._settings = settings
        self._keys = KeyFile(settings.keys) if settings.keys else None
        self._tokens = TokenVerifier(settings.oidc_issuer, settings) if settings.oidc_issuer else None
        self._users = DatabricksUsers(databricks_host(), settings) if settings.databricks_app else None
        if self._tokens and not settings.oidc_audience:
            raise SettingsInvalid("WARRANT_OIDC_AUDIENCE is needed: without it the tokens of any application would do.")
        if self.open and not settings.on_loopback:
            raise SettingsInvalid(
                f"WARRANT_HOST={settings.host} can be reached from elsewhere and no keys are configured: set "
                "WARRANT_KEYS to a file of callers (`warrant keys create`), or WARRANT_OIDC_ISSUER, or listen on "
                "127.0.0.1."
            )

    @property
    def open(self) -> bool:
        """Whether no key is needed."""
        return not (self._keys or self._tokens or self._settings.proxies or self._users)

    async def authenticate(self, headers: Mapping[str, str], peer: str = "") -> Caller | None:
        """The caller of a request; None when it gives no valid key.

        Raises SettingsInvalid when the key file has become wrong, ProviderUnavailable when a token cannot be checked.
        """
        if self.open:
            return OWNER
        if self._users:
            return await self._users.caller(headers)
        if forwarded := self._forwarded(headers, peer):
            return forwarded
        key = _key(headers)
        if not key:
            return None
        if self._tokens and looks_like_token(key):
            return await anyio.to_thread.run_sync(self._tokens.verify, key)
        if self._keys and self._keys.changed:
            return await anyio.to_thread.run_sync(self._keys.find, key)
        return self._keys.find(key) if self._keys else None

    def user_token(self, headers: Mapping[str, str]) -> str:
        """The token of the platform's user on whose behalf to search and ask models; empty: as the server itself."""
        return self._users.token(headers) if self._users else ""

    def _forwarded(self, headers: Mapping[str, str], peer: str) -> Caller | None:
        """The caller that a trusted proxy names; the headers of anybody else are not read."""
        user = headers.get("x-forwarded-user", "")
        try:
            if not user or not any(ip_address(peer) in network for network in self._settings.proxies):
                return None
            groups = [name.strip() for name in headers.get("x-forwarded-groups", "").split(",") if name.strip()]
            return Caller(name=f"proxy:{user}", roles=frozenset(self._settings.proxy_roles), groups=groups)
        except (ValueError, ValidationError):
            return None


def _key(headers: Mapping[str, str]) -> str:
    """The key by bearer token, X-API-Key header or the page's cookie."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return headers.get("x-api-key", "").strip() or _cookie(headers.get("cookie", "")).strip()


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""
