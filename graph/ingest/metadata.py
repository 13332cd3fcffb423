"""Metadata from sidecars, manifests and records: read and normalised."""

import csv
import datetime
import json
import posixpath
import re
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from ..errors import SourceInvalid
from ..plain_yaml import YamlInvalid, load_yaml
from .document import Metadata

MANIFEST = "manifest.csv"
SIDECARS = (".meta.yaml", ".meta.yml", ".meta.json")
GROUPS = "allowed_groups"


def sidecar(path: Path) -> Metadata:
    """The fields of the sidecar beside a file (`guide.txt.meta.yaml`), or none."""
    for suffix in SIDECARS:
        beside = path.with_name(path.name + suffix)
        if beside.is_file():
            return _mapping(beside)
    return {}


def _mapping(path: Path) -> Metadata:
    try:
        fields = load_yaml(path.read_text("utf-8-sig"))
    except YamlInvalid as error:
        raise SourceInvalid(f"{path.name}:{error.line}: this is not YAML or JSON: {error.problem}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise SourceInvalid(f"{path.name}: this cannot be read as UTF-8: {error}.") from error
    if not isinstance(fields, dict):
        raise SourceInvalid(f"{path.name}: a sidecar is a mapping of fields such as `region: EU`.")
    return {str(key): value for key, value in fields.items()}


def manifest(folder: Path) -> dict[str, Metadata]:
    """The rows of a folder's manifest.csv by the file that each names, relative to the folder."""
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            rows = list(reader)
            names = list(reader.fieldnames or [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceInvalid(f"{path.name}: this is not a CSV file in UTF-8: {error}.") from error
    if "file" not in names:
        raise SourceInvalid(f"{path.name}:1: a manifest needs a column `file`; it has {', '.join(names) or 'nothing'}.")
    return {posixpath.normpath(row["file"].strip()): _cells(row) for row in rows if row.get("file")}


def _cells(row: Mapping[str, Any]) -> Metadata:
    # What is left over in a row longer than the header comes under the key None.
    return {name: cell.strip() for name, cell in row.items() if name and name != "file" and cell and cell.strip()}


def normalise(fields: Metadata) -> Metadata:
    """The same fields as JSON values: dates as ISO text, groups as a list, what is missing left out."""
    plain = {name: _plain(value) for name, value in fields.items() if value is not None and value != ""}
    if GROUPS in plain:
        plain[GROUPS] = groups_of(plain[GROUPS])
    return plain


def groups_of(value: object) -> list[str]:
    """A list of group names from a list or from text with `;` or `,` between them."""
    names = value if isinstance(value, list) else re.split(r"[;,]", str(value))
    groups = sorted({str(name).strip() for name in names if str(name).strip()})
    if not groups and value != []:
        raise SourceInvalid(f"{GROUPS} = {value!r} names no group; name one, or leave it out to make this public.")
    return groups


def _plain(value: object) -> Any:
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return json.dumps({str(key): item for key, item in value.items()}, sort_keys=True, default=str)
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool) else str(value)
