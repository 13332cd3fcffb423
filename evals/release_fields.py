"""Changes fields of a release, and of its file without touching the rest of it."""

from collections.abc import Mapping, MutableMapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from graph.errors import ReleaseInvalid
from graph.release import Release
from graph.release_yaml import parse_release


def rewritten(text: str, changes: Mapping[str, Any], where: str) -> str:
    """A release.yaml with some fields changed or added, and its comments, order and style as they were.

    Raises ReleaseInvalid where it is no release, or has aliases.
    """
    wanted = with_fields(parse_release(text, where), changes)
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, 10_000  # Lines are never folded.
    fields, comments = yaml.load(text), ""
    if fields is None:
        fields, comments = {}, text if not text or text.endswith("\n") else f"{text}\n"
    _update(fields, changes)
    written = StringIO()
    yaml.dump(fields, written)
    new = comments + written.getvalue()
    if parse_release(new, where) != wanted:
        raise ReleaseInvalid(f"{where}: {', '.join(changes)} cannot be changed in place; write them as plain fields.")
    return new


def with_fields(release: Release, changes: Mapping[str, Any]) -> Release:
    """A release with some fields changed; a mapping inside is of the fields of a part."""
    fields = release.model_dump()
    _update(fields, changes)
    return Release.model_validate(fields)


def _update(fields: MutableMapping[str, Any], changes: Mapping[str, Any]) -> None:
    for name, value in changes.items():
        if isinstance(value, Mapping) and isinstance(fields.get(name), MutableMapping):
            _update(fields[name], value)
        else:
            fields[name] = value
