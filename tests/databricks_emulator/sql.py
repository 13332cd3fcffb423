"""Statement execution on a SQL warehouse: SQLite runs what it is given, with the functions of Databricks that we use.

A statement is run when its last poll comes. As Delta does, a MERGE is refused when another statement has written to its
table since it was submitted.
"""

import hashlib
import json
import re
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from .errors import invalid, missing

HOME = "/api/2.0/sql/statements"
LEVELS = re.compile(r"`((?:[^`]|``)+)`\.`((?:[^`]|``)+)`\.`((?:[^`]|``)+)`")
MERGE = re.compile(
    r"MERGE INTO (?P<table>`[^`]+`) AS t USING \((?P<rows>.*)\) AS s ON (?P<on>\S+ = \S+) "
    r"WHEN NOT MATCHED THEN INSERT (?P<names>\(.*?\)) VALUES \((?P<values>.*?)\)",
    re.DOTALL,
)
DIALECT = (
    (re.compile(r"\b(request|returnType|failOnError) => "), ""),
    (re.compile(r"\bAS STRING\)"), "AS TEXT)"),
    (re.compile(r"\bAS DOUBLE\)"), "AS REAL)"),
)
"""What SQLite writes in another way."""
Served = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class _Statement:
    text: str
    polls: int
    versions: dict[str, int]
    state: str = "PENDING"
    error: str = ""
    rows: list[list[str | None]] = field(default_factory=list)

    def reply(self, number: str) -> dict[str, Any]:
        status: dict[str, Any] = {"state": self.state}
        if self.error:
            status["error"] = {"error_code": "BAD_REQUEST", "message": self.error}
        body: dict[str, Any] = {"statement_id": number, "status": status}
        if self.state == "SUCCEEDED":
            body |= {"manifest": {"total_row_count": len(self.rows)}, "result": {"data_array": self.rows}}
        return body


@dataclass
class Warehouses:
    """The tables of a workspace, its warehouses, and the endpoints that `ai_query` can ask."""

    ids: set[str] = field(default_factory=lambda: {"warehouse-1"})
    endpoints: dict[str, Served] = field(default_factory=dict)
    statements: dict[str, _Statement] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """How often each table has been written to."""
    database: sqlite3.Connection = field(default_factory=lambda: sqlite3.connect(":memory:", check_same_thread=False))

    def __post_init__(self) -> None:
        functions: dict[str, Callable[..., Any]] = {
            "ai_query": self._ask,
            "named_struct": lambda *pairs: json.dumps(dict(zip(pairs[::2], pairs[1::2], strict=True))),
            "to_json": lambda value: value,
            "from_json": lambda value, _: value,
            "get_json_object": _at,
            "xxhash64": lambda value: int(hashlib.md5(str(value).encode()).hexdigest()[:12], 16),
            "pmod": lambda value, by: value % by,
        }
        for name, function in functions.items():
            self.database.create_function(name, -1, function)

    def _ask(self, endpoint: str, request: str, _: str, fails: int) -> str:
        """A reply of an endpoint; with `failOnError => false` as a struct with the reply or an error message."""
        try:
            if endpoint not in self.endpoints:
                raise ValueError(f"Endpoint '{endpoint}' does not exist.")
            result = self.endpoints[endpoint](json.loads(request))
        except ValueError as error:
            if fails:
                raise
            return json.dumps({"errorMessage": str(error)})
        return json.dumps(result if fails else {"result": json.dumps(result)})

    def run(self, statement: _Statement) -> None:
        """Run a statement now."""
        text = LEVELS.sub(r"`\1.\2.\3`", statement.text)
        try:
            if merge := MERGE.fullmatch(text):
                table = merge["table"].strip("`")
                if self.versions[table] != statement.versions.get(table, 0):
                    raise ValueError("[DELTA_CONCURRENT_APPEND] Files were added by a concurrent update.")
                self.versions[table] += 1
                there = f"SELECT 1 FROM {merge['table']} AS t WHERE {merge['on']}"
                text = (
                    f"INSERT INTO {merge['table']} {merge['names']} SELECT {merge['values']} "
                    f"FROM ({merge['rows']}) AS s WHERE NOT EXISTS ({there})"
                )
            statement.rows = [[None if v is None else str(v) for v in row] for row in self._execute(text)]
            statement.state = "SUCCEEDED"
        except (sqlite3.Error, ValueError) as error:
            statement.state, statement.error = "FAILED", str(error)

    def _execute(self, text: str) -> list[tuple[Any, ...]]:
        if text.startswith("DESCRIBE TABLE "):
            columns = self.database.execute(f"PRAGMA table_info({text.removeprefix('DESCRIBE TABLE ')})").fetchall()
            if not columns:
                raise ValueError(f"[TABLE_OR_VIEW_NOT_FOUND] {text}")
            return [(column[1], column[2], None) for column in columns]
        if text.startswith("CREATE TABLE"):
            text = re.sub(r"ARRAY<.*>|\bSTRING\b", "TEXT", text.partition(" USING DELTA")[0])
        for pattern, ours in DIALECT:
            text = pattern.sub(ours, text)
        with self.database:
            return self.database.execute(text).fetchall()


def _at(text: str | None, path: str) -> Any:
    """What a JSON text has at a path, as get_json_object gives it."""
    value = json.loads(text) if text else None
    for name in path.removeprefix("$.").split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value if value is None or isinstance(value, str) else json.dumps(value)


routes = APIRouter()


def _state(request: Request) -> Warehouses:
    state: Warehouses = request.app.state.emulator.sql
    return state


def _statement(request: Request, number: str) -> _Statement:
    if number not in _state(request).statements:
        raise missing(f"Statement {number}")
    return _state(request).statements[number]


@routes.post(HOME)
async def execute(request: Request) -> dict[str, Any]:
    body, state = await request.json(), _state(request)
    if body.get("warehouse_id") not in state.ids:
        raise invalid(f"{body.get('warehouse_id')} is not a valid endpoint id.")
    number = secrets.token_hex(8)
    polls = request.app.state.emulator.polls
    state.statements[number] = _Statement(str(body["statement"]), polls, dict(state.versions))
    return state.statements[number].reply(number)


@routes.get(f"{HOME}/{{number}}")
async def look(request: Request, number: str) -> dict[str, Any]:
    statement = _statement(request, number)
    statement.polls -= 1
    if statement.state in ("PENDING", "RUNNING"):
        statement.state = "RUNNING"
        if statement.polls <= 0:
            await run_in_threadpool(_state(request).run, statement)
    return statement.reply(number)


@routes.post(f"{HOME}/{{number}}/cancel")
async def cancel(request: Request, number: str) -> dict[str, Any]:
    statement = _statement(request, number)
    if statement.state in ("PENDING", "RUNNING"):
        statement.state = "CANCELED"
    return {}
