"""Experiments, and the finished spans of traces, as MLflow stores them; MLflow is imported when it is called."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .address import experiment_name, tracking_uri

if TYPE_CHECKING:
    from mlflow.entities import Span


class FinishedSpan(NamedTuple):
    """A step of a trace, in nanoseconds since the epoch; `parent` is another span's id, `failed` says why it did."""

    id: str
    name: str
    kind: str
    began: int
    ended: int
    parent: str | None = None
    attributes: Mapping[str, Any] = {}
    failed: str = ""


def mlflow_span(trace: str, span: FinishedSpan) -> "Span":
    """A span of the trace with an id (`tr-` and 32 hexadecimal digits)."""
    from mlflow.entities import Span

    attributes = {**span.attributes, "mlflow.traceRequestId": trace, "mlflow.spanType": span.kind}
    return Span.from_dict(
        {
            "trace_id": trace,
            "span_id": span.id,
            "parent_span_id": span.parent,
            "name": span.name,
            "start_time_unix_nano": span.began,
            "end_time_unix_nano": span.ended,
            "attributes": {key: json.dumps(value, ensure_ascii=False) for key, value in attributes.items()},
            "status": {"code": "STATUS_CODE_ERROR" if span.failed else "STATUS_CODE_OK", "message": span.failed},
            "events": [],
        }
    )


def experiment_of(uri: str, name: str) -> str:
    """The id of an experiment, made if it is not there; beside a SQLite file its artifacts lie beside that file."""
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    client, name = MlflowClient(tracking_uri(uri), uri), experiment_name(uri, name)
    if found := client.get_experiment_by_name(name):
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name, artifact_location=_beside(uri)))
    except MlflowException:
        if found := client.get_experiment_by_name(name):  # Somebody else has made it meanwhile.
            return str(found.experiment_id)
        raise


def _beside(uri: str) -> str | None:
    """Where artifacts go when MLflow is a SQLite file; None: the tracking server knows."""
    if not uri.startswith("sqlite:///"):
        return None
    return (Path(uri.removeprefix("sqlite:///")).absolute().parent / "artifacts").as_uri()
