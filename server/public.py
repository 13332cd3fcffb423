"""From what the graph says to what a caller is told: plain values of the public fields alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from graph.state import Answer, Citation
from server.errors import Problem
from server.schemas import PublicAnswer, PublicCitation

Item = dict[str, Any]
"""One item of the public stream: `event` is status, token, citation, final or error, `seq` counts from 0."""
ANSWER = tuple(PublicAnswer.model_fields)
CITATION = tuple(PublicCitation.model_fields)


def public_answer(
    answer: Answer, request_id: str, session_id: str, version: str, warnings: Sequence[str] = ()
) -> dict[str, Any]:
    """The Answer's public fields as plain JSON values.

    Vectors are kept for all callers together: that there was one would tell that somebody has asked the same.
    """
    cached = [name for name in answer["cached"] if name != "embedding"]
    told: dict[str, Any] = {**answer, "request_id": request_id, "session_id": session_id, "version": version}
    told |= {"cached": cached, "warnings": list(warnings)}
    told["citations"] = [public_citation(citation) for citation in answer["citations"]]
    plain_fields: dict[str, Any] = plain({name: told[name] for name in ANSWER})
    return plain_fields


def public_citation(citation: Citation) -> dict[str, Any]:
    """A citation's public fields."""
    fields: dict[str, Any] = {"verdict": "supported", **citation}
    found: dict[str, Any] = plain({name: fields[name] for name in CITATION})
    return found


def error_item(problem: Problem, request_id: str) -> Item:
    """The item that ends a stream which could not be answered."""
    return {"event": "error", **problem.body(request_id)}


def plain(value: Any) -> Any:
    """A value as JSON knows it: numpy's numbers and arrays would break a response half-way."""
    match value:
        case dict():
            return {str(key): plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case np.generic() | np.ndarray():
            return plain(value.tolist())
        case _:
            return value
