"""What can go wrong with what an evaluation is given; exit codes are those of SourceInvalid."""

import json

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from graph.errors import SourceInvalid

SHAPES = {
    "bool": "true or false",
    "dict": "an object",
    "finite": "a finite number",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "model": "an object",
    "string": "a text",
    "tuple": "a list",
}
"""What a value has to be, by the first word of the type of pydantic's error."""
BOUNDS = {
    "gt": "above {:g}",
    "ge": "{:g} or more",
    "lt": "below {:g}",
    "le": "{:g} or less",
    "min_length": "something that is not empty",
    "expected": "{}",
}
"""The same, by what the error has in its context."""


def problems_of(error: ValidationError) -> list[str]:
    """What is wrong with a file's fields: what was wanted, and what was met; the caller says what to do."""
    return [_problem(each) for each in error.errors(include_url=False)]


def _problem(error: ErrorDetails) -> str:
    place, kind = ".".join(map(str, error["loc"])), error["type"]
    met = json.dumps(error["input"], default=str)[:60]
    if kind == "missing":
        return f"{place} is missing"
    if kind == "extra_forbidden":
        return f"{place} is no field here"
    if kind == "value_error":
        return f"{place}: {error['ctx']['error']}" if place else str(error["ctx"]["error"])
    if kind == "json_invalid":
        return f"it must be JSON, not {met} ({error['ctx']['error']})"
    bounds = (form.format(error["ctx"][name]) for name, form in BOUNDS.items() if name in error.get("ctx", {}))
    wanted = next(bounds, SHAPES.get(kind.partition("_")[0], "of another form"))
    return f"{place or 'it'} must be {wanted}, not {met}"


class DatasetInvalid(SourceInvalid):
    """The samples cannot be read; the message names the lines."""


class RunInvalid(SourceInvalid):
    """A run's directory is damaged, or it is of another release or dataset."""


class ThresholdsInvalid(SourceInvalid):
    """The thresholds cannot be read, are empty, or name a metric that there is not."""


class MetricInvalid(SourceInvalid):
    """A metric from outside is defined wrongly, or needs what samples do not have."""


class VerdictInvalid(SourceInvalid):
    """A verdict cannot be read, or is about another release, dataset, champion or thresholds."""


class RevisionInvalid(SourceInvalid):
    """A git revision is not there, or its own code could not make a release of it."""


class JudgeInvalid(SourceInvalid):
    """No judge can be asked as it is named, or its replies cannot be kept."""
