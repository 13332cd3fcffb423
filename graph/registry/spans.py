"""A finished span of a trace, as MLflow stores it; MLflow is imported when the first one is made."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

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
