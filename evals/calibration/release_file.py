"""Changes a few fields of a release.yaml; comments, order and the style of everything else stay."""

from collections.abc import Mapping, MutableMapping
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from graph.errors import ReleaseInvalid
from graph.release import Release
from graph.release_yaml import parse_release

Fields = Mapping[str, Any]
"""Values by name; a mapping inside for the fields of a part."""
WIDTH = 10_000
"""Characters of a line before ruamel.yaml folds it: never."""


def rewritten(text: str, changes: Fields, where: str) -> str:
    """The text with some fields changed or added; raises ReleaseInvalid where it is no release, or has aliases."""
    wanted = with_fields(parse_release(text, where), changes)
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, WIDTH
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


def with_fields(release: Release, changes: Fields) -> Release:
    """A release with some fields changed."""
    fields = release.model_dump()
    _update(fields, changes)
    return Release.model_validate(fields)


def _update(fields: MutableMapping[str, Any], changes: Fields) -> None:
    for name, value in changes.items():
        if isinstance(value, Mapping) and isinstance(fields.get(name), MutableMapping):
            _update(fields[name], value)
        else:
            fields[name] = value
