"""Writes the answers of a run to MLflow as traces, with their scores as assessments."""

from collections.abc import Iterator, Sequence
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


def expectations(sample: Sample) -> dict[str, Any]:
    """What is known of the right answer, under the names that MLflow's own scorers read."""
    found = {
        "expected_response": sample.reference,
        "alternatives": list(sample.alternatives),
        "expected_retrieved_context": [{"doc_uri": name} for name in sample.documents],
        "quotes": list(sample.quotes),
    }
    return {"answerable": sample.answerable, **{name: value for name, value in found.items() if value}}


def write_traces(
    client: TracingClient, home: TraceHome, run: EvalRun, scores: Sequence[tuple[Score, AssessmentSource]]
) -> None:
    """Write a trace for every outcome of a run; raises what MLflow raises."""
    by_sample: dict[str, list[tuple[Score, AssessmentSource]]] = {}
    for score, source in scores:
        by_sample.setdefault(score.sample, []).append((score, source))
    began, outcomes = int(datetime.fromisoformat(run.info.began).timestamp() * 1000), run.outcomes
    written: list[tuple[TraceInfo, list[Span]]] = []
    # The first sample comes last, because MLflow lists the newest trace first.
    for number, sample in enumerate(reversed(run.dataset.samples)):
        if outcome := outcomes.get(sample.id):
            trace = AnswerTrace(sample, outcome, by_sample.get(sample.id, ()), home, began + number)
            written.append((client.start_trace(trace.info), trace.spans))
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


@dataclass(frozen=True)
class AnswerTrace:
    """A sample, what became of it and its scores, each with who gave it, as a trace that `began` at some milliseconds.

    Ids are digests, so that writing it again does not add another trace, span or assessment.
    """

    sample: Sample
    outcome: SampleOutcome
    scores: Sequence[tuple[Score, AssessmentSource]]
    home: TraceHome
    began: int

    @property
    def id(self) -> str:
        return f"tr-{digest_of(self.home.run, self.sample.id)[:32]}"

    @property
    def answer(self) -> dict[str, Any]:
        """The answer; empty when it failed."""
        return self.outcome.answer or {}

    @property
    def info(self) -> TraceInfo:
        """The trace with its assessments."""
        shown = self.answer.get("text", "") if self.outcome.answer else str(self.outcome.trouble)
        return TraceInfo(
            trace_id=self.id,
            trace_location=TraceLocation.from_experiment_id(self.home.experiment),
            request_time=self.began,
            execution_duration=round(self.outcome.seconds * 1000),
            state=TraceState.OK if self.outcome.answer else TraceState.ERROR,
            request_preview=self.sample.question[:PREVIEW_LENGTH],
            response_preview=shown[:PREVIEW_LENGTH],
            client_request_id=self.sample.id,
            trace_metadata={TraceMetadataKey.SOURCE_RUN: self.home.run, TraceMetadataKey.MODEL_ID: self.home.model},
            tags={
                "mlflow.traceName": self.sample.id,
                **{name: str(self.answer[name]) for name in TAGS if self.answer.get(name)},
                **{f"slice.{tag}": "true" for tag in self.sample.tags},
            },
            assessments=[self._identified(each) for each in self._assessments()],
        )

    @property
    def spans(self) -> list[Span]:
        """The question as the root span, and its steps one after the other; passages are what `retrieve` gives."""
        root, start = digest_of(self.id, "")[:16], self.began * MILLI
        texts = {"mlflow.spanInputs": self.sample.as_question, "mlflow.spanOutputs": self.answer}
        failed, ended = str(self.outcome.trouble or ""), start + int(self.outcome.seconds * 1000 * MILLI)
        spans = [FinishedSpan(root, "warrant", "AGENT", start, ended, attributes=texts, failed=failed)]
        for name, milliseconds in self.answer.get("timings", {}).items():
            end = start + int(milliseconds * MILLI)
            kind, documents = ("RETRIEVER", _documents(self.outcome)) if name == "retrieve" else ("CHAIN", None)
            held = {"mlflow.spanOutputs": documents} if documents else {}
            span = digest_of(self.id, name)[:16]
            spans.append(FinishedSpan(span, name, kind, start, end, parent=root, attributes=held))
            start = end
        return [mlflow_span(self.id, span) for span in spans]

    def _assessments(self) -> Iterator[Assessment]:
        belongs = {AssessmentMetadataKey.SOURCE_RUN_ID: self.home.run}
        # MLflow shows ten columns at first, and those of the scores last: other expectations are in its dataset.
        for name, value in expectations(self.sample).items():
            if name in SHOWN:
                yield Expectation(name=name, value=value, source=PEOPLE, metadata=belongs)
        for score, source in self.scores:
            missing = AssessmentError("NO_SCORE", score.reason) if score.reason else None
            repeats = {"values": ", ".join(f"{value:g}" for value in score.values)} if len(score.values) > 1 else {}
            yield Feedback(score.metric, score.value, missing, source, metadata={**belongs, **repeats})

    def _identified(self, assessment: Assessment) -> Assessment:
        assessment.trace_id = self.id
        assessment.assessment_id = f"a-{digest_of(self.id, assessment.name)[:32]}"
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
