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

from pydantic import TypeAdapter, ValidationError

from evals.dataset import digest_of, file_digest
from evals.errors import MetricInvalid, problems_of
from evals.metrics import keyless
from evals.metrics.metric import Metric
from graph.settings import load_settings

GROUP, FILE = "warrant.metrics", "metrics.toml"
FIELDS = {"about", "better", "low", "high", "judged", "unit", "ragas", "parameters"}
"""What a table of the file may have."""
PROMPTS = Path(__file__).parents[1] / "judge" / "prompts"
"""The instructions of ragas' prompts, a file each, by the names of their classes."""
SPELT = {"f1": "F1", "ndcg": "nDCG", "cpu": "CPU"}
HOUR = 3_600_000.0
"""Milliseconds."""

KEYLESS: tuple[Metric, ...] = (
    Metric(
        "context_recall",
        "of the documents that hold the answer, the share that was retrieved",
        of_run=lambda run: run.ragas.context_recall,
    ),
    Metric(
        "context_precision",
        "of the documents that were retrieved, the share that holds the answer",
        of_run=lambda run: run.ragas.context_precision,
    ),
    Metric(
        "quote_recall",
        "of the quotes that an answer needs, the share that stands in a retrieved passage",
        keyless.quote_recall,
    ),
    Metric("ndcg", "nDCG of the retrieved documents in their order", keyless.ndcg),
    Metric(
        "exact_match",
        "the answer is a right one but for case, articles and punctuation",
        of_run=lambda run: run.ragas.exact_match,
    ),
    Metric("token_f1", "F1 of the answer's words and those of the right answer that is nearest", keyless.token_f1),
    Metric(
        "value_recall",
        "of the right answer's numbers, dates, codes and names, the share that the answer states",
        keyless.value_recall,
    ),
    Metric(
        "value_precision",
        "of the answer's numbers and dates, the share that is neither wrong nor invented",
        keyless.value_precision,
    ),
    Metric(
        "semantic_similarity",
        "cosine of answer and right answer, under MiniLM",
        low=-1.0,
        of_run=lambda run: run.ragas.semantic_similarity,
    ),
    Metric(
        "groundedness",
        "how far the answer rests on its passages, as people judge it",
        of_run=lambda run: run.support.groundedness,
    ),
    Metric(
        "citation_recall",
        "of the answer's claims, the share that is supported by a passage that it cites",
        of_run=lambda run: run.support.citation_recall,
    ),
    Metric(
        "citation_precision",
        "of the answer's citations, the share that supports its claim",
        of_run=lambda run: run.support.citation_precision,
    ),
    Metric("answered", "an answerable question was not declined", keyless.answered),
    Metric("declined_rightly", "an unanswerable question was declined", keyless.declined_rightly),
    Metric("answered_wrongly", "a question was answered, and not rightly", keyless.answered_wrongly, better="lower"),
    Metric("first_rung", "the ladder did not fall below the model that was asked first", keyless.first_rung),
    Metric("latency_ms", "wall time of the answer", keyless.latency_ms, better="lower", high=HOUR, unit="ms"),
    Metric(
        "cpu_ms",
        "processor time of an answer that was asked alone",
        keyless.cpu_ms,
        better="lower",
        high=HOUR,
        unit="ms",
    ),
    Metric(
        "waiting_ms",
        "time that an answer, asked alone, waited for a model or another service, not for a processor",
        keyless.waiting_ms,
        better="lower",
        high=HOUR,
        unit="ms",
    ),
    Metric(
        "context_tokens",
        "tokens of the passages that an answer is written from, as Llama 2 counts them",
        keyless.context_tokens,
        better="lower",
        high=10_000_000.0,
        unit="tokens",
    ),
    Metric(
        "cost_usd",
        "tokens at their prices",
        better="lower",
        high=1_000_000.0,
        unit="USD",
        of_run=lambda run: partial(keyless.cost_usd, prices=run.prices),
    ),
)
JUDGED: tuple[Metric, ...] = (
    Metric(
        "faithfulness",
        "of the answer's statements, the share that follows from its passages",
        judged=True,
        ragas="Faithfulness",
        zero_without="retrieved_contexts",
    ),
    Metric(
        "answer_relevancy",
        "how like the question those are that the answer answers",
        low=-1.0,
        judged=True,
        ragas="AnswerRelevancy",
        zero_without="response",
    ),
    Metric(
        "judged_context_precision",
        "average precision of the passages that are of use",
        judged=True,
        ragas="ContextPrecisionWithReference",
        zero_without="retrieved_contexts",
    ),
    Metric(
        "judged_context_recall",
        "of the right answer's statements, the share that its passages hold",
        judged=True,
        ragas="ContextRecall",
        zero_without="retrieved_contexts",
    ),
    Metric(
        "factual_correctness",
        "F1 of the statements that the answer and the right one share",
        judged=True,
        ragas="FactualCorrectness",
        zero_without="response",
    ),
    Metric(
        "answer_accuracy",
        "how far the answer says what the right one does",
        judged=True,
        ragas="AnswerAccuracy",
        zero_without="response",
    ),
)
"""What a judge is asked, when there is one."""
COUNTED: tuple[Metric, ...] = (
    Metric("leaked", "the answer shows a document that its caller may not read", better="lower", counted=True),
    Metric("failed", "the release raised an error in place of an answer", better="lower", counted=True),
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
    if bool(metric.ragas) == bool(metric.value or metric.of_run):
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
