"""The operators' guides name settings, metrics and fields that exist."""

import re

import pytest
from prometheus_client import Counter, Gauge, Histogram
from support import ROOT

from graph.settings import Settings
from server.observability import metric_definitions
from server.routes.health import Readiness
from server.settings import ServerSettings

GUIDES = {
    name: (ROOT / "docs" / f"{name}.md").read_text("utf-8")
    for name in ("operations", "access", "security", "updates", "observability")
}
DECLARED = [each for each in vars(metric_definitions).values() if isinstance(each, Counter | Gauge | Histogram)]
METRICS = {each._name + "_total" * isinstance(each, Counter) for each in DECLARED}
SETTINGS = {f"WARRANT_{name.upper()}" for name in (*ServerSettings.model_fields, *Settings.model_fields)}


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_names_only_settings_and_metrics_that_exist(guide: str) -> None:
    assert set(re.findall(r"WARRANT_[A-Z0-9_]+", GUIDES[guide])) <= SETTINGS
    assert set(re.findall(r"\bwarrant_[a-z_]+_(?:total|seconds|state|info)\b", GUIDES[guide])) <= METRICS


def test_every_metric_is_registered() -> None:
    assert len(METRICS) == len(list(metric_definitions.REGISTRY.collect()))


def test_every_field_of_readiness_is_explained() -> None:
    rows = re.findall(r"^\| (`.+?) \|", GUIDES["operations"], re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(Readiness.model_fields) - {"status"}


@pytest.mark.parametrize("guide", GUIDES)
def test_links_of_a_guide_lead_somewhere(guide: str) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", GUIDES[guide])
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
