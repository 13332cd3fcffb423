"""Metrics from outside: any of ragas by its name and parameters in a file, and Python callables by entry point."""

import hashlib
import inspect
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from evals.errors import MetricInvalid
from evals.metrics.catalog import METRICS, Metric
from graph.settings import load_settings

GROUP, FILE = "warrant.metrics", "metrics.toml"


def of_entry_points() -> Iterator[Metric]:
    """The metrics of installed packages: each is a Metric, or a function that computes one."""
    for point in entry_points(group=GROUP):
        found = point.load()
        about = (inspect.getdoc(found) or point.value).splitlines()[0]
        yield replace(found, name=point.name) if isinstance(found, Metric) else Metric(point.name, about, value=found)


def of_file(path: Path) -> Iterator[Metric]:
    """The metrics of ragas that a TOML file names, a table each; judged unless it says otherwise."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MetricInvalid(f"The metrics {path} cannot be read: {error}.") from None
    for name, table in tables.items():
        try:
            yield TypeAdapter(Metric).validate_python({"about": table["ragas"], "judged": True, **table, "name": name})
        except (ValidationError, KeyError, TypeError) as error:
            told = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "it names no class of ragas"
            raise MetricInvalid(f"The metric {name} in {path} is wrong: {told}.") from None


def add_metric(metric: Metric) -> None:
    """Make a metric known; raises MetricInvalid when it cannot be computed or has the name of another one."""
    if metric.name in METRICS or not metric.name.isidentifier():
        raise MetricInvalid(f"A metric cannot be called {metric.name!r}: the name is taken, or no plain word.")
    if bool(metric.ragas) == bool(metric.value):
        raise MetricInvalid(f"The metric {metric.name} needs either a function or the name of a metric of ragas.")
    METRICS[metric.name] = metric
    PLUGGED.append(metric)


def plugged_digest() -> str:
    """SHA-256 over the definitions of the metrics from outside, and the files of their functions."""
    parts = [f"{asdict(replace(metric, value=None))} {_source(metric.value)}" for metric in PLUGGED]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _source(value: Any) -> str:
    path = inspect.getsourcefile(inspect.unwrap(value)) if value else None
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""


PLUGGED: list[Metric] = []
"""The metrics from outside."""
_folder = load_settings().evals
for _metric in (*of_entry_points(), *(of_file(_folder / FILE) if _folder and (_folder / FILE).exists() else ())):
    add_metric(_metric)
