"""Who asks: a key becomes a Caller with a name and access groups.

The file that WARRANT_KEYS names is YAML, a list of callers, each with the SHA-256 of its key and never the key itself:

- name: intranet
  sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  groups: [staff]
  operator: true        # may have releases reloaded; false unless said

Without a file everybody is the same anonymous caller in no group, and the server answers on loopback alone.
"""

import hashlib
import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from graph.errors import SettingsInvalid
from server.settings import ServerSettings

COOKIE = "warrant_key"


class Caller(BaseModel):
    """Who asks; `groups` are the access groups whose documents it may see, an `operator` may have releases reloaded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9@._-]{0,62}$")]
    groups: list[str] = []
    operator: bool = False


class _Known(Caller):
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


ANONYMOUS = Caller(name="anonymous", operator=True)
"""Everybody, where no keys are configured: on loopback alone."""


class Callers:
    """The callers that a server knows."""

    def __init__(self, known: list[_Known] | None) -> None:
        """None: no keys are configured, and everybody is anonymous."""
        self._known = known

    @property
    def open(self) -> bool:
        """Whether everybody may ask."""
        return self._known is None

    def who(self, headers: Mapping[str, str]) -> Caller | None:
        """The caller of a request by its bearer token, its X-API-Key or the page's cookie; None: nobody we know."""
        if self._known is None:
            return ANONYMOUS
        offered = hashlib.sha256(_key(headers).encode("utf-8", "surrogateescape")).hexdigest()
        # Every key is compared, so that the time taken does not tell which of them came near.
        fits = [one for one in self._known if hmac.compare_digest(one.sha256, offered)]
        return Caller(**fits[0].model_dump(exclude={"sha256"})) if fits else None


def _key(headers: Mapping[str, str]) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return headers.get("x-api-key", "") or _cookie(headers.get("cookie", ""))


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def load_callers(settings: ServerSettings) -> Callers:
    """Read the callers; raises SettingsInvalid when there are none and the server is not on loopback alone."""
    if settings.keys is None:
        if not settings.on_loopback:
            raise SettingsInvalid(
                f"WARRANT_HOST={settings.host} can be reached from elsewhere and no keys are configured: set "
                "WARRANT_KEYS to a file of callers, or listen on 127.0.0.1."
            )
        return Callers(None)
    return Callers(_read(settings.keys))


def _read(path: Path) -> list[_Known]:
    try:
        known = TypeAdapter(list[_Known]).validate_python(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsInvalid(f"WARRANT_KEYS={path} cannot be read: {type(error).__name__}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise SettingsInvalid(f"WARRANT_KEYS={path}: {where} was refused: {first['msg']}.") from None
    names = [one.name for one in known]
    if not known or len(set(names)) < len(names):
        raise SettingsInvalid(f"WARRANT_KEYS={path} needs at least one caller, and each name once.")
    return known
