"""The key file: a YAML list of callers, each with a salted digest of its key and never the key itself.

`warrant keys` writes it. A server reads it again as soon as it changes, so that a new or revoked key counts at once in
every worker. A file that cannot be read lets nobody in.
"""

import hashlib
import hmac
import logging
import secrets
import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import yaml
from filelock import FileLock
from pydantic import AwareDatetime, Field, StringConstraints, TypeAdapter, ValidationError

from .callers import Caller
from .errors import SettingsInvalid
from .files import write_private
from .invalid import problem
from .strict_yaml import YamlInvalid, load_yaml

log = logging.getLogger("warrant.callers")
MAX_BYTES = 1_000_000
"""The largest key file that is read."""
PREFIX = "wk_"
"""Begins every key, so that scanners for leaked secrets can find it."""
Hex = StringConstraints(to_lower=True)


class KeyedCaller(Caller):
    """A caller with the SHA-256 of its salt and key; from `expires` on the key is refused."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9@._-]{0,62}$")]
    salt: Annotated[str, Hex, Field(pattern=r"^[0-9a-fA-F]{32}$")]
    sha256: Annotated[str, Hex, Field(pattern=r"^[0-9a-fA-F]{64}$")]
    expires: AwareDatetime | None = None

    @property
    def expired(self) -> bool:
        """Whether its key is refused by now."""
        return self.expires is not None and datetime.now(UTC) >= self.expires

    @property
    def caller(self) -> Caller:
        """Without its key."""
        return Caller(**self.model_dump(include=set(Caller.model_fields)))


def new_key(caller: Caller, expires: datetime | None) -> tuple[str, KeyedCaller]:
    """A new random key of 256 bits, and the caller with its digest."""
    key, salt = PREFIX + secrets.token_urlsafe(32), secrets.token_hex(16)
    return key, KeyedCaller(**caller.model_dump(), salt=salt, sha256=digest(salt, key), expires=expires)


def digest(salt: str, key: str) -> str:
    """The digest that is stored: a random key of 256 bits needs no slow one."""
    return hashlib.sha256(bytes.fromhex(salt) + _encoded(key)).hexdigest()


def _encoded(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


class KeyFile:
    """The callers in a key file, read again whenever it has changed."""

    def __init__(self, path: Path) -> None:
        """Raises SettingsInvalid when the file is wrong."""
        self.path = path
        self._seen = self._identity()
        self._known = _unpacked(read_keys(path))

    def find(self, key: str) -> Caller | None:
        """The caller with a key; every one is compared, so that the time taken reveals nothing about them.

        Raises SettingsInvalid when the file has become wrong.
        """
        given = _encoded(key)
        fits = [
            one for salt, own, one in self._current() if hmac.compare_digest(own, hashlib.sha256(salt + given).digest())
        ]
        return fits[0].caller if fits and not fits[0].expired else None

    @property
    def changed(self) -> bool:
        """Whether `find` will read the file again, which takes a while."""
        return self._identity() != self._seen

    def _current(self) -> Sequence[tuple[bytes, bytes, KeyedCaller]]:
        if (now := self._identity()) != self._seen:
            self._known = _unpacked(read_keys(self.path))
            self._seen = now
        return self._known

    def _identity(self) -> tuple[int, int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def _unpacked(known: Sequence[KeyedCaller]) -> list[tuple[bytes, bytes, KeyedCaller]]:
    """Each caller behind its salt and digest as bytes, which every request compares."""
    return [(bytes.fromhex(one.salt), bytes.fromhex(one.sha256), one) for one in known]


def read_keys(path: Path) -> list[KeyedCaller]:
    """The callers in a key file; raises SettingsInvalid naming what is wrong."""
    try:
        known = TypeAdapter(list[KeyedCaller]).validate_python(_load(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsInvalid(f"WARRANT_KEYS={path} cannot be read: {type(error).__name__}.") from error
    except YamlInvalid as error:
        raise SettingsInvalid(f"WARRANT_KEYS={path} cannot be read: line {error.line}: {error.problem}.") from None
    except ValidationError as error:
        # The file holds digests of keys, which no message repeats.
        first = problem(error.errors()[0], "the file", show=False)
        raise SettingsInvalid(f"WARRANT_KEYS={path}: {first}.") from None
    if len({one.name for one in known}) < len(known):
        raise SettingsInvalid(f"WARRANT_KEYS={path} holds a name twice; a caller has one key.")
    return known


def _load(path: Path) -> Any:
    """The parsed file; raises OSError, UnicodeDecodeError or YamlInvalid."""
    with path.open("rb") as file:
        raw = file.read(MAX_BYTES + 1)
    if path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        log.warning("WARRANT_KEYS=%s is open to every user of this machine; `chmod 600` it.", path)
    if len(raw) > MAX_BYTES:
        raise YamlInvalid(f"the file has more than {MAX_BYTES} bytes", 1)
    return load_yaml(raw.decode())


def change_keys(path: Path, removed: str, added: KeyedCaller | None) -> None:
    """Replace, add or remove one caller. The file is replaced whole, so that no reader sees half.

    Raises SettingsInvalid when the file is wrong, OSError when it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock", mode=0o600):
        known = read_keys(path) if path.exists() else []
        kept = [one for one in known if one.name != removed] + ([added] if added else [])
        rows = [one.model_dump(mode="json", exclude_defaults=True) for one in kept]
        write_private(path, yaml.safe_dump(rows, sort_keys=False, allow_unicode=True))
