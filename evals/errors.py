"""What can go wrong with what an evaluation is given; exit codes are those of SourceInvalid."""

import json

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from graph.errors import SourceInvalid

WANTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dataclass_type": "an object",
    "dict_type": "an object",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "above {gt:g}",
    "greater_than_equal": "{ge:g} or more",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than": "below {lt:g}",
    "less_than_equal": "{le:g} or less",
    "list_type": "a list",
    "literal_error": "{expected}",
    "model_attributes_type": "an object",
    "model_type": "an object",
    "string_too_short": "a text that is not empty",
    "string_type": "a text",
    "string_unicode": "a text of whole characters",
    "tuple_type": "a list",
}
"""What a field has to be, for each type of pydantic's errors that files of evaluations can have."""


def problems_of(error: ValidationError) -> list[str]:
    """What is wrong with a file's fields: what was wanted, what was met there, and what to do."""
    return [_problem(each) for each in error.errors(include_url=False)]


def _problem(error: ErrorDetails) -> str:
    place, kind = ".".join(map(str, error["loc"])), error["type"]
    met = json.dumps(error["input"], default=str)[:60]
    if kind == "missing":
        return f"{place} is missing; add it"
    if kind == "extra_forbidden":
        return f"{place} is no field here; correct its name or take it out"
    if kind == "value_error":
        return f"{place}: {error['ctx']['error']}" if place else str(error["ctx"]["error"])
    if kind == "json_invalid":
        return f"it must be JSON, not {met} ({error['ctx']['error']})"
    wanted = WANTED.get(kind, "of another form").format(**error.get("ctx", {}))
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
