"""Writes traces to an MLflow tracking server or database; MLflow is imported when the first store is opened.

Each trace goes out in two calls, whole and ended, past MLflow's own tracer: that one swallows what fails, and leaves
traces in progress when its queue is full. Used by one thread.
"""

import json
from collections import OrderedDict
from secrets import token_hex
from typing import Any

from filelock import FileLock

from server.settings import ServerSettings
from server.watching.traces import Trace

REMEMBERED = 10_000
"""Requests whose traces are known without a search."""
SECONDS_TO_OPEN = 60
MILLI = 1_000_000
PREVIEW = 1000
"""Characters of the question and the answer in MLflow's list of traces."""


class NotTraced(Exception):
    """There is no trace of that request."""


class MlflowTraces:
    """An experiment at a tracking URI."""

    def __init__(self, uri: str, experiment: str) -> None:
        """Connect, and make the experiment if it is not there; raises whatever MLflow raises."""
        from mlflow import MlflowClient
        from mlflow.tracing.client import TracingClient

        self._client, self._writer = MlflowClient(uri), TracingClient(uri)
        self._experiment = _experiment(self._client, experiment)
        self._known: OrderedDict[str, str] = OrderedDict()

    def write(self, trace: Trace) -> None:
        """Write a trace; writing it again does no harm. Raises whatever MLflow raises."""
        from mlflow.entities import TraceData

        told = self._writer.start_trace(_info(trace, self._experiment))
        spans = _spans(trace)
        try:
            self._writer.log_spans(self._experiment, spans)
        except NotImplementedError:
            self._writer._upload_trace_data(told, TraceData(spans))
        self._remember(trace.request_id, told.trace_id)

    def rate(self, request_id: str, rating: str, comment: str) -> None:
        """Put feedback beside the trace of a request; raises NotTraced, or whatever MLflow raises."""
        from mlflow.entities import AssessmentSource, Feedback

        source = AssessmentSource(source_type="HUMAN", source_id="caller")
        said = Feedback(name="rating", value=rating, source=source, rationale=comment or None)
        self._writer.log_assessment(self._known.get(request_id) or self._find(request_id), said)

    def _find(self, request_id: str) -> str:
        """The latest trace of a request that another process wrote, or this one before it was started anew."""
        found = self._client.search_traces(
            locations=[self._experiment],
            filter_string=f"trace.client_request_id = '{request_id}'",
            max_results=1,
            include_spans=False,
        )
        if not found:
            raise NotTraced(request_id)
        return str(found[0].info.trace_id)

    def _remember(self, request_id: str, trace_id: str) -> None:
        self._known[request_id] = trace_id
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def open_mlflow(settings: ServerSettings) -> MlflowTraces:
    """What WARRANT_TRACES names; raises whatever MLflow raises."""
    # MLflow does not expect two workers to make the tables of one SQLite file at the same time.
    with FileLock(settings.state / "traces.lock", timeout=SECONDS_TO_OPEN):
        return MlflowTraces(settings.traces or "", settings.traces_experiment)


def _experiment(client: Any, name: str) -> str:
    from mlflow.exceptions import MlflowException

    if found := client.get_experiment_by_name(name):
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException:
        # Another worker may have made it in between.
        if found := client.get_experiment_by_name(name):
            return str(found.experiment_id)
        raise


def _info(trace: Trace, experiment: str) -> Any:
    from mlflow.entities import TraceInfo, TraceLocation, TraceState

    return TraceInfo(
        trace_id=f"tr-{trace.id}",
        trace_location=TraceLocation.from_experiment_id(experiment),
        request_time=trace.began // MILLI,
        execution_duration=(trace.ended - trace.began) // MILLI,
        state=TraceState.ERROR if trace.failed else TraceState.OK,
        request_preview=trace.asked.get("question", "")[:PREVIEW],
        response_preview=trace.answered.get("text", "")[:PREVIEW],
        client_request_id=trace.request_id,
        trace_metadata=_metadata(trace),
        tags={"mlflow.traceName": "warrant", **_tags(trace)},
    )


def _metadata(trace: Trace) -> dict[str, str]:
    told = {"mlflow.trace.user": trace.caller}
    if trace.session:
        told["mlflow.trace.session"] = trace.session
    if usage := trace.attributes.get("usage"):
        sent, got = usage["input_tokens"], usage["output_tokens"]
        tokens = {"input_tokens": sent, "output_tokens": got, "total_tokens": sent + got}
        told["mlflow.trace.tokenUsage"] = json.dumps(tokens)
    return told


def _tags(trace: Trace) -> dict[str, str]:
    """What traces are searched by."""
    names = ("door", "release", "snapshot", "code", "route", "rung", "reason")
    return {name: str(trace.attributes[name]) for name in names if trace.attributes.get(name)}


def _spans(trace: Trace) -> list[Any]:
    """The question as the root, and under it a span for each step; the last one is where it failed."""
    root, last = token_hex(8), len(trace.spans) - 1
    texts = {"mlflow.spanInputs": trace.asked, "mlflow.spanOutputs": trace.answered}
    whole = {**trace.attributes, **{name: text for name, text in texts.items() if text}}
    return [
        _span(trace, ("warrant", "AGENT", trace.began, trace.ended), root, None, whole, trace.failed),
        *(
            _span(
                trace,
                (each.name, each.kind, each.began, each.ended),
                token_hex(8),
                root,
                {},
                trace.failed if number == last else "",
            )
            for number, each in enumerate(trace.spans)
        ),
    ]


def _span(
    trace: Trace,
    what: tuple[str, str, int, int],
    number: str,
    parent: str | None,
    attributes: dict[str, Any],
    failed: str,
) -> Any:
    from mlflow.entities import Span

    name, kind, began, ended = what
    told = {**attributes, "mlflow.traceRequestId": f"tr-{trace.id}", "mlflow.spanType": kind}
    return Span.from_dict(
        {
            "trace_id": f"tr-{trace.id}",
            "span_id": number,
            "parent_span_id": parent,
            "name": name,
            "start_time_unix_nano": began,
            "end_time_unix_nano": ended,
            "attributes": {key: json.dumps(value, ensure_ascii=False) for key, value in told.items()},
            "status": {"code": "STATUS_CODE_ERROR" if failed else "STATUS_CODE_OK", "message": failed},
            "events": [],
        }
    )
