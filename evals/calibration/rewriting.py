"""Changes a few fields of a release.yaml and leaves everything else of its text as it is, comments too; pure."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

from graph.errors import ReleaseInvalid
from graph.plain_yaml import load_yaml, tree_and_value
from graph.release import Release, parse_release

Fields = Mapping[str, Any]
"""Values by name; a mapping inside for the fields of a part."""


def rewritten(text: str, changes: Fields, where: str) -> str:
    """The text with some fields changed or added; raises ReleaseInvalid when it then says anything else.

    `text` is a valid release.yaml, empty for the default release.
    """
    wanted = with_fields(parse_release(text, where), changes)
    tree, _ = tree_and_value(text)
    new = _edited(text, tree, changes) if isinstance(tree, yaml.MappingNode) else _appended(text, changes)
    if not _says(new, wanted):
        told = "its thresholds cannot be changed in place; write name and routing as plain fields"
        raise ReleaseInvalid(f"{where}: {told}.")
    return new


def with_fields(release: Release, changes: Fields) -> Release:
    """A release with some fields changed."""
    return Release.model_validate(_merged(release.model_dump(), changes))


def _says(text: str, wanted: Release) -> bool:
    try:
        return parse_release(text, "") == wanted
    except ReleaseInvalid:
        return False


def _merged(held: Fields, changes: Fields) -> dict[str, Any]:
    told = {name: _merged(held[name], new) if isinstance(new, Mapping) else new for name, new in changes.items()}
    return {**held, **told}


def _edited(text: str, node: yaml.MappingNode, changes: Fields) -> str:
    """Every change made in the text of a mapping, from its end to its beginning, so that offsets stay right."""
    held = {key.value: value for key, value in node.value}
    edits = [edit for name in changes if name in held for edit in _replaced(held[name], changes[name])]
    missing = {name: value for name, value in changes.items() if name not in held}
    if missing:
        edits.append(_inserted(node, missing))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


def _replaced(node: yaml.Node, new: Any) -> list[tuple[int, int, str]]:
    """The stretches of a value that give way, and what takes their place."""
    if isinstance(new, Mapping) and isinstance(node, yaml.MappingNode) and node.value:
        held = {key.value: value for key, value in node.value}
        edits = [edit for name in new if name in held for edit in _replaced(held[name], new[name])]
        missing = {name: value for name, value in new.items() if name not in held}
        return [*edits, _inserted(node, missing)] if missing else edits
    return [(node.start_mark.index, node.end_mark.index, _flow(new))]


def _inserted(node: yaml.MappingNode, missing: Fields) -> tuple[int, int, str]:
    """Fields put before the first one of a mapping, in its style."""
    first = node.value[0][0].start_mark
    joint = ", " if node.flow_style else "\n" + " " * first.column
    told = "".join(f"{name}: {_flow(value)}{joint}" for name, value in missing.items())
    return first.index, first.index, told


def _appended(text: str, changes: Fields) -> str:
    """What has no field yet, with comments at the most."""
    lines = "".join(f"{name}: {_flow(value)}\n" for name, value in changes.items())
    return text + ("" if not text or text.endswith("\n") else "\n") + lines


def _flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(each)}" for name, each in value.items()) + "}"
    plain = not isinstance(value, str) or load_yaml(value) == value
    return str(value) if plain else json.dumps(value)
