"""Whether a registry can be reached at all, asked before MLflow does: it tries a database again for two minutes.

Also how its address and its troubles are told: without the password.
"""

import re
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import RegistryUnavailable, VersionUnknown

SQLITE = "sqlite:///"
PORTS = {"postgresql": 5432, "postgres": 5432, "mysql": 3306, "mssql": 1433}
SECONDS = 5.0
LONGEST = 300
"""Characters of MLflow's own words that are passed on."""


def check_reach(uri: str, model: str) -> None:
    """Raises RegistryUnavailable when a database is not there or does not take calls, VersionUnknown when its file has
    not been made yet."""
    if uri.startswith(SQLITE):
        _check_file(Path(uri.removeprefix(SQLITE).partition("?")[0]), model)
        return
    host, port = _database(uri)
    if not host:
        return
    try:
        socket.create_connection((host, port), SECONDS).close()
    except OSError as error:
        raise RegistryUnavailable(f"The registry at {shown(uri)} does not answer: {error.strerror or error}.") from None


def shown(uri: str) -> str:
    """An address without what is secret in it."""
    return re.sub(r"//[^/@\s]*@", "//***@", uri.partition("?")[0])


def told_of(message: str, uri: str) -> str:
    """The first line of what MLflow says of a trouble, without what is secret in the address."""
    line = (message.strip().splitlines() or [""])[0].strip()
    password = _password(uri)
    for secret in {password, unquote(password)} - {""}:
        line = line.replace(secret, "***")
    line = shown_in(line)
    return line if len(line) <= LONGEST else line[:LONGEST].rstrip() + " …"


def shown_in(text: str) -> str:
    """A text whose addresses have no user and password."""
    return re.sub(r"//[^/@\s]*@", "//***@", text)


def _password(uri: str) -> str:
    found = re.search(r"//[^/:@\s]*:([^/\s]*)@", uri)
    return found[1] if found else ""


def _database(uri: str) -> tuple[str, int]:
    """Host and port of a database; no host for anything else."""
    kind = uri.partition(":")[0].partition("+")[0]
    if kind not in PORTS:
        return "", 0
    try:
        parts = urlsplit(uri)
        return parts.hostname or "", parts.port or PORTS[kind]
    except ValueError:
        raise RegistryUnavailable(f"{shown(uri)} is not an address such as postgresql://host:5432/name.") from None


def _check_file(path: Path, model: str) -> None:
    try:
        if not path.exists():
            raise VersionUnknown(f"There is no model {model}: {path} has not been made yet. Log a release first.")
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=SECONDS)) as database:
            database.execute("PRAGMA schema_version").fetchone()
    except (OSError, sqlite3.Error) as error:
        told = getattr(error, "strerror", None) or error
        raise RegistryUnavailable(f"The registry {path} cannot be read: {told}.") from None
