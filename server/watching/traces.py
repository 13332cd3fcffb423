"""From a question as it went to a trace: plain values that can wait in a queue and are written by another thread."""

from dataclasses import dataclass, field
from hashlib import sha256
from secrets import token_hex
from typing import Any

from server.desk import Record
from server.watching.steps import steps_of

NANO = 1_000_000_000
KINDS = {"retrieve": "RETRIEVER", "rerank": "RERANKER", "generate": "LLM", "fallback": "LLM", "cite": "GUARDRAIL"}
PLACES = ("marker", "file", "page", "start", "end", "support")
HOW = ("status", "route", "rung", "reason", "confidence", "usage", "cached", "language", "timings")


@dataclass(frozen=True)
class Span:
    """One step; nanoseconds since the epoch."""

    name: str
    kind: str
    began: int
    ended: int


@dataclass(frozen=True)
class Trace:
    """One question; `asked` and `answered` are empty where texts are not traced, `failed` is the error's code."""

    id: str
    request_id: str
    caller: str
    session: str
    began: int
    ended: int
    failed: str
    attributes: dict[str, Any]
    spans: list[Span]
    asked: dict[str, Any] = field(default_factory=dict)
    answered: dict[str, Any] = field(default_factory=dict)


def trace_of(record: Record, *, texts: bool) -> Trace:
    """The trace of a question."""
    public = record.public or {}
    return Trace(
        id=token_hex(16),
        request_id=record.id,
        caller=record.request.caller.name,
        session=record.ask.session_id,
        began=int(record.began * NANO),
        ended=int(max(record.began, record.ended) * NANO),
        failed="" if public else record.code,
        attributes=_attributes(record, public, texts=texts),
        spans=[
            Span(step.name, KINDS.get(step.name, "CHAIN"), int(step.began * NANO), int(step.ended * NANO))
            for step in steps_of(record)
        ],
        asked=dict(record.question) if texts else {},
        answered=public if texts else {},
    )


def _attributes(record: Record, public: dict[str, Any], *, texts: bool) -> dict[str, Any]:
    """How it went, without a word of what was asked and answered unless texts are traced."""
    places = (*PLACES, "quote") if texts else PLACES
    return {
        "request_id": record.id,
        "client_request_id": record.request.client_id,
        "caller": record.request.caller.name,
        "session": record.ask.session_id,
        "door": record.request.door,
        "release": record.agent.label,
        "snapshot": record.agent.snapshot,
        "code": record.code,
        **{name: public[name] for name in HOW if name in public},
        "citations": [{name: each[name] for name in places} for each in public.get("citations", [])],
        **({"replies": record.replies} if texts and record.replies else {}),
    }


def chosen(request_id: str, share: float) -> bool:
    """Whether a request is among the share that is traced; every process says the same of the same id."""
    return int.from_bytes(sha256(request_id.encode()).digest()[:8]) < share * 2**64
