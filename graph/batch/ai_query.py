"""Answers a table on Databricks: SQL with `ai_query` on the served release, in several commits on a SQL warehouse.

Each commit is one MERGE: of two that run at the same time, such as one that outlived its run and its repetition, Delta
refuses the second, so that no row is there twice.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from ..errors import IndexBusy, RetrievalUnavailable, SourceInvalid
from ..filters import sql_literal
from ..models.databricks import Workspace
from ..prices import MILLION, Prices
from .columns import ANSWERS, ASKED, CITATION_FIELDS, check_columns
from .progress import BatchProgress, Report, commit_all

PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Seconds between two looks at a statement; the last is repeated."""
SQL_TYPES = {"string": "STRING", "double": "DOUBLE", "int32": "INT", "int64": "BIGINT"}
CITATIONS = ", ".join(f"`{field.name}`: {SQL_TYPES[str(field.type)]}" for field in CITATION_FIELDS)
TYPES = {field.name: SQL_TYPES.get(str(field.type), f"ARRAY<STRUCT<{CITATIONS}>>") for field in ANSWERS}
PLACES = {
    **{name: f"answer.{name}" for name in ("status", "confidence", "route", "rung", "reason", "detail")},
    **{name: f"answer.{name}" for name in ("release", "snapshot", "citations")},
    **{name: f"answer.usage.{name}" for name in ("model", "calls", "input_tokens", "output_tokens")},
    "answer": "answer.text",
    "error": "error.code",
    "error_message": "error.message",
}
"""Where the endpoint's reply has the columns."""
USAGE = "STRUCT<model: STRING, calls: INT, input_tokens: BIGINT, output_tokens: BIGINT>"
ANSWER = ", ".join(
    f"{name.removeprefix('answer.')}: {TYPES[column]}"
    for column, name in PLACES.items()
    if name.startswith("answer.") and "usage" not in name
)
REPLY = f"STRUCT<answer: STRUCT<{ANSWER}, usage: {USAGE}>, error: STRUCT<code: STRING, message: STRING>>"
Result = TypeVar("Result")


def quoted(name: str) -> str:
    """A name of up to three levels as SQL has it; each level is quoted."""
    return ".".join("`" + level.replace("`", "``") + "`" for level in name.split("."))


@dataclass(frozen=True)
class Warehouse:
    """Runs statements; raises RetrievalUnavailable, or IndexBusy where another run has written to the same table."""

    workspace: Workspace
    id: str

    def rows(self, statement: str) -> list[list[Any]]:
        """The rows of a statement that gives few, once it has ended; its values are texts or None."""
        api = self.workspace.client.statement_execution
        reply = self._call(lambda: api.execute_statement(statement, self.id, wait_timeout="0s"))
        looks = 0
        while (state := reply.status.state.value) in ("PENDING", "RUNNING"):
            time.sleep(PAUSES[min(looks, len(PAUSES) - 1)])
            looks += 1
            reply = self._call(partial(api.get_statement, str(reply.statement_id)))
        if state != "SUCCEEDED":
            problem = self.workspace.clean(str(reply.status.error.message if reply.status.error else state))
            if "CONCURRENT" in problem.upper():
                raise IndexBusy(f"Another run is writing to the same table: {problem}.")
            raise RetrievalUnavailable(f"The warehouse did not run a statement: {problem}.")
        return list(reply.result.data_array or []) if reply.result else []

    def _call(self, call: Callable[[], Result]) -> Any:
        try:
            return call()
        except (OSError, ValueError) as error:
            cause = error.__cause__ or error
            problem = self.workspace.clean(f"{type(cause).__name__}: {cause}")
            raise RetrievalUnavailable(f"The warehouse {self.id} refuses or does not answer: {problem}.") from error


@dataclass(frozen=True)
class Job:
    """A table of questions, a table of answers, and the endpoint that serves the release."""

    source: str
    key: str
    target: str
    endpoint: str
    prices: Prices

    def create(self) -> str:
        """The statement that makes the table of answers where there is none."""
        columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in TYPES.items())
        feed = "TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')"
        return f"CREATE TABLE IF NOT EXISTS {quoted(self.target)} ({columns}) USING DELTA {feed}"

    def counts(self) -> str:
        """The statement that counts rows, their ids, and those that have no answer yet."""
        key, source = f"s.{quoted(self.key)}", quoted(self.source)
        new = f"(SELECT count(*) FROM {source} AS s WHERE {self._new()})"
        return f"SELECT count(*), count(DISTINCT {key}), {new} FROM {source} AS s"

    def merge(self, number: int, commits: int) -> str:
        """The statement that asks the rows without an answer of one commit."""
        key = f"CAST(s.{quoted(self.key)} AS STRING)"
        where = f"{self._new()} AND pmod(xxhash64({key}), {commits}) = {number}"
        request = "named_struct('question', s.`question`)"
        options = f"request => {request}, returnType => {sql_literal(REPLY)}, failOnError => false"
        asked = f"to_json(ai_query({sql_literal(self.endpoint)}, {options}))"
        replies = f"SELECT {key} AS id, s.`question`, {asked} AS reply FROM {quoted(self.source)} AS s WHERE {where}"
        # What the struct of `failOnError => false` calls its fields has changed between releases.
        result, failed = _either("reply", "result", "response"), _either("reply", "errorMessage", "errorStatus")
        unpacked = f"SELECT id, `question`, {result} AS result, {failed} AS failed FROM ({replies}) AS asked"
        values = ", ".join(f"{self._column(name)} AS {quoted(name)}" for name in TYPES)
        names = ", ".join(quoted(name) for name in TYPES)
        inserted = ", ".join(f"s.{quoted(name)}" for name in TYPES)
        return (
            f"MERGE INTO {quoted(self.target)} AS t USING (SELECT {values} FROM ({unpacked}) AS unpacked) AS s "
            f"ON t.`id` = s.`id` WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({inserted})"
        )

    def _new(self) -> str:
        there = f"SELECT 1 FROM {quoted(self.target)} AS t WHERE t.`id` = CAST(s.{quoted(self.key)} AS STRING)"
        return f"NOT EXISTS ({there})"

    def _column(self, name: str) -> str:
        if name in ("id", "question"):
            return quoted(name)
        if name == "attempts":
            return "CAST(1 AS INT)"
        if name == "cost":
            return self._cost()
        found = f"get_json_object(result, '$.{PLACES[name]}')"
        if name == "citations":
            return f"from_json({found}, {sql_literal(TYPES[name])})"
        if name == "error":
            return f"CASE WHEN failed IS NOT NULL THEN 'ModelFailed' ELSE {found} END"
        return f"coalesce(failed, {found})" if name == "error_message" else f"CAST({found} AS {TYPES[name]})"

    def _cost(self) -> str:
        model, sent, received = (
            f"get_json_object(result, '$.answer.usage.{name}')" for name in ("model", "input_tokens", "output_tokens")
        )
        cases = " ".join(
            f"WHEN {model} IN ({sql_literal(name)}, {sql_literal(f'databricks:{name}')}) THEN "
            f"({sent} * {price[0]!r} + {received} * {price[1]!r}) / {MILLION}"
            for name, price in self.prices.items()
        )
        return f"CASE {cases} END" if cases else "CAST(NULL AS DOUBLE)"

    def count(self, warehouse: Warehouse) -> int:
        """The rows without an answer; raises SourceInvalid for a table that cannot be asked."""
        columns = [str(row[0]) for row in warehouse.rows(f"DESCRIBE TABLE {quoted(self.source)}")]
        check_columns(self.source, columns, self.key)
        if more := {*ASKED[1:]} & {*columns}:
            raise SourceInvalid(
                f"An endpoint is asked the column question alone, and {self.source} has {', '.join(sorted(more))}: "
                "use the engine spark."
            )
        warehouse.rows(self.create())
        rows, ids, new = map(int, warehouse.rows(self.counts())[0])
        if rows != ids:
            raise SourceInvalid(f"Every row of {self.source} needs an id of its own: {rows} rows have {ids}.")
        return new

    def run(self, warehouse: Warehouse, count: int, commit_rows: int, report: Report) -> BatchProgress:
        """Ask the rows in commits of about `commit_rows` rows."""

        def commit(number: int, commits: int) -> None:
            warehouse.rows(self.merge(number, commits))

        def failed() -> int:
            return int(warehouse.rows(f"SELECT count(*) FROM {quoted(self.target)} WHERE error IS NOT NULL")[0][0])

        return commit_all(count, commit_rows, commit, failed, report)


def _either(column: str, *names: str) -> str:
    found = ", ".join(f"get_json_object({column}, '$.{name}')" for name in names)
    return f"coalesce({found})"
