"""One body for every error, {error: {code, message, request_id}}, and one table from errors to HTTP.

A message that was written for whoever asks is passed on; any other is replaced by the table's own, since it may hold a
path, an address or a secret. What the table does not know is `internal`, and its message goes to the log alone.
"""

from dataclasses import dataclass
from typing import Any

from graph.errors import (
    ExtraMissing,
    FilterInvalid,
    IndexBusy,
    ModelFailed,
    PackageBroken,
    QuestionInvalid,
    RegistryUnavailable,
    ReleaseInvalid,
    RetrievalUnavailable,
    SettingsInvalid,
    SnapshotError,
    VersionUnknown,
    WarrantError,
)


@dataclass(frozen=True)
class Problem:
    """What a caller is told: an HTTP status, a code that programs can rely on, and a sentence."""

    status: int
    code: str
    message: str

    def body(self, request_id: str) -> dict[str, Any]:
        return {"error": {"code": self.code, "message": self.message, "request_id": request_id}}


class Refused(WarrantError):
    """The server will not do what was asked; carries its Problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class StateUnavailable(WarrantError):
    """What the server keeps beside its answers, conversations or feedback, cannot be read or written just now."""


TABLE: dict[type[Exception], Problem] = {
    FilterInvalid: Problem(422, "filter_invalid", ""),
    QuestionInvalid: Problem(422, "question_invalid", ""),
    TimeoutError: Problem(504, "deadline", "The question was not answered in time. Ask again, or ask less at once."),
    ModelFailed: Problem(502, "model_failed", "The model gave no usable reply. Ask again."),
    RetrievalUnavailable: Problem(503, "retrieval_unavailable", "The index does not answer just now. Ask again."),
    SnapshotError: Problem(
        503, "snapshot_unavailable", "The index cannot be read; whoever runs this server can see why."
    ),
    VersionUnknown: Problem(404, "version_unknown", "There is no such release here."),
    PackageBroken: Problem(
        503, "release_broken", "The release cannot be served; whoever runs this server can see why."
    ),
    RegistryUnavailable: Problem(503, "registry_unavailable", "The registry does not answer just now. Ask again."),
    StateUnavailable: Problem(503, "state_unavailable", "What the server keeps cannot be had just now. Ask again."),
    IndexBusy: Problem(503, "index_busy", "The index is being written. Ask again."),
    ReleaseInvalid: Problem(
        503, "release_invalid", "The release cannot be served; whoever runs this server can see why."
    ),
    SettingsInvalid: Problem(503, "settings_invalid", "The server is set up wrongly; whoever runs it can see why."),
    ExtraMissing: Problem(501, "not_installed", "This part of the server is not installed."),
}
"""The first class that fits counts; an empty message stands for the error's own."""

INTERNAL = Problem(
    500, "internal", "Something went wrong that is not your doing. Give the request's id to whoever runs this server."
)
BY_STATUS: dict[int, tuple[str, str]] = {
    400: ("bad_request", "The request cannot be read."),
    401: ("unauthenticated", "A key is needed: send it as `Authorization: Bearer KEY`."),
    403: ("forbidden", "The key does not allow this."),
    404: ("not_found", "There is nothing here by that name."),
    405: ("method_not_allowed", "This path does not take that method."),
    408: ("too_slow", "The request did not arrive in time. Send it again."),
    413: ("too_large", "The request is larger than the server takes."),
    415: ("unsupported_media_type", "The body must be JSON, sent with `Content-Type: application/json`."),
    421: ("unknown_host", "The Host header names a host that this server does not answer for."),
    422: ("invalid", "The request is not as the schema says."),
    431: ("headers_too_large", "The request's headers are larger than the server takes."),
    503: ("unavailable", "The server does not take requests just now. Ask again."),
}


def problem_of(error: BaseException) -> Problem:
    """What the caller is told about an error."""
    if isinstance(error, Refused):
        return error.problem
    # By name: a release whose code is not the server's own raises classes of its own.
    names = {kind.__name__ for kind in type(error).__mro__}
    found = next((problem for kind, problem in TABLE.items() if kind.__name__ in names), INTERNAL)
    return found if found.message else Problem(found.status, found.code, str(error))


def by_status(status: int, message: str = "") -> Problem:
    """The problem that an HTTP status stands for, in our words unless better ones are given."""
    code, usual = BY_STATUS.get(
        status, ("invalid", "The request was refused.") if status < 500 else ("internal", INTERNAL.message)
    )
    return Problem(status, code, message or usual)


def refuse(status: int, message: str = "", code: str = "") -> Refused:
    """An error to raise for an HTTP status."""
    problem = by_status(status, message)
    return Refused(Problem(status, code or problem.code, problem.message))
