"""The table of every metric, keyless, judged and counted; `warrant eval score --explain` prints it.

Metrics of your own are any of ragas by its name and parameters in a file, and Python callables by entry point.
"""

import inspect
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evals.dataset import digest_of, file_digest
from evals.errors import MetricInvalid, problems_of
from evals.metrics import keyless
from evals.metrics.metric import Metric
from evals.metrics.support import SupportMetrics
from graph.settings import load_settings

GROUP, FILE = "warrant.metrics", "metrics.toml"
PROMPTS = Path(__file__).parents[1] / "judge" / "prompts"
"""The instructions of ragas' prompts, a file each, by the names of their classes."""
FIELDS = {"ragas", "about", "better", "low", "high", "judged", "unit", "parameters", "zero_without"}
"""Of a table that defines a metric of ragas."""
SPELT = {"f1": "F1", "ndcg": "nDCG", "cpu": "CPU"}
HOUR = 3_600_000.0
"""Milliseconds."""


def _metric_of(function: Any, **fields: Any) -> Metric:
    """A function as a metric: its name, and what the first line of its docstring says."""
    return Metric(function.__name__, _first_line(function), function, **fields)


def _of_support(method: Any) -> Metric:
    """A metric of the verifier, in the same way."""
    return replace(_metric_of(method), value=None, of_run=lambda run: partial(method, run.support))


def _of_ragas(name: str, about: str, low: float = 0.0) -> Metric:
    """A keyless metric of ragas, which takes seconds to import."""
    return Metric(name, about, of_run=lambda run: getattr(run.ragas, name), low=low)


def _first_line(function: Any) -> str:
    return (inspect.getdoc(function) or "").partition("\n")[0]


KEYLESS: tuple[Metric, ...] = (
    _of_ragas("context_recall", "Of the documents that hold the answer, the share that was retrieved."),
    _of_ragas("context_precision", "Of the documents that were retrieved, the share that holds the answer."),
    _metric_of(keyless.quote_recall),
    _metric_of(keyless.ndcg),
    _of_ragas("exact_match", "Whether the answer is a right one but for case, articles and punctuation."),
    _metric_of(keyless.token_f1),
    _metric_of(keyless.value_recall),
    _metric_of(keyless.value_precision),
    _of_ragas("semantic_similarity", "Cosine of answer and right answer, under MiniLM.", low=-1.0),
    _of_support(SupportMetrics.groundedness),
    _of_support(SupportMetrics.citation_recall),
    _of_support(SupportMetrics.citation_precision),
    _metric_of(keyless.answered),
    _metric_of(keyless.declined_rightly),
    _metric_of(keyless.answered_wrongly, better="lower"),
    _metric_of(keyless.first_rung),
    _metric_of(keyless.latency_ms, better="lower", high=HOUR, unit="ms"),
    _metric_of(keyless.cpu_ms, better="lower", high=HOUR, unit="ms"),
    _metric_of(keyless.waiting_ms, better="lower", high=HOUR, unit="ms"),
    _metric_of(keyless.context_tokens, better="lower", high=10_000_000.0, unit="tokens"),
    Metric(
        "cost_usd",
        "Tokens at their prices.",
        of_run=lambda run: partial(keyless.cost_usd, prices=run.prices),
        better="lower",
        high=1_000_000.0,
        unit="USD",
    ),
)


def of_file(path: Path) -> Iterator[Metric]:
    """The metrics of ragas that a TOML file names, a table each; judged unless it says otherwise."""
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MetricInvalid(f"The metrics {path} cannot be read: {error}.") from None
    for name, table in tables.items():
        try:
            yield _of_table(name, table)
        except (ValueError, TypeError) as error:
            why = problems_of(error)[0] if isinstance(error, ValidationError) else error
            raise MetricInvalid(f"The metric {name} in {path} is wrong: {why}.") from None


def _of_table(name: str, table: Any) -> Metric:
    if not isinstance(table, dict) or "ragas" not in table:
        raise ValueError("ragas is missing")
    if odd := sorted(table.keys() - FIELDS):
        raise ValueError(f"there is no field {odd[0]}")
    return Metric(**{"judged": True, "about": table["ragas"], **table, "name": name})


JUDGED = tuple(of_file(PROMPTS.with_name(FILE)))
"""What a judge is asked, when there is one."""
COUNTED: tuple[Metric, ...] = (
    Metric("leaked", "Whether the answer shows a document that its caller may not read.", better="lower", counted=True),
    Metric("failed", "Whether the release raised an error in place of an answer.", better="lower", counted=True),
)
"""What every release is held to, whatever the thresholds ask."""
METRICS: dict[str, Metric] = {metric.name: metric for metric in (*KEYLESS, *JUDGED, *COUNTED)}
"""All by name; those that are added are among them."""
PLUGGED: list[Metric] = []
"""The metrics from outside."""


def of_entry_points() -> Iterator[Metric]:
    """The metrics of installed packages: each is a Metric, or a function that computes one."""
    for point in entry_points(group=GROUP):
        try:
            found = point.load()
        except (ImportError, AttributeError) as error:
            raise MetricInvalid(f"The metric {point.name} cannot be loaded from {point.value}: {error}.") from error
        plain = isinstance(found, Metric)
        yield replace(found if plain else Metric("", _first_line(found) or point.value, found), name=point.name)


def of_folder(folder: Path) -> Iterator[Metric]:
    """The metrics of the folder that WARRANT_EVALS names; raises MetricInvalid."""
    if not folder.is_dir():
        raise MetricInvalid(f"WARRANT_EVALS names {folder}, which is no folder.")
    if (folder / FILE).exists():
        yield from of_file(folder / FILE)


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


def title(metric: str) -> str:
    """A metric's name as people say it; its unit stands with its values."""
    return " ".join(SPELT.get(word, word) for word in metric.split("_") if word not in ("ms", "usd"))


def figure(value: float | None, metric: str, *, sign: bool = False) -> str:
    """A value in its metric's unit, a difference with its sign; a dash where there is none."""
    if value is None:
        return "–"
    form, unit = "+" if sign else "", METRICS[metric].unit
    shape = {"ms": ",.0f", "tokens": ",.0f", "USD": ".3g"}.get(unit, ".3f")
    return f"{value:{form}z{shape}} {unit}".strip().replace("-", "−")


def span(low: float | None, high: float | None, metric: str, *, sign: bool = False) -> str:
    """An interval, with its unit once; a dash where there is none."""
    if low is None or high is None:
        return "–"
    first, last = (figure(end, metric, sign=sign) for end in (low, high))
    return f"{first.removesuffix(METRICS[metric].unit).rstrip()} to {last}"


_own = load_settings().evals
for _metric in (*of_entry_points(), *(of_folder(_own) if _own else ())):
    add_metric(_metric)
