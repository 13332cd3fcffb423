"""What an error of any provider's client means for the ladder: its reason, and whether asking again may help.

An HTTP status decides where the error, or one that it was raised from, carries one; else the kind of error does.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from langchain_core import exceptions as langchain

from ..errors import ModelFailed

TOO_LONG = (
    "context_length",
    "context length",
    "context size",
    "context_size",
    "context window",
    "max_model_len",
    "too many tokens",
    "too large to process",
    "prompt is too long",
    "input is too long",
    "exceeds the maximum number of tokens",
)
FORBIDDEN = (
    "content_filter",
    "contentfilter",
    "content policy",
    "content management policy",
    "content_policy",
    "safety",
)
SPENT = ("insufficient_quota", "billing")
"""A 429 that no waiting helps."""
PASSING = (408, 409, 425, 429)
DEEPEST = 5
"""Errors that are looked at, from the one that was raised to what led to it."""


def as_failure(name: str, error: Exception) -> ModelFailed:
    """The failure that the model's writer raises in place of a client's error."""
    if isinstance(error, ModelFailed):
        return error
    causes = list(_causes(error))
    detail = f"{name}: {type(error).__name__}: {told_safely(str(error))}"
    statuses = [status for cause in causes if (status := _status(cause)) is not None]
    status = statuses[0] if statuses else None
    said = " ".join([detail, *map(_said, causes)]).lower()
    if status == 413 or any(sign in said for sign in TOO_LONG) or _any_is(causes, langchain.ContextOverflowError):
        return ModelFailed("context_window", detail)
    if any(sign in said for sign in FORBIDDEN) and (status is None or status < 500):
        return ModelFailed("content_policy", detail)
    if status in (408, 504) or _timed_out(causes):
        return ModelFailed("timeout", detail, transient=True)
    passing = status is None or status in PASSING or status >= 500
    transient = passing and not any(sign in said for sign in SPENT)
    wait = next((seconds for cause in causes if (seconds := seconds_of(_headers(cause))) is not None), None)
    return ModelFailed("error", detail, transient=transient, retry_after=wait if transient else None)


def told_safely(said: str) -> str:
    """The beginning of what an endpoint said, fit for a message."""
    return " ".join(said[:2000].split())[:300].encode(errors="replace").decode()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it, as far as it is told."""
    for _ in range(DEEPEST):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _any_is(causes: list[BaseException], kind: type[BaseException]) -> bool:
    return any(isinstance(cause, kind) for cause in causes)


def _timed_out(causes: list[BaseException]) -> bool:
    """Whether a call took too long; clients have kinds of their own for that and name them alike."""
    names = (kind.__name__ for cause in causes for kind in type(cause).__mro__)
    return any(name.endswith(("Timeout", "TimeoutError", "TimeoutException")) for name in names)


def _status(error: BaseException) -> int | None:
    """The HTTP status, or the number that stands for it in an error inside a stream."""
    reply = getattr(error, "response", None)
    body = getattr(error, "body", None)
    places = (
        getattr(error, "status_code", None),
        getattr(error, "code", None),
        body.get("code") if isinstance(body, dict) else None,
        getattr(reply, "status_code", None),
        _botocore(error).get("HTTPStatusCode"),
    )
    numbers = [int(str(place)) for place in places if str(place).isdecimal() and len(str(place)) == 3]
    return next((number for number in numbers if 400 <= number < 600), None)


def _said(error: BaseException) -> str:
    """What an error says beside its message."""
    return " ".join(str(getattr(error, name, "")) for name in ("code", "type", "body", "error"))


def _headers(error: BaseException) -> Mapping[str, str]:
    headers = getattr(getattr(error, "response", None), "headers", None) or _botocore(error).get("HTTPHeaders")
    return headers if isinstance(headers, Mapping) else {}


def _botocore(error: BaseException) -> Mapping[str, Any]:
    """Where AWS' client puts what it knows of a reply."""
    reply = getattr(error, "response", None)
    found = reply.get("ResponseMetadata") if isinstance(reply, dict) else None
    return found if isinstance(found, dict) else {}


def seconds_of(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that an endpoint asks us to wait (Retry-After, RFC 9110, 10.2.3); None when it does not say readably.

    `retry-after-ms`, which Azure and OpenAI send too, is finer and goes first.
    """
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    told = headers.get("retry-after")
    seconds = _number(told)
    return seconds if seconds is not None or told is None else _until(told, now or datetime.now(UTC))


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return max(0.0, value) if isfinite(value) else None


def _until(date: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - now).total_seconds())
