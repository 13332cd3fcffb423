"""JSON logs on standard error: a line for each request and each question, with the request's id.

Unless WARRANT_LOG_QUESTIONS is true, no line contains what a client sent: libraries put their input into messages and
error texts (pydantic the value, MCP the whole request), so their records are reduced to the place of the call and the
kind of error with its traceback. Our own records keep their message and lose the error's text. No line has a key.
"""

import logging
import sys
from traceback import format_tb
from types import TracebackType
from typing import Any

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter
from starlette.types import Scope

from graph.safety.sensitive import mask, mask_value
from server.context import RequestContext
from server.observability.observers import Observer, QuestionRecord
from server.settings import ServerSettings

WARNINGS_ONLY = ("uvicorn.access", "httpx", "httpcore", "mcp", "langserve", "alembic", "mlflow", "databricks")
ERRORS_ONLY = ("urllib3",)
"""Warns on every retry while a tracking server is away."""
REDACTED_FIELDS = {"timestamp", "level", "logger", "message", "exc_info"}
"""The fields of a redacted record."""
TEXT_FIELDS = {"message", "exc_info", "question", "answer"}
"""The fields that may have what a client sent, or what libraries say of it; they are masked."""
access = logging.getLogger("warrant.access")
questions = logging.getLogger("warrant.questions")


class _JsonLines(JsonFormatter):
    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        if isinstance(record, RedactedRecord):
            for name in log_data.keys() - REDACTED_FIELDS:
                del log_data[name]
        for name in TEXT_FIELDS & log_data.keys():
            log_data[name] = mask_value(log_data[name])


def configure_logging(settings: ServerSettings) -> None:
    """Turn all logs and warnings of this process into JSON lines on standard error."""
    logging.setLogRecordFactory(logging.LogRecord if settings.log_questions else redacted_record)
    logging.captureWarnings(True)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        _JsonLines(
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
    for name in WARNINGS_ONLY:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ERRORS_ONLY:
        logging.getLogger(name).setLevel(logging.ERROR)


class LogObserver(Observer):
    """Logs requests and questions."""

    def __init__(self, settings: ServerSettings) -> None:
        self._texts = settings.log_questions

    def request_ended(self, request: RequestContext, scope: Scope, status: int, seconds: float) -> None:
        fields = {
            "request_id": request.id,
            **_client_id(request),
            "caller": request.caller.name,
            "method": scope["method"],
            "path": mask(scope["path"]),
            "status": status,
            "ms": round(seconds * 1000, 1),
            "graph_ms": round(request.graph_ms, 1),
            "questions": request.questions,
        }
        access.info("request", extra=fields)

    def question_ended(self, record: QuestionRecord) -> None:
        fields = {
            "request_id": record.id,
            **_client_id(record.request),
            "caller": record.request.caller.name,
            "api": record.request.api,
            "code": record.code,
            "release": record.agent.label,
            "ms": round((record.ended - record.began) * 1000, 1),
        }
        if answer := record.answer:
            fields |= {"route": answer["route"], "rung": answer["rung"], "reason": answer["reason"]}
            fields |= {"confidence": answer["confidence"], "citations": len(answer["citations"])}
            fields |= {"cached": answer["cached"]}
        if self._texts:
            fields |= {"question": record.submitted.question, "answer": answer["text"] if answer else None}
        questions.info("question", extra=fields)


def _client_id(request: RequestContext) -> dict[str, str]:
    return {"client_request_id": request.client_id} if request.client_id else {}


OURS = "warrant."
TRUSTED = ("warrant.releases", "warrant.callers")
"""Our loggers whose errors never contain what a client sent."""
CONSTANT_MESSAGES = ("uvicorn.error",)
"""Loggers of libraries whose messages are constants."""
ErrorInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None] | None


class RedactedRecord(logging.LogRecord):
    """A library's record without its text and its extra fields."""


def redacted_record(
    name: str, level: int, path: str, line: int, message: object, args: Any, error: ErrorInfo, *more: Any, **rest: Any
) -> logging.LogRecord:
    """A log record factory that leaves out whatever a client may have sent."""
    if name in TRUSTED:
        return logging.LogRecord(name, level, path, line, message, args, error, *more, **rest)
    if str(name).startswith(OURS) or name in CONSTANT_MESSAGES:
        record = logging.LogRecord(name, level, path, line, message, args, None, *more, **rest)
    else:
        text = "%s:%s; the text is withheld unless WARRANT_LOG_QUESTIONS is true"
        record = RedactedRecord(name, level, path, line, text, (path, line), None, *more, **rest)
    if error and error[1]:
        record.exc_text = "".join(_tracebacks(error[1], set())).rstrip()
    return record


def _tracebacks(error: BaseException | None, seen: set[int]) -> list[str]:
    """The tracebacks and classes of an error and its causes, without their texts."""
    if error is None or id(error) in seen:
        return []
    seen.add(id(error))
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    within = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    earlier = [line for each in (before, *within) for line in _tracebacks(each, seen)]
    return [*earlier, *format_tb(error.__traceback__), f"{type(error).__module__}.{type(error).__qualname__}\n"]
