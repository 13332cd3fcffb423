"""What a version is made of, and how two differ; pure."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import yaml

from ..errors import PackageBroken
from ..registry import Version

FACTS = ("release", "snapshot", "code", "commit", "digest")
"""Tags of a version, without their prefix."""
PROMPTS = "prompts"


@dataclass(frozen=True)
class VersionContents:
    """A version as people compare it: fields by their dotted names, prompts by theirs."""

    version: Version
    facts: dict[str, str]
    configuration: dict[str, str]
    prompts: dict[str, str]
    metrics: dict[str, float]


class FieldDifference(NamedTuple):
    """A value in the one version and in the other; None: it has none."""

    name: str
    first: Any
    second: Any


@dataclass(frozen=True)
class VersionDifferences:
    """Where two versions differ; metrics are all there, alike or not. Prompts are unified diffs."""

    facts: list[FieldDifference]
    configuration: list[FieldDifference]
    prompts: dict[str, str]
    metrics: list[FieldDifference]


def contents_of(version: Version, configuration: str, metrics: Mapping[str, float]) -> VersionContents:
    """A version by its release.yaml; raises PackageBroken."""
    fields = fields_of(version, configuration)
    prompts = fields.pop(PROMPTS, None)
    return VersionContents(
        version,
        {name: version.tags.get(f"warrant.{name}", "") for name in FACTS},
        dict(_flat("", fields)),
        {str(name): str(text) for name, text in prompts.items()} if isinstance(prompts, dict) else {},
        dict(metrics),
    )


def fields_of(version: Version, configuration: str) -> dict[str, Any]:
    """Read a version's release.yaml, of whatever code it was; raises PackageBroken."""
    try:
        fields = yaml.safe_load(configuration)
    except yaml.YAMLError as error:
        raise PackageBroken(f"The release.yaml of v{version.number} is not YAML that can be read.") from error
    if not isinstance(fields, dict):
        raise PackageBroken(f"The release.yaml of v{version.number} is not a mapping of fields.")
    return fields


def differences(first: VersionContents, second: VersionContents) -> VersionDifferences:
    """Where two versions differ."""
    return VersionDifferences(
        _compared(first.facts, second.facts),
        _compared(first.configuration, second.configuration),
        {each.name: _unified(each, first, second) for each in _compared(first.prompts, second.prompts)},
        _compared(first.metrics, second.metrics, alike=True),
    )


def _compared(first: Mapping[str, Any], second: Mapping[str, Any], *, alike: bool = False) -> list[FieldDifference]:
    """Values by name, in the order of the first; what is alike is left out unless it is wanted."""
    found = (FieldDifference(name, first.get(name), second.get(name)) for name in {**first, **second})
    return [each for each in found if alike or each.first != each.second]


def _unified(prompt: FieldDifference, first: VersionContents, second: VersionContents) -> str:
    before, after = (str(text or "").splitlines() for text in (prompt.first, prompt.second))
    here, there = (f"{prompt.name} (v{each.version.number})" for each in (first, second))
    return "\n".join(difflib.unified_diff(before, after, here, there, lineterm=""))


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        yield prefix, str(value)
        return
    for name, inner in value.items():
        yield from _flat(f"{prefix}.{name}" if prefix else str(name), inner)
