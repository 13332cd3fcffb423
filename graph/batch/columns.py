"""The columns of a table of questions and of a table of answers; pure."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast

import pyarrow as pa

from ..errors import QuestionInvalid, SourceInvalid
from ..prices import Prices, cost
from ..safety.sensitive import Policy, mask
from ..state import Answer, Question

ASKED = ("question", "filters", "groups", "history")
"""What may be asked beside the row's id; only `question` is required, `filters` and `history` may be JSON."""
CITATION_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("marker", pa.int32()),
    pa.field("document", pa.string()),
    pa.field("file", pa.string()),
    pa.field("title", pa.string()),
    pa.field("page", pa.int32()),
    pa.field("start", pa.int64()),
    pa.field("end", pa.int64()),
    pa.field("quote", pa.string()),
    pa.field("support", pa.float64()),
]
ANSWER_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("id", pa.string()),
    pa.field("question", pa.string()),
    pa.field("answer", pa.string()),
    pa.field("status", pa.string()),
    pa.field("confidence", pa.float64()),
    pa.field("citations", pa.list_(pa.struct(CITATION_FIELDS))),
    pa.field("route", pa.string()),
    pa.field("rung", pa.string()),
    pa.field("reason", pa.string()),
    pa.field("detail", pa.string()),
    pa.field("release", pa.string()),
    pa.field("snapshot", pa.string()),
    pa.field("model", pa.string()),
    pa.field("calls", pa.int32()),
    pa.field("input_tokens", pa.int64()),
    pa.field("output_tokens", pa.int64()),
    pa.field("cost", pa.float64()),
    pa.field("attempts", pa.int32()),
    pa.field("error", pa.string()),
    pa.field("error_message", pa.string()),
]
ANSWERS = pa.schema(ANSWER_FIELDS)
"""The table of answers: a row has an `answer`, or an `error` with its message, and an `id` that no other row has."""
Row = dict[str, Any]
BARE: Row = dict.fromkeys(ANSWERS.names)
NAMES = [field.name for field in CITATION_FIELDS]


def question_of_row(row: Mapping[str, Any]) -> Question:
    """The question of a row; raises QuestionInvalid."""
    given = {name: row[name] for name in ASKED if row.get(name) is not None}
    for name, kind in (("filters", dict), ("history", list)):
        try:
            value = json.loads(given[name]) if isinstance(given.get(name), str) else given.get(name)
        except ValueError as error:
            raise QuestionInvalid(f"The column {name} is not JSON: {error}.") from error
        if value is not None and not isinstance(value, kind):
            raise QuestionInvalid(f"The column {name} must hold a JSON {kind.__name__}, not {value!r}.")
        given |= {name: value} if value is not None else {}
    if not isinstance(given.get("question"), str):
        raise QuestionInvalid("The column question is empty.")
    return cast(Question, given)


def check_columns(table: str, columns: Collection[str], key: str) -> None:
    """Raises SourceInvalid for a table that has no questions, or no ids."""
    if lacking := {key, "question"} - {*columns}:
        raise SourceInvalid(f"{table} has no column {', '.join(sorted(lacking))}; it has {', '.join(columns)}.")


def not_its_own(table: str, key: str, value: object) -> SourceInvalid:
    """What is wrong where an id is empty or there twice."""
    what = "empty" if value is None else f"there twice: {value!r}"
    return SourceInvalid(f"Every row of {table} needs an id of its own; {key} is {what}.")


@dataclass(frozen=True)
class AnswerRows:
    """Makes the rows of answers: what each cost, and as a policy lets it be seen."""

    prices: Prices
    policy: Policy

    def answered(self, row: Mapping[str, Any], answer: Answer, attempts: int) -> Row:
        """The row of an answer."""
        usage, seen = answer["usage"], self.policy.apply({**answer})
        same = ("status", "confidence", "route", "rung", "reason", "detail", "release", "snapshot")
        counted = ("model", "calls", "input_tokens", "output_tokens")
        return {
            **BARE,
            **{name: seen.get(name) for name in same},
            **{name: usage.get(name) for name in counted},
            "id": str(row["id"]),
            "question": self._masked(row["question"]),
            "answer": seen["text"],
            "citations": [{name: each.get(name) for name in NAMES} for each in seen["citations"]],
            "cost": cost(usage, self.prices),
            "attempts": attempts,
        }

    def failed(self, row: Mapping[str, Any], error: str, message: str, attempts: int) -> Row:
        """The row of a question that has no answer: the name of the error's class, and its message, masked."""
        question = row.get("question")
        asked = self._masked(question) if isinstance(question, str) else None
        why = {"error": error, "error_message": mask(message), "attempts": attempts}
        return {**BARE, "id": str(row["id"]), "question": asked, **why}

    def _masked(self, question: str) -> str:
        return mask(question, (*self.policy.masked, *self.policy.blocked))
