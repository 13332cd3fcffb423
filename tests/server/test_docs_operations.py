"""docs/operations.md names every setting with its default, and every metric with its labels."""

import json
import re
from typing import Any

import pytest
from prometheus_client import Counter, Gauge, Histogram
from support import ROOT

from server.observability import metric_definitions
from server.settings import ServerSettings

OPERATIONS = (ROOT / "docs" / "operations.md").read_text("utf-8")
SETTINGS = dict(re.findall(r"^\| `(WARRANT_\w+)` \| (.+?) \|", OPERATIONS, re.MULTILINE))
METRICS = dict(re.findall(r"^\| `(warrant_\w+)` \| ?(.*?) ?\|", OPERATIONS, re.MULTILINE))
NAMES = sorted(ServerSettings.model_fields)


def shown(default: Any) -> str:
    """A default as the table writes it."""
    if default is None:
        return "none"
    if isinstance(default, list | dict):
        return f"`{json.dumps(default)}`"
    return str(default).lower() if isinstance(default, bool) else str(default)


def test_the_table_has_every_setting_and_no_other() -> None:
    assert sorted(SETTINGS) == sorted(f"WARRANT_{name.upper()}" for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_setting_is_told_with_its_default(name: str) -> None:
    assert SETTINGS[f"WARRANT_{name.upper()}"] == shown(ServerSettings.model_fields[name].default)


def test_the_table_has_every_metric_with_its_labels() -> None:
    declared = [each for each in vars(metric_definitions).values() if isinstance(each, Counter | Gauge | Histogram)]
    labels = {each._name + "_total" * isinstance(each, Counter): ", ".join(each._labelnames) for each in declared}
    assert labels == METRICS
    assert len(labels) == len(list(metric_definitions.REGISTRY.collect()))
