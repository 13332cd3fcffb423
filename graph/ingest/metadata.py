"""Reads and normalises metadata from sidecars, manifests and records."""

import csv
import datetime
import io
import json
import stat
import unicodedata
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from ..errors import SourceInvalid
from ..strict_yaml import YamlInvalid, load_yaml
from .access import is_restriction, normalise_restriction
from .document import Metadata
from .formats.sheets import rows_in

MANIFESTS = ("manifest.csv", "manifest.tsv")
SIDECARS = (".meta.yaml", ".meta.yml", ".meta.json")
MOST_SIDECAR, MOST_MANIFEST, MOST_ROWS = 1 << 20, 32 << 20, 200_000
"""The most bytes of a sidecar and of a manifest, and the most rows of a manifest."""


def is_metadata(name: str) -> bool:
    """Whether a file is a manifest or a sidecar, by its name in any case."""
    return fold(name) in MANIFESTS or fold(name).endswith(SIDECARS)


def fold(name: str) -> str:
    """A file name for comparison, case-folded and Unicode-normalised."""
    return unicodedata.normalize("NFC", name).casefold()


def sidecar(path: Path) -> Metadata:
    """The fields of a sidecar (`guide.txt.meta.yaml`), normalised; raises SourceInvalid."""
    try:
        fields = load_yaml(_text(path, MOST_SIDECAR))
    except YamlInvalid as error:
        raise SourceInvalid(f"{path.name}:{error.line}: this is not YAML or JSON: {error.problem}.") from error
    if not isinstance(fields, dict):
        raise SourceInvalid(f"{path.name}: a sidecar is a mapping of fields such as `region: EU`.")
    try:
        return normalise(fields)
    except SourceInvalid as error:
        raise SourceInvalid(f"{path.name}: {error}") from error


def manifest(path: Path) -> list[tuple[str, Metadata]]:
    """The rows of a manifest with their file names; raises SourceInvalid.

    A cell that is empty says nothing. Fields are not normalised yet: a wrong one is the matter of its row.
    """
    lines = io.StringIO(_text(path, MOST_MANIFEST), newline="")
    try:
        rows = [row for row in rows_in(lines) if any(map(str.strip, row))]
    except csv.Error as error:
        raise SourceInvalid(f"{path.name}: this is not a CSV file: {error}.") from error
    names = [cell.strip() for cell in rows[0]] if rows else []
    files = [number for number, name in enumerate(names) if name.casefold() == "file"]
    if len(files) != 1:
        raise SourceInvalid(
            f"{path.name}:1: a manifest needs one column `file`; it has {', '.join(names)[:200] or 'nothing'}."
        )
    _check_header(path, names)
    _check_rows(path, names, rows, files[0])
    return [(row[files[0]].strip(), _cells(names, row, files[0])) for row in rows[1:]]


def _check_header(path: Path, names: list[str]) -> None:
    twice = [name for name in names if name and names.count(name) > 1] if len(set(names)) < len(names) else []
    twice = twice or ([*filter(is_restriction, names)] if sum(map(is_restriction, names)) > 1 else [])
    if twice:
        raise SourceInvalid(f"{path.name}:1: two columns say the same: {', '.join(twice)[:200]}; keep one of them.")


def _check_rows(path: Path, names: list[str], rows: list[list[str]], file: int) -> None:
    if len(rows) > MOST_ROWS:
        raise SourceInvalid(f"{path.name}: it has {len(rows)} rows; at most {MOST_ROWS} are read.")
    for number, row in enumerate(rows[1:], 2):
        where = f"{path.name}: row {number} ({','.join(row)[:60]!r})"
        if len(row) != len(names):
            raise SourceInvalid(f"{where} has {len(row)} cells and the header {len(names)}; a comma needs quotes.")
        if not row[file].strip():
            raise SourceInvalid(f"{where} names no file.")
        if any(cell.strip() and not name for name, cell in zip(names, row, strict=True)):
            raise SourceInvalid(f"{where} has a cell in a column without a name.")
        if any("\n" in cell or "\r" in cell for cell in row):
            raise SourceInvalid(f"{where} has a line break in a cell; a quote may be missing.")


def _cells(names: list[str], row: list[str], file: int) -> Metadata:
    cells = ((name, cell.strip()) for number, (name, cell) in enumerate(zip(names, row, strict=True)) if number != file)
    return {name: cell for name, cell in cells if name and cell}


def _text(path: Path, most: int) -> str:
    """The text of a file; raises SourceInvalid unless it is a regular UTF-8 file of limited size."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise SourceInvalid(f"{path.name}: this cannot be read: it is not a regular file.")
        if status.st_size > most:
            raise SourceInvalid(f"{path.name}: this cannot be read: it has {status.st_size} bytes, at most {most} are.")
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise SourceInvalid(f"{path.name}: this cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SourceInvalid(f"{path.name}: this cannot be read as UTF-8: {error}.") from error


def normalise(fields: Mapping[Any, Any]) -> Metadata:
    """The fields as JSON values: dates as ISO text, groups as a list, without missing values.

    Raises SourceInvalid where the groups that may find the document are in doubt.
    """
    named = normalise_restriction({str(name): value for name, value in fields.items()})
    return {name: _plain(value) for name, value in named.items() if value is not None and value != ""}


def _plain(value: object) -> Any:
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return json.dumps(_text_keys(value), sort_keys=True, default=str)
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | bool) else str(value)


def _text_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _text_keys(item) for key, item in value.items()}
    return [_text_keys(item) for item in value] if isinstance(value, list) else value
