"""Writes traces to an MLflow tracking server or database; MLflow is imported when the store is opened.

Each trace is written complete, in two calls, and not through MLflow's own tracer: that one hides failures, and leaves
traces in progress when its queue is full. Used by one thread.
"""

import json
from collections import OrderedDict
from secrets import token_hex
from typing import Any

from filelock import FileLock

from graph.registry.tracing import FinishedSpan, experiment_of, mlflow_span
from server.observability.traces import Trace
from server.settings import ServerSettings

CACHED_IDS = 10_000
"""Requests whose trace ids are cached."""
OPEN_TIMEOUT = 60
MILLI = 1_000_000
PREVIEW_LENGTH = 1000
"""Characters of the question and the answer in MLflow's list of traces."""


class TraceNotFound(Exception):
    """There is no trace of that request."""


class MlflowTraceStore:
    """An experiment at a tracking URI."""

    def __init__(self, uri: str, experiment: str) -> None:
        """Connect, and create the experiment if it is missing; raises what MLflow raises."""
        from mlflow import MlflowClient
        from mlflow.tracing.client import TracingClient

        self._client, self._writer = MlflowClient(uri), TracingClient(uri)
        self._experiment = experiment_of(uri, experiment)
        self._trace_ids: OrderedDict[str, str] = OrderedDict()

    def write(self, trace: Trace) -> None:
        """Write a trace; writing it again is harmless. Raises what MLflow raises."""
        from mlflow.entities import TraceData

        info = self._writer.start_trace(_info(trace, self._experiment))
        spans = _spans(trace)
        try:
            self._writer.log_spans(self._experiment, spans)
        except NotImplementedError:
            self._writer._upload_trace_data(info, TraceData(spans))
        self._remember(trace.request_id, info.trace_id)

    def rate(self, request_id: str, rating: str, comment: str) -> None:
        """Attach feedback to the trace of a request; raises TraceNotFound, or what MLflow raises."""
        from mlflow.entities import AssessmentSource, Feedback

        source = AssessmentSource(source_type="HUMAN", source_id="caller")
        feedback = Feedback(name="rating", value=rating, source=source, rationale=comment or None)
        self._writer.log_assessment(self._trace_ids.get(request_id) or self._find(request_id), feedback)

    def _find(self, request_id: str) -> str:
        """The latest trace of a request from another process, or from before a restart."""
        found = self._client.search_traces(
            locations=[self._experiment],
            filter_string=f"trace.client_request_id = '{request_id}'",
            max_results=1,
            include_spans=False,
        )
        if not found:
            raise TraceNotFound(request_id)
        return str(found[0].info.trace_id)

    def _remember(self, request_id: str, trace_id: str) -> None:
        self._trace_ids[request_id] = trace_id
        while len(self._trace_ids) > CACHED_IDS:
            self._trace_ids.popitem(last=False)


def forget_traces(settings: ServerSettings, caller: str) -> int:
    """Delete the traces of a caller, and say how many they were; raises what MLflow raises."""
    from mlflow import MlflowClient

    client, count = MlflowClient(settings.traces), 0
    experiment = client.get_experiment_by_name(settings.traces_experiment)
    while experiment and (
        found := client.search_traces(
            locations=[experiment.experiment_id],
            filter_string=f"metadata.`mlflow.trace.user` = '{caller}'",
            max_results=100,
            include_spans=False,
        )
    ):
        count += client.delete_traces(experiment.experiment_id, trace_ids=[each.info.trace_id for each in found])
    return count


def open_mlflow(settings: ServerSettings) -> MlflowTraceStore:
    """The store that WARRANT_TRACES names; raises what MLflow raises."""
    # MLflow does not support two workers creating the tables of one SQLite file at once.
    with FileLock(settings.state / "traces.lock", timeout=OPEN_TIMEOUT):
        return MlflowTraceStore(settings.traces or "", settings.traces_experiment)


def _info(trace: Trace, experiment: str) -> Any:
    from mlflow.entities import TraceInfo, TraceLocation, TraceState

    return TraceInfo(
        trace_id=f"tr-{trace.id}",
        trace_location=TraceLocation.from_experiment_id(experiment),
        request_time=trace.began // MILLI,
        execution_duration=(trace.ended - trace.began) // MILLI,
        state=TraceState.ERROR if trace.failed else TraceState.OK,
        request_preview=trace.inputs.get("question", "")[:PREVIEW_LENGTH],
        response_preview=trace.outputs.get("text", "")[:PREVIEW_LENGTH],
        client_request_id=trace.request_id,
        trace_metadata=_metadata(trace),
        tags={"mlflow.traceName": "warrant", **_tags(trace)},
    )


def _metadata(trace: Trace) -> dict[str, str]:
    metadata = {"mlflow.trace.user": trace.caller}
    if trace.session:
        metadata["mlflow.trace.session"] = trace.session
    if usage := trace.attributes.get("usage"):
        sent, got = usage["input_tokens"], usage["output_tokens"]
        tokens = {"input_tokens": sent, "output_tokens": got, "total_tokens": sent + got}
        metadata["mlflow.trace.tokenUsage"] = json.dumps(tokens)
    return metadata


def _tags(trace: Trace) -> dict[str, str]:
    """The tags that traces can be searched by."""
    names = ("api", "release", "snapshot", "code", "route", "rung", "reason")
    return {name: str(trace.attributes[name]) for name in names if trace.attributes.get(name)}


def _spans(trace: Trace) -> list[Any]:
    """The question as the root span, and a child for each step; a failure is marked on the last one."""
    root, last = token_hex(8), len(trace.spans) - 1
    texts = {"mlflow.spanInputs": trace.inputs, "mlflow.spanOutputs": trace.outputs}
    whole = {**trace.attributes, **{name: text for name, text in texts.items() if text}}
    steps = [
        FinishedSpan(
            token_hex(8),
            each.name,
            each.kind,
            each.began,
            each.ended,
            parent=root,
            failed=trace.failed if number == last else "",
        )
        for number, each in enumerate(trace.spans)
    ]
    question = FinishedSpan(root, "warrant", "AGENT", trace.began, trace.ended, attributes=whole, failed=trace.failed)
    return [mlflow_span(f"tr-{trace.id}", each) for each in (question, *steps)]
