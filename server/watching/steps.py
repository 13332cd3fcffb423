"""When each step of a question began and ended."""

from typing import NamedTuple

from server.desk import Record


class Step(NamedTuple):
    """One step; moments in seconds since the epoch."""

    name: str
    began: float
    ended: float


def steps_of(record: Record) -> list[Step]:
    """The steps in order: each ends where the next begins, and the last one with the question."""
    moments = [*(began for _, began in record.steps), record.ended]
    return [Step(name, began, max(began, end)) for (name, began), end in zip(record.steps, moments[1:], strict=True)]
