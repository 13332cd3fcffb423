"""Metrics from outside: any of ragas by its name and parameters in a file, and Python callables by entry point."""

import inspect
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from evals.dataset import digest_of, file_digest
from evals.errors import MetricInvalid, problems_of
from evals.metrics.catalog import METRICS, Metric
from graph.settings import load_settings

GROUP, FILE = "warrant.metrics", "metrics.toml"
FIELDS = {"about", "better", "low", "high", "judged", "unit", "ragas", "parameters"}
"""What a table of the file may have."""


def of_entry_points() -> Iterator[Metric]:
    """The metrics of installed packages: each is a Metric, or a function that computes one."""
    for point in entry_points(group=GROUP):
        try:
            found = point.load()
        except (ImportError, AttributeError) as error:
            raise MetricInvalid(f"The metric {point.name} cannot be loaded from {point.value}: {error}.") from error
        about = (inspect.getdoc(found) or point.value).splitlines()[0]
        yield replace(found, name=point.name) if isinstance(found, Metric) else Metric(point.name, about, value=found)


def of_folder(folder: Path) -> Iterator[Metric]:
    """The metrics of ragas that the folder's TOML file names, a table each; judged unless it says otherwise."""
    path = folder / FILE
    if not folder.is_dir():
        raise MetricInvalid(f"WARRANT_EVALS names {folder}, which is no folder.")
    try:
        tables = tomllib.loads(path.read_text("utf-8")) if path.exists() else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MetricInvalid(f"The metrics {path} cannot be read: {error}.") from None
    for name, table in tables.items():
        try:
            if odd := table.keys() - FIELDS:
                raise ValueError(f"there is no field {min(odd)}")
            yield TypeAdapter(Metric).validate_python({"about": table["ragas"], "judged": True, **table, "name": name})
        except (ValueError, KeyError, AttributeError) as error:
            told = problems_of(error)[0] if isinstance(error, ValidationError) else str(error)
            raise MetricInvalid(f"The metric {name} in {path} is wrong: {told}.") from None


def add_metric(metric: Metric) -> None:
    """Make a metric known; raises MetricInvalid when it cannot be computed or has the name of another one."""
    known = METRICS.get(metric.name)
    if not metric.name.isidentifier() or (known and known not in PLUGGED):
        raise MetricInvalid(f"A metric cannot be called {metric.name!r}: Warrant has one, or it is no plain word.")
    if bool(metric.ragas) == bool(metric.value):
        raise MetricInvalid(f"The metric {metric.name} needs either a function or the name of a metric of ragas.")
    PLUGGED[:] = [*(each for each in PLUGGED if each != known), metric]
    METRICS[metric.name] = metric


def plugged_digest() -> str:
    """SHA-256 over the definitions of the metrics from outside, and the files of their functions."""
    parts = [f"{asdict(replace(metric, value=None))} {_source(metric.value)}" for metric in PLUGGED]
    return digest_of(*parts)


def _source(value: Any) -> str:
    """What a function does: its module's file, or its own code where that is in a notebook."""
    path, code = getattr(inspect.getmodule(value), "__file__", None), getattr(value, "__code__", None)
    if path:
        return file_digest(Path(path))
    return f"{code.co_code.hex()} {code.co_consts}" if code else repr(value)


PLUGGED: list[Metric] = []
"""The metrics from outside."""
_own = load_settings().evals
for _metric in (*of_entry_points(), *(of_folder(_own) if _own else ())):
    add_metric(_metric)
