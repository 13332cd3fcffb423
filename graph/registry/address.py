"""Whether a registry can be reached at all, asked before MLflow does: it tries a database again for two minutes.

Also its address and its errors as they may be shown: without the password.
"""

import re
import socket
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import RegistryUnavailable, VersionUnknown

SQLITE = "sqlite:///"
PORTS = {"postgresql": 5432, "postgres": 5432, "mysql": 3306, "mssql": 1433}
SCHEMES = ("sqlite:", "file:", "http:", "https:", "databricks", "uc:", *(kind + end for kind in PORTS for end in ":+"))
ADDRESS = re.compile(r"//[^/\s]*@")
UNANSWERED = "failed with exception"
"""What MLflow says of a tracking server that it could not ask."""
DATABASE = re.compile(r"\(\w+\.\w*Error\) ([^\n]+)")
"""How SQLAlchemy passes on what a database says."""
SECONDS = 5.0
UNITY = "databricks-uc"
OWN_TAG, UNITY_TAG = "warrant.", "warrant_"
LINK = re.compile(r"\bhttps?://[^\s'\")]+")
LONGEST = 300
"""Characters of MLflow's own words that are passed on."""


def is_unity(uri: str) -> bool:
    """Whether models are registered in Unity Catalog."""
    return uri.startswith(UNITY)


def tracking_uri(uri: str) -> str:
    """Where the runs of a registry are: a workspace's, beside its Unity Catalog."""
    return uri.replace(UNITY, "databricks", 1) if is_unity(uri) else uri


def experiment_name(uri: str, name: str) -> str:
    """An experiment as the tracking server names it: in a workspace it is a path; everybody may write to /Shared."""
    return f"/Shared/{name}" if uri.startswith("databricks") else name


def to_tag(uri: str, name: str) -> str:
    """A tag's key as the registry takes it: in Unity Catalog it has no dot."""
    return name.replace(OWN_TAG, UNITY_TAG, 1) if is_unity(uri) else name


def from_tags(uri: str, tags: Mapping[str, str]) -> dict[str, str]:
    """Tags under our own names."""
    if not is_unity(uri):
        return dict(tags)
    return {re.sub(f"^{UNITY_TAG}", OWN_TAG, name): value for name, value in tags.items()}


def check_address(uri: str) -> None:
    """Raises ValueError when MLflow has no registry at such an address."""
    if not uri.startswith(SCHEMES):
        raise ValueError(
            f"a tracking URI looks like sqlite:////srv/mlflow.db or https://mlflow.example, not like {shown(uri)!r}"
        )


def check_reach(uri: str, model: str) -> None:
    """Raises RegistryUnavailable when a database is not there or does not take calls, VersionUnknown when its file has
    not been made yet."""
    if uri.startswith(SQLITE):
        _check_file(Path(uri.removeprefix(SQLITE).partition("?")[0]), model)
        return
    check_workspace(uri)
    host, port = _database(uri)
    if not host:
        return
    try:
        socket.create_connection((host, port), SECONDS).close()
    except OSError as error:
        raise RegistryUnavailable(f"The registry at {shown(uri)} does not answer: {error.strerror or error}.") from None


def check_workspace(uri: str) -> None:
    """Sign in to the workspace of a Databricks registry, where MLflow would try for five minutes.

    Raises RegistryUnavailable, SettingsInvalid or ExtraMissing.
    """
    if not uri.startswith("databricks") or "://" in uri:
        return
    from ..models.databricks import workspace

    signed_in = workspace()
    try:
        signed_in.client.current_user.me()
    except (OSError, ValueError) as error:  # What the SDK raises is an OSError, or a ValueError for its own token.
        why = signed_in.clean(str(error.__cause__ or error)).rstrip(".")
        raise RegistryUnavailable(f"The workspace cannot be signed in to: {why}.") from error


def shown(uri: str) -> str:
    """An address without what is secret in it."""
    return ADDRESS.sub("//***@", uri.partition("?")[0])


def trouble(message: str, uri: str) -> str:
    """What MLflow says of a trouble as one sentence of ours, without what is secret in the address."""
    if UNANSWERED in message:
        found = re.search(r"\[Errno -?\d+\] ([\w ]+)|(timed out)", message)
        return f"The registry at {shown(uri)} does not answer: {(found[1] or found[2]) if found else 'no connection'}."
    database = DATABASE.search(message)
    message = database[1] if database else re.split(r"\.\s|\n", message.strip())[0].strip().rstrip(".")
    for secret in {_password(uri), unquote(_password(uri))} - {""}:
        message = message.replace(secret, "***")
    if uri.startswith("databricks"):
        message = LINK.sub("[address]", message)
    return f"The registry at {shown(uri)} did not do as it was asked: {ADDRESS.sub('//***@', message)[:LONGEST]}."


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
        # Not read-only: what a killed writer left in the journal has to be rolled back first.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=SECONDS)) as database:
            database.execute("PRAGMA schema_version").fetchone()
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error
        raise RegistryUnavailable(f"The registry {path} cannot be read: {reason}.") from None
