"""Reads a release.yaml, with errors that name file, line and field."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from .errors import ReleaseInvalid
from .invalid import problem
from .release import Release
from .strict_yaml import YamlInvalid, tree_and_value


def load_release(path: Path | None) -> Release:
    """Read a release.yaml, or give the default release; raises ReleaseInvalid with file, line and field."""
    if path is None:
        return Release()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReleaseInvalid(f"A release is a YAML file; {path} cannot be read: {error}.") from error
    return parse_release(text, str(path))


def parse_release(text: str, where: str) -> Release:
    """Read a release from YAML text; raises ReleaseInvalid with line and field."""
    try:
        tree, fields = tree_and_value(text)
    except YamlInvalid as error:
        raise ReleaseInvalid(f"{where}:{error.line}: this is not YAML that can be read: {error.problem}.") from error
    if fields is not None and not isinstance(fields, dict):
        raise ReleaseInvalid(f"{where}:1: a release is a mapping of fields such as `name: default`.")
    try:
        return Release.model_validate(fields or {})
    except ValidationError as error:
        raise ReleaseInvalid("\n".join(_problem(where, tree, dict(e)) for e in error.errors())) from error


def _problem(where: str, tree: yaml.Node | None, error: dict[str, Any]) -> str:
    location = error["loc"]
    field = ".".join(map(str, location))
    if error["type"] == "extra_forbidden":
        return f"{where}:{_line(tree, location)}: there is no field {field!r}; {_siblings(location)}."
    return f"{where}:{_line(tree, location)}: {problem(error)}."


def _siblings(location: tuple[str | int, ...]) -> str:
    part: type[BaseModel] = Release
    for name in location[:-1]:
        annotation = part.model_fields[str(name)].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            part = annotation
    return "the fields here are " + ", ".join(part.model_fields)


def _line(node: yaml.Node | None, location: tuple[str | int, ...]) -> int:
    """The 1-based line of a field: walk down the mapping nodes along its location."""
    line = 1
    for name in location:
        if not isinstance(node, yaml.MappingNode):
            break
        found = next(((key, value) for key, value in node.value if key.value == name), None)
        if found is None:
            break
        line, node = found[0].start_mark.line + 1, found[1]
    return line
