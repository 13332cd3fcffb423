"""Reads the key file: a YAML list of callers, each with the SHA-256 of its key and never the key itself.

- name: intranet
  sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
  groups: [staff]
  operator: true        # may reload releases, open every version and rate every answer; default false

Without a key file everybody is the same anonymous caller in no group, and the server answers on loopback alone.
"""

import hashlib
import logging
import stat
from itertools import product
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from graph.errors import SettingsInvalid
from graph.strict_yaml import YamlInvalid, load_yaml
from server.auth.callers import Callers, KeyedCaller
from server.settings import ServerSettings

log = logging.getLogger("warrant.callers")
MAX_BYTES = 1_000_000
"""The largest key file that is read."""
EMPTY_KEYS = {
    hashlib.sha256("".join(blank).encode()).hexdigest() for n in range(4) for blank in product(" \t\r\n", repeat=n)
}
"""Digests of empty keys, as `echo "$KEY" | sha256sum` gives one when the variable is not set."""


def load_callers(settings: ServerSettings) -> Callers:
    """Read the key file; raises SettingsInvalid when there is none and the server does not listen on loopback."""
    if settings.keys is None:
        if not settings.on_loopback:
            raise SettingsInvalid(
                f"WARRANT_HOST={settings.host} can be reached from elsewhere and no keys are configured: set "
                "WARRANT_KEYS to a file of callers, or listen on 127.0.0.1."
            )
        return Callers(None)
    return Callers(_read(settings.keys))


def _read(path: Path) -> list[KeyedCaller]:
    try:
        known = TypeAdapter(list[KeyedCaller]).validate_python(_load(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"WARRANT_KEYS={path} cannot be read: {type(error).__name__}.") from error
    except YamlInvalid as error:
        raise SettingsInvalid(f"WARRANT_KEYS={path} cannot be read: line {error.line}: {error.problem}.") from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise SettingsInvalid(f"WARRANT_KEYS={path}: {where} was refused: {first['msg']}.") from None
    _check(path, known)
    return known


def _load(path: Path) -> Any:
    """The parsed file; raises OSError, UnicodeDecodeError or YamlInvalid."""
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        log.warning("WARRANT_KEYS=%s is open to every user of this machine; `chmod 600` it.", path)
    if len(raw) > MAX_BYTES:
        raise YamlInvalid(f"the file has more than {MAX_BYTES} bytes", 1)
    text = raw.decode()
    # A few lines of nested aliases can expand to more than fits into memory.
    if "*" in text and (line := _first_alias(text)):
        raise YamlInvalid("aliases (*name) are not taken here; write out what they stand for", line)
    return load_yaml(text)


def _first_alias(text: str) -> int | None:
    """The line of the first alias."""
    try:
        marks = (event.start_mark for event in yaml.parse(text) if isinstance(event, yaml.AliasEvent))
        return next((mark.line + 1 for mark in marks if mark), None)
    except yaml.YAMLError:
        return None  # load_yaml reports it


def _check(path: Path, known: list[KeyedCaller]) -> None:
    """Raises SettingsInvalid for ambiguous callers, or one whose key is empty."""
    if not known or len({one.name for one in known}) < len(known):
        raise SettingsInvalid(f"WARRANT_KEYS={path} needs at least one caller, and each name once.")
    owners: dict[str, str] = {}
    for one in known:
        if one.sha256 in EMPTY_KEYS:
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
