"""Counts what is used, in SQLite or Postgres: reserved before a question is answered, settled after.

A reservation takes from every limit at once or from none, in one transaction, so that questions asked at the same
time cannot use more than there is. What a killed process had reserved stays used until its period ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any, NamedTuple, get_args

from sqlalchemy import (
    Column,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    event,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection
from sqlalchemy.exc import SQLAlchemyError

from graph.errors import SettingsInvalid
from server.errors import StateUnavailable
from server.files import private_database
from server.limits.rules import UNITS, LimitRule, Period, Unit

KEEP = timedelta(days=62)
"""After which counts of past periods are deleted."""
BUSY_SECONDS = 5
metadata = MetaData()


class UsageKey(NamedTuple):
    """What usage is counted by; `day` is one of UTC, such as 2026-11-30."""

    day: str
    team: str
    caller: str
    route: str
    model: str


COUNTS = Table(
    "limit_counts",
    metadata,
    Column("subject", String(300), primary_key=True),
    Column("period", Integer, primary_key=True),
    Column("amount", Float, nullable=False),
)
USED = Table(
    "usage_by_day",
    metadata,
    *(Column(name, String(200), primary_key=True) for name in UsageKey._fields),
    Column("requests", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("cost", Float, nullable=False),
)


@dataclass(frozen=True)
class LimitReached:
    """The rule that has nothing left, and the seconds until its period ends."""

    rule: LimitRule
    seconds: int


@dataclass(frozen=True)
class Reservation:
    """What was taken: the subject, period and unit of each count, with the amounts by unit.

    `tightest` is the rule on requests with the fewest left, how many, and the seconds until its period ends.
    """

    counts: tuple[tuple[str, int, Unit], ...]
    amounts: Mapping[Unit, float]
    tightest: tuple[LimitRule, float, int] | None = None


class UsageStore:
    """The counts of all limits, and what was used by day, team, caller, route and model; its methods block."""

    def __init__(self, url: str | None, state: Path) -> None:
        """`url`: a `postgresql://` database; None: usage.sqlite under the state. Raises SettingsInvalid."""
        try:
            remote = url is not None
            url = url or f"sqlite:///{private_database(state / 'usage.sqlite')}"
            self._engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), pool_pre_ping=remote)
            if self._engine.dialect.name == "sqlite":
                event.listen(self._engine, "connect", _prepare)
                event.listen(self._engine, "begin", _begin_immediately)
            metadata.create_all(self._engine)
        except (SQLAlchemyError, OSError) as error:
            raise SettingsInvalid(
                f"The usage store cannot be opened: {type(error).__name__}. See WARRANT_USAGE."
            ) from error
        self._insert: Any = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[self._engine.dialect.name]
        # Made once: to build a statement takes several times as long as to run it.
        total = COUNTS.c.amount + bindparam("more", type_=Float)
        given: dict[str, Any] = {"subject": bindparam("of"), "period": bindparam("start"), "amount": bindparam("more")}
        row: Any = self._insert(COUNTS).values(given)
        self._take_row = row.on_conflict_do_update(
            index_elements=[*COUNTS.primary_key],
            set_={"amount": total},
            where=total <= bindparam("most", type_=Float),
        ).returning(COUNTS.c.amount)
        counted = (COUNTS.c.subject == bindparam("of")) & (COUNTS.c.period == bindparam("start"))
        self._add_to_row = update(COUNTS).where(counted).values(amount=total)

    def reserve(
        self, rules: Sequence[tuple[LimitRule, str]], amounts: Mapping[Unit, float], now: datetime | None = None
    ) -> Reservation | LimitReached:
        """Take the amounts from every rule, or nothing where one has too little left; raises StateUnavailable."""
        at = now or datetime.now(UTC)
        taken: list[tuple[str, int, Unit]] = []
        requests: list[tuple[LimitRule, float, int]] = []
        try:
            with self._engine.begin() as connection:
                for rule, subject in rules:
                    start, end = rule.period(at)
                    key, left = f"{rule.of}:{subject}:{rule.unit}:{rule.per}", ceil((end - at).total_seconds())
                    total = self._take(connection, key, int(start.timestamp()), amounts[rule.unit], rule.most)
                    if total is None:
                        connection.rollback()
                        return LimitReached(rule, left)
                    if rule.unit == "requests":
                        requests.append((rule, rule.most - total, left))
                    taken.append((key, int(start.timestamp()), rule.unit))
        except SQLAlchemyError as error:
            raise StateUnavailable("Limits cannot be counted just now.") from error
        return Reservation(tuple(taken), dict(amounts), min(requests, key=lambda each: each[1], default=None))

    def _take(self, connection: Connection, key: str, period: int, amount: float, most: float) -> float | None:
        """Add to a count and return its new total; None, and nothing added, where that would be too much."""
        if amount > most:
            return None
        given = {"of": key, "start": period, "more": amount, "most": most}
        return connection.execute(self._take_row, given).scalar_one_or_none()

    def settle(self, reservation: Reservation, used: Mapping[Unit, float]) -> None:
        """Replace what was reserved by what was used; raises StateUnavailable."""
        try:
            with self._engine.begin() as connection:
                rows = [
                    {"of": key, "start": period, "more": used[unit] - reservation.amounts[unit]}
                    for key, period, unit in reservation.counts
                ]
                connection.execute(self._add_to_row, rows)
        except SQLAlchemyError as error:
            raise StateUnavailable("Limits cannot be counted just now.") from error

    def add(self, used: Mapping[UsageKey, Mapping[Unit, float]]) -> None:
        """Add what was used to the days' rows; raises StateUnavailable."""
        try:
            with self._engine.begin() as connection:
                for key, amounts in used.items():
                    row = self._insert(USED).values(**key._asdict(), **{str(unit): n for unit, n in amounts.items()})
                    sums = {str(unit): USED.c[unit] + amount for unit, amount in amounts.items()}
                    connection.execute(row.on_conflict_do_update(index_elements=[*USED.primary_key], set_=sums))
        except SQLAlchemyError as error:
            raise StateUnavailable("Usage cannot be counted just now.") from error

    def used(self, since: str = "") -> list[dict[str, Any]]:
        """What was used since a day, by day, team, caller, route and model."""
        with self._engine.connect() as connection:
            found = connection.execute(select(USED).where(USED.c.day >= since).order_by(*USED.primary_key))
            return [dict(row) for row in found.mappings()]

    def forget_caller(self, caller: str) -> int:
        """Count what a caller has used as nobody's, so that its team's sums stay, and delete its limits' counts."""
        rows = [row for row in self.used() if row["caller"] == caller]
        for row in rows:
            key = UsageKey(**{name: row[name] for name in UsageKey._fields})
            self.add({key._replace(caller=""): {unit: row[unit] for unit in UNITS}})
        with self._engine.begin() as connection:
            connection.execute(USED.delete().where(USED.c.caller == caller))
            subjects = [f"caller:{caller}:{unit}:{per}" for unit in UNITS for per in get_args(Period)]
            connection.execute(COUNTS.delete().where(COUNTS.c.subject.in_(subjects)))
        return len(rows)

    def forget_old(self) -> None:
        """Delete the counts of periods long past."""
        with self._engine.begin() as connection:
            connection.execute(COUNTS.delete().where(COUNTS.c.period < (datetime.now(UTC) - KEEP).timestamp()))

    def close(self) -> None:
        """Close its connections."""
        self._engine.dispose()


def _prepare(connection: Any, record: object) -> None:
    """A writer waits for the other ones; SQLAlchemy begins transactions, not the driver."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", f"busy_timeout={BUSY_SECONDS * 1000}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediately(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
