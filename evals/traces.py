"""Writes the answers of a run to MLflow as traces, with their scores as assessments."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mlflow.entities import (
    Assessment,
    AssessmentError,
    AssessmentSource,
    Expectation,
    Feedback,
    Span,
    TraceData,
    TraceInfo,
    TraceLocation,
    TraceState,
)
from mlflow.tracing.client import TracingClient
from mlflow.tracing.constant import AssessmentMetadataKey, TraceMetadataKey

from evals.dataset import Sample, digest_of
from evals.runs import EvalRun, SampleOutcome
from evals.scores import Score
from graph.registry.tracing import FinishedSpan, mlflow_span

MILLI = 1_000_000
PREVIEW_LENGTH = 1000
"""Characters of question and answer in MLflow's list of traces."""
TRACES_AT_ONCE = 40
PEOPLE, METRICS = AssessmentSource("HUMAN", "dataset"), AssessmentSource("CODE", "warrant eval score")
SHOWN = ("expected_response", "answerable")
"""Expectations that a trace has."""
TAGS = ("status", "route", "rung", "reason")
"""Fields of an answer by which traces can be searched."""


@dataclass(frozen=True)
class TraceHome:
    """Where traces go: the experiment, the MLflow run that they belong to, and the logged model that answered."""

    experiment: str
    run: str
    model: str


@dataclass(frozen=True)
class ScoredAnswer:
    """A sample, what became of it, and its scores, each with who gave it."""

    sample: Sample
    outcome: SampleOutcome
    scores: Sequence[tuple[Score, AssessmentSource]]


def write_traces(
    client: TracingClient, home: TraceHome, run: EvalRun, scores: Sequence[tuple[Score, AssessmentSource]]
) -> None:
    """Write a trace for every outcome of a run; raises what MLflow raises."""
    by_sample: dict[str, list[tuple[Score, AssessmentSource]]] = {}
    for score, source in scores:
        by_sample.setdefault(score.sample, []).append((score, source))
    began = int(datetime.fromisoformat(run.info.began).timestamp() * 1000)
    written: list[tuple[TraceInfo, list[Span]]] = []
    outcomes = run.outcomes
    # The first sample comes last, because MLflow lists the newest trace first.
    for number, sample in enumerate(reversed(run.dataset.samples)):
        if outcome := outcomes.get(sample.id):
            answer = ScoredAnswer(sample, outcome, by_sample.get(sample.id, ()))
            info = client.start_trace(trace_info(answer, home, began + number))
            written.append((info, trace_spans(answer, home, began + number)))
    _write_spans(client, home.experiment, written)


def _write_spans(client: TracingClient, experiment: str, written: list[tuple[TraceInfo, list[Span]]]) -> None:
    """All spans in a few calls; as a file of each trace where the tracking server keeps no spans of an experiment."""
    if not client.tracking_uri.startswith("databricks"):
        with suppress(NotImplementedError):
            for first in range(0, len(written), TRACES_AT_ONCE):
                some = written[first : first + TRACES_AT_ONCE]
                client.log_spans(experiment, [span for _, spans in some for span in spans])
            return
    for info, spans in written:
        client._upload_trace_data(info, TraceData(spans))


def trace_info(answer: ScoredAnswer, home: TraceHome, began: int) -> TraceInfo:
    """The trace of an answer, with its assessments."""
    sample, outcome = answer.sample, answer.outcome
    given = outcome.answer or {}
    shown = given.get("text", "") if outcome.answer else str(outcome.trouble)
    return TraceInfo(
        trace_id=_trace_id(answer, home),
        trace_location=TraceLocation.from_experiment_id(home.experiment),
        request_time=began,
        execution_duration=round(outcome.seconds * 1000),
        state=TraceState.OK if outcome.answer else TraceState.ERROR,
        request_preview=sample.question[:PREVIEW_LENGTH],
        response_preview=shown[:PREVIEW_LENGTH],
        client_request_id=sample.id,
        trace_metadata={TraceMetadataKey.SOURCE_RUN: home.run, TraceMetadataKey.MODEL_ID: home.model},
        tags={
            "mlflow.traceName": sample.id,
            **{name: str(given[name]) for name in TAGS if given.get(name)},
            **{f"slice.{tag}": "true" for tag in sample.tags},
        },
        assessments=list(_assessments(answer, home)),
    )


def trace_spans(answer: ScoredAnswer, home: TraceHome, began: int) -> list[Span]:
    """The question as the root span, and its steps one after the other; passages are what `retrieve` gives."""
    outcome, trace = answer.outcome, _trace_id(answer, home)
    root, start = digest_of(trace, "")[:16], began * MILLI
    given = outcome.answer or {}
    texts = {"mlflow.spanInputs": answer.sample.as_question, "mlflow.spanOutputs": given}
    failed = str(outcome.trouble or "")
    ended = start + int(outcome.seconds * 1000 * MILLI)
    spans = [FinishedSpan(root, "warrant", "AGENT", start, ended, attributes=texts, failed=failed)]
    for name, milliseconds in given.get("timings", {}).items():
        end = start + int(milliseconds * MILLI)
        kind, documents = ("RETRIEVER", _documents(outcome)) if name == "retrieve" else ("CHAIN", None)
        held = {"mlflow.spanOutputs": documents} if documents else {}
        spans.append(FinishedSpan(digest_of(trace, name)[:16], name, kind, start, end, parent=root, attributes=held))
        start = end
    return [mlflow_span(trace, span) for span in spans]


def expectations(sample: Sample) -> dict[str, Any]:
    """What is known of the right answer, under the names that MLflow's own scorers read."""
    found = {
        "expected_response": sample.reference,
        "alternatives": list(sample.alternatives),
        "expected_retrieved_context": [{"doc_uri": name} for name in sample.documents],
        "quotes": list(sample.quotes),
    }
    return {"answerable": sample.answerable, **{name: value for name, value in found.items() if value}}


def _assessments(answer: ScoredAnswer, home: TraceHome) -> Iterator[Assessment]:
    belongs = {AssessmentMetadataKey.SOURCE_RUN_ID: home.run}
    for name, value in expectations(answer.sample).items():
        # MLflow shows ten columns at first, and those of the scores last: the rest is in its dataset.
        if name in SHOWN:
            yield _named(Expectation(name=name, value=value, source=PEOPLE, metadata=belongs), answer, home)
    for score, source in answer.scores:
        missing = AssessmentError("NO_SCORE", score.reason) if score.reason else None
        repeats = {"values": ", ".join(f"{value:g}" for value in score.values)} if len(score.values) > 1 else {}
        told: Mapping[str, str] = {**belongs, **repeats}
        feedback = Feedback(score.metric, score.value, missing, source, metadata=dict(told))
        yield _named(feedback, answer, home)


def _named(assessment: Assessment, answer: ScoredAnswer, home: TraceHome) -> Assessment:
    """An assessment with an id of its own, so that writing it again does not add another."""
    assessment.trace_id = _trace_id(answer, home)
    assessment.assessment_id = f"a-{digest_of(assessment.trace_id, assessment.name)[:32]}"
    return assessment


def _documents(outcome: SampleOutcome) -> list[dict[str, Any]]:
    return [
        {
            "id": each["id"],
            "page_content": each["text"],
            "metadata": {"doc_uri": each["document"], "title": each["title"], "score": each["score"]},
        }
        for each in outcome.passages or ()
    ]


def _trace_id(answer: ScoredAnswer, home: TraceHome) -> str:
    return f"tr-{digest_of(home.run, answer.sample.id)[:32]}"
