"""JSON lines on standard error: one for each request and each question, with the request's id.

No line has the text of a question or an answer, nor anything else that a client sent and a library would log, unless
WARRANT_LOG_QUESTIONS says so, and none has a key.
"""

import logging
import sys
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter
from starlette.types import Scope

from server.context import Request
from server.desk import Record
from server.settings import ServerSettings
from server.watching.withheld import Withheld, record_without_text

QUIET = ("uvicorn.access", "httpx", "httpcore", "mcp", "langserve", "alembic", "mlflow")
SILENT = ("urllib3",)
"""What says at every try that a tracking server is away."""
TOLD = {"timestamp", "level", "logger", "message", "exc_info"}
"""What is told of a record whose text is withheld."""
access = logging.getLogger("warrant.access")
questions = logging.getLogger("warrant.questions")


class _Lines(JsonFormatter):
    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        if isinstance(record, Withheld):
            for name in log_data.keys() - TOLD:
                del log_data[name]


def set_up_logs(settings: ServerSettings) -> None:
    """Everything that this process logs or warns of becomes JSON lines on standard error."""
    logging.setLogRecordFactory(logging.LogRecord if settings.log_questions else record_without_text)
    logging.captureWarnings(True)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _Lines(
            "{levelname}{name}{message}",
            style="{",
            timestamp=True,
            reserved_attrs=[*RESERVED_ATTRS, "color_message"],
            rename_fields={"levelname": "level", "name": "logger"},
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in SILENT:
        logging.getLogger(name).setLevel(logging.ERROR)


class Logs:
    """Keeps the books as log lines."""

    def __init__(self, settings: ServerSettings) -> None:
        self._texts = settings.log_questions

    def request_ended(self, request: Request, scope: Scope, status: int, seconds: float) -> None:
        told = {
            "request_id": request.id,
            **_client_id(request),
            "caller": request.caller.name,
            "method": scope["method"],
            "path": scope["path"],
            "status": status,
            "ms": round(seconds * 1000, 1),
            "graph_ms": round(request.graph_ms, 1),
            "questions": request.questions,
        }
        access.info("request", extra=told)

    def observe(self, record: Record) -> None:
        told = {
            "request_id": record.id,
            **_client_id(record.request),
            "caller": record.request.caller.name,
            "door": record.request.door,
            "code": record.code,
            "release": record.agent.label,
            "ms": round((record.ended - record.began) * 1000, 1),
        }
        if answer := record.answer:
            told |= {"route": answer["route"], "rung": answer["rung"], "reason": answer["reason"]}
            told |= {"confidence": answer["confidence"], "citations": len(answer["citations"])}
            told |= {"cached": answer["cached"]}
        if self._texts:
            told |= {"question": record.ask.question, "answer": answer["text"] if answer else None}
        questions.info("question", extra=told)


def _client_id(request: Request) -> dict[str, str]:
    return {"client_request_id": request.client_id} if request.client_id else {}
