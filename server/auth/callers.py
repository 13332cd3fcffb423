"""Callers: a key identifies a caller with a name and access groups."""

import hashlib
import hmac
import logging
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from graph.steps.preprocess import MOST_GROUPS

log = logging.getLogger("warrant.callers")
COOKIE = "warrant_key"


def _group(name: str) -> str:
    """Validate a group's name."""
    if not name or name != name.strip() or not name.isprintable():
        raise ValueError("a group's name is printable text without blanks around it")
    return name


class Caller(BaseModel):
    """Who asks; `groups` are the access groups whose documents it may see.

    An `operator` may reload releases, open versions without a warrant, and rate every answer.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9@._-]{0,62}$")]
    groups: Annotated[list[Annotated[str, AfterValidator(_group)]], Field(max_length=MOST_GROUPS)] = []
    operator: StrictBool = False


class KeyedCaller(Caller):
    """A caller with the SHA-256 of its key."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]


ANONYMOUS = Caller(name="anonymous")
"""The caller of public paths."""
OWNER = Caller(name="anonymous", operator=True)
"""Every caller of a server without keys, which listens on loopback alone."""


class Callers:
    """Authenticates requests by their keys."""

    def __init__(self, known: list[KeyedCaller] | None) -> None:
        """`known`: None when no keys are configured."""
        self._known = known

    @property
    def open(self) -> bool:
        """Whether no key is needed."""
        return self._known is None

    def authenticate(self, headers: Mapping[str, str]) -> Caller | None:
        """The caller by bearer token, X-API-Key header or the page's cookie; None when the key is missing."""
        if self._known is None:
            return OWNER
        key = _key(headers)
        if not key:
            return None
        offered = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        # Every key is compared, so that the time taken reveals nothing about them.
        fits = [one for one in self._known if hmac.compare_digest(one.sha256, offered)]
        return Caller(**fits[0].model_dump(exclude={"sha256"})) if fits else None


def _key(headers: Mapping[str, str]) -> str:
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
