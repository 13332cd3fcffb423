"""Traces as plain values, which can wait in a queue and are written by another thread."""

from dataclasses import dataclass, field
from secrets import token_hex
from typing import Any

from graph.safety.sensitive import mask_value
from server.observability.observers import QuestionRecord
from server.releases.deployments import hash_fraction

NANO = 1_000_000_000
KINDS = {"retrieve": "RETRIEVER", "rerank": "RERANKER", "generate": "LLM", "fallback": "LLM", "cite": "GUARDRAIL"}
CITATION_FIELDS = ("marker", "file", "page", "start", "end", "support")
ANSWER_FIELDS = ("status", "route", "rung", "reason", "confidence", "usage", "cached", "language", "timings")


@dataclass(frozen=True)
class TraceSpan:
    """One step; nanoseconds since the epoch."""

    name: str
    kind: str
    began: int
    ended: int


@dataclass(frozen=True)
class Trace:
    """One question; `inputs` and `outputs` are empty when texts are not traced, `failed` is the error's code."""

    id: str
    request_id: str
    caller: str
    session: str
    began: int
    ended: int
    failed: str
    attributes: dict[str, Any]
    spans: list[TraceSpan]
    inputs: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)


def trace_of(record: QuestionRecord, *, texts: bool) -> Trace:
    """The trace of a question, its texts without sensitive data."""
    public = record.public or {}
    return Trace(
        id=token_hex(16),
        request_id=record.id,
        caller=record.request.caller.name,
        session=record.submitted.session_id,
        began=int(record.began * NANO),
        ended=int(max(record.began, record.ended) * NANO),
        failed="" if public else record.code,
        attributes=_attributes(record, public, texts=texts),
        spans=[
            TraceSpan(step.name, KINDS.get(step.name, "CHAIN"), int(step.began * NANO), int(step.ended * NANO))
            for step in record.timings
        ],
        inputs=mask_value(dict(record.question)) if texts else {},
        outputs=mask_value(public) if texts else {},
    )


def _attributes(record: QuestionRecord, public: dict[str, Any], *, texts: bool) -> dict[str, Any]:
    """Attributes of the root span; questions, answers and quotes only when texts are traced."""
    citation_fields = (*CITATION_FIELDS, "quote") if texts else CITATION_FIELDS
    return {
        "request_id": record.id,
        "client_request_id": record.request.client_id,
        "caller": record.request.caller.name,
        "session": record.submitted.session_id,
        "api": record.request.api,
        "release": record.agent.label,
        "snapshot": record.agent.snapshot,
        "code": record.code,
        **{name: public[name] for name in ANSWER_FIELDS if name in public},
        "citations": mask_value(
            [{name: each[name] for name in citation_fields} for each in public.get("citations", [])]
        ),
        **({"replies": mask_value(record.replies)} if texts and record.replies else {}),
    }


def sampled(request_id: str, share: float) -> bool:
    """Whether a request is in the share that is traced; the same in every process."""
    return hash_fraction(request_id) < share
