"""Bearer tokens of an OpenID Connect provider (JWT), checked with the keys that it publishes.

Only signatures with a public key count: RS256, ES256 and EdDSA. Issuer, audience and expiry must be right.
"""

import logging
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import httpx
import jwt
from pydantic import ValidationError

from graph.callers import Caller, Role
from server.settings import ServerSettings

log = logging.getLogger("warrant.callers")
ALGORITHMS = ("RS256", "ES256", "EdDSA")
LEEWAY = 30
"""Seconds by which the clocks of the provider and of this machine may differ."""
TIMEOUT = 5.0
"""Seconds to wait for the provider's keys."""
KEEP_KEYS = 300
"""Seconds for which the provider's keys are kept."""
LOOK_AGAIN = 30.0
"""Seconds between two fetches of the provider's keys for the sake of a key that is not among them."""


class ProviderUnavailable(Exception):
    """The provider's keys cannot be had, so that no token can be checked."""


class TokenVerifier:
    """Turns a provider's token into a caller; blocking, as it may fetch the provider's keys."""

    def __init__(self, issuer: str, settings: ServerSettings, look_again: float = LOOK_AGAIN) -> None:
        self._issuer, self._settings, self._look_again = issuer, settings, look_again

    def verify(self, token: str) -> Caller | None:
        """The caller of a token; None when it is not valid here. Raises ProviderUnavailable."""
        try:
            key = self._keys.get_signing_key_from_jwt(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=[*ALGORITHMS],
                audience=self._settings.oidc_audience,
                issuer=self._issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iss", "aud"]},
            )
            return self._caller(claims)
        except jwt.PyJWKClientConnectionError as error:
            raise ProviderUnavailable from error
        except (jwt.PyJWTError, ValidationError) as error:
            log.info("a token was refused: %s", type(error).__name__)
            return None

    @cached_property
    def _keys(self) -> jwt.PyJWKClient:
        """Raises ProviderUnavailable when the provider does not say where its keys are."""
        address = self._settings.oidc_jwks
        try:
            if address is None:
                page = httpx.get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration", timeout=TIMEOUT)
                address = str(page.raise_for_status().json()["jwks_uri"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise ProviderUnavailable from error
        return jwt.PyJWKClient(address, lifespan=KEEP_KEYS, timeout=TIMEOUT, cooldown_duration=self._look_again)

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        """Raises ValidationError or InvalidTokenError where a claim is no name, team or group."""
        named = self._settings.oidc_claims
        name = claims.get(named["name"])
        if not isinstance(name, str) or not name.strip():
            raise jwt.InvalidTokenError(f"the claim {named['name']} is no name")
        roles = {self._settings.oidc_roles.get(value, value) for value in _values(claims.get(named["roles"]))}
        return Caller(
            name=f"oidc:{name}",
            roles=frozenset(Role(role) for role in roles if role in [*Role]),
            team=str(claims.get(named["team"]) or ""),
            groups=_values(claims.get(named["groups"])),
        )


def looks_like_token(key: str) -> bool:
    """Whether a bearer value has the form of a JWT."""
    return key.count(".") == 2 and key.startswith("ey")


def _values(claim: Any) -> list[str]:
    """The words of a claim: a list, or one text with blanks between them."""
    return claim.split() if isinstance(claim, str) else [str(value) for value in claim or []]
