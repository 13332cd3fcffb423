"""Who asks: a key becomes a Caller with a name and access groups.

The file that WARRANT_KEYS names is YAML, a list of callers, each with the SHA-256 of its key and never the key itself:

- name: intranet
  sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  groups: [staff]
  operator: true        # may reload releases, open every version and rate every answer; false unless said

Without a file everybody is the same anonymous caller in no group, and the server answers on loopback alone.
"""

import hashlib
import hmac
import logging
import stat
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StringConstraints, TypeAdapter
from pydantic import ValidationError as Invalid

from graph.errors import SettingsInvalid
from graph.plain_yaml import YamlInvalid, load_yaml
from graph.steps.preprocess import MOST_GROUPS
from server.settings import ServerSettings

log = logging.getLogger("warrant.callers")
COOKIE = "warrant_key"
LARGEST = 1_000_000
"""Bytes that a file of callers may have."""
BLANKS = {
    hashlib.sha256("".join(blank).encode()).hexdigest() for n in range(4) for blank in product(" \t\r\n", repeat=n)
}
"""Digests of no key at all, as `echo "$KEY" | sha256sum` gives one when the variable is not set."""


def _group(name: str) -> str:
    """A group's name; raises ValueError for one that no document can name."""
    if not name or name != name.strip() or not name.isprintable():
        raise ValueError("a group's name is printable text without blanks around it")
    return name


class Caller(BaseModel):
    """Who asks; `groups` are the access groups whose documents it may see.

    An `operator` may have releases reloaded, open versions without a warrant, and rate everybody's answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9@._-]{0,62}$")]
    groups: Annotated[list[Annotated[str, AfterValidator(_group)]], Field(max_length=MOST_GROUPS)] = []
    operator: StrictBool = False


class Known(Caller):
    """A caller with the SHA-256 of its key."""

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-fA-F]{64}$", to_lower=True)]


ANONYMOUS = Caller(name="anonymous")
"""Who has given no key, where one is not needed."""
OWNER = Caller(name="anonymous", operator=True)
"""Everybody, where no keys are configured: on loopback alone."""


class Callers:
    """The callers that a server knows."""

    def __init__(self, known: list[Known] | None) -> None:
        """None: no keys are configured, and everybody is anonymous."""
        self._known = known

    @property
    def open(self) -> bool:
        """Whether everybody may ask."""
        return self._known is None

    def who(self, headers: Mapping[str, str]) -> Caller | None:
        """The caller of a request by its bearer token, its X-API-Key or the page's cookie; None: nobody we know."""
        if self._known is None:
            return OWNER
        key = _key(headers)
        if not key:
            return None
        offered = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        # Every key is compared, so that the time taken does not tell which of them came near.
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


def _read(path: Path) -> list[Known]:
    try:
        known = TypeAdapter(list[Known]).validate_python(_load(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"WARRANT_KEYS={path} cannot be read: {type(error).__name__}.") from error
    except YamlInvalid as error:
        raise SettingsInvalid(f"WARRANT_KEYS={path} cannot be read: line {error.line}: {error.problem}.") from None
    except Invalid as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise SettingsInvalid(f"WARRANT_KEYS={path}: {where} was refused: {first['msg']}.") from None
    _check(path, known)
    return known


def _load(path: Path) -> Any:
    """What the file says; raises OSError, UnicodeDecodeError or YamlInvalid."""
    with path.open("rb") as file:
        raw = file.read(LARGEST + 1)
    if path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        log.warning("WARRANT_KEYS=%s is open to every user of this machine; `chmod 600` it.", path)
    if len(raw) > LARGEST:
        raise YamlInvalid(f"the file has more than {LARGEST} bytes", 1)
    text = raw.decode()
    # A few lines of aliases of aliases can stand for more than any memory holds.
    if "*" in text and (line := _alias(text)):
        raise YamlInvalid("aliases (*name) are not taken here; write out what they stand for", line)
    return load_yaml(text)


def _alias(text: str) -> int | None:
    """The line of the first alias."""
    try:
        marks = (event.start_mark for event in yaml.parse(text) if isinstance(event, yaml.AliasEvent))
        return next((mark.line + 1 for mark in marks if mark), None)
    except yaml.YAMLError:
        return None  # which load_yaml tells


def _check(path: Path, known: list[Known]) -> None:
    """Raises SettingsInvalid for callers that could be taken for each other, or for somebody without a key."""
    if not known or len({one.name for one in known}) < len(known):
        raise SettingsInvalid(f"WARRANT_KEYS={path} needs at least one caller, and each name once.")
    owners: dict[str, str] = {}
    for one in known:
        if one.sha256 in BLANKS:
            raise SettingsInvalid(
                f"WARRANT_KEYS={path}: the sha256 of {one.name} is that of an empty key, which everybody has; give it "
                "the digest of its key."
            )
        if one.sha256 in owners:
            raise SettingsInvalid(
                f"WARRANT_KEYS={path}: {owners[one.sha256]} and {one.name} have the same sha256; give each a key of "
                "its own."
            )
        owners[one.sha256] = one.name
