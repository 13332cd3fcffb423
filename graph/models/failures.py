"""Maps the errors of any provider's client to ModelFailed: the reason, and whether a retry may help.

The HTTP status of the error or of one of its causes decides; without one, the kind of error does.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import isfinite
from typing import Any

from langchain_core import exceptions as langchain

from ..errors import ModelFailed

CONTEXT_WINDOW_SIGNS = (
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
CONTENT_POLICY_SIGNS = (
    "content_filter",
    "contentfilter",
    "content policy",
    "content management policy",
    "content_policy",
    "safety",
)
QUOTA_SIGNS = ("insufficient_quota", "billing")
"""Signs of a 429 that waiting does not help."""
TRANSIENT_STATUSES = (408, 409, 425, 429)
MAX_CAUSES = 5
"""The most errors of a chain of causes that are examined."""


def to_model_failure(name: str, error: Exception) -> ModelFailed:
    """Convert a client's error to ModelFailed."""
    if isinstance(error, ModelFailed):
        return error
    causes = list(_causes(error))
    detail = f"{name}: {type(error).__name__}: {message_excerpt(str(error))}"
    statuses = [status for cause in causes if (status := _status(cause)) is not None]
    status = statuses[0] if statuses else None
    text = " ".join([detail, *map(_error_details, causes)]).lower()
    if (
        status == 413
        or any(sign in text for sign in CONTEXT_WINDOW_SIGNS)
        or _any_is(causes, langchain.ContextOverflowError)
    ):
        return ModelFailed("context_window", detail)
    if any(sign in text for sign in CONTENT_POLICY_SIGNS) and (status is None or status < 500):
        return ModelFailed("content_policy", detail)
    if status in (408, 504) or _timed_out(causes):
        return ModelFailed("timeout", detail, transient=True)
    may_pass = status is None or status in TRANSIENT_STATUSES or status >= 500
    transient = may_pass and not any(sign in text for sign in QUOTA_SIGNS)
    wait = next((seconds for cause in causes if (seconds := retry_after_seconds(_headers(cause))) is not None), None)
    return ModelFailed("error", detail, transient=transient, retry_after=wait if transient else None)


def message_excerpt(text: str) -> str:
    """The beginning of an endpoint's text, on one line, for an error message."""
    return " ".join(text[:2000].split())[:300].encode(errors="replace").decode()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and its causes."""
    for _ in range(MAX_CAUSES):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _any_is(causes: list[BaseException], kind: type[BaseException]) -> bool:
    return any(isinstance(cause, kind) for cause in causes)


def _timed_out(causes: list[BaseException]) -> bool:
    """Whether a call timed out; the timeout errors of all clients have similar names."""
    names = (kind.__name__ for cause in causes for kind in type(cause).__mro__)
    return any(name.endswith(("Timeout", "TimeoutError", "TimeoutException")) for name in names)


def _status(error: BaseException) -> int | None:
    """The HTTP status, or the code of an error inside a stream."""
    response = getattr(error, "response", None)
    body = getattr(error, "body", None)
    candidates = (
        getattr(error, "status_code", None),
        getattr(error, "code", None),
        body.get("code") if isinstance(body, dict) else None,
        getattr(response, "status_code", None),
        _botocore(error).get("HTTPStatusCode"),
    )
    numbers = [
        int(str(candidate)) for candidate in candidates if str(candidate).isdecimal() and len(str(candidate)) == 3
    ]
    return next((number for number in numbers if 400 <= number < 600), None)


def _error_details(error: BaseException) -> str:
    """The details of an error besides its message."""
    return " ".join(str(getattr(error, name, "")) for name in ("code", "type", "body", "error"))


def _headers(error: BaseException) -> Mapping[str, str]:
    headers = getattr(getattr(error, "response", None), "headers", None) or _botocore(error).get("HTTPHeaders")
    return headers if isinstance(headers, Mapping) else {}


def _botocore(error: BaseException) -> Mapping[str, Any]:
    """The response metadata of AWS's client."""
    response = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata") if isinstance(response, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The seconds of the Retry-After header (RFC 9110, 10.2.3); None if it is missing or invalid.

    `retry-after-ms`, which Azure and OpenAI also send, takes precedence.
    """
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    return seconds if seconds is not None or value is None else _seconds_until(value, now or datetime.now(UTC))


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return max(0.0, value) if isfinite(value) else None


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, (then - now).total_seconds())
