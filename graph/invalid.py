"""Says in plain words what is wrong with a field that pydantic refuses; pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

MAX_SHOWN = 60
"""The most characters of a value that are shown."""
WANTED = {
    "string_type": "text",
    "string_unicode": "text",
    "string_too_short": "at least {min_length} characters long",
    "string_too_long": "at most {max_length} characters long",
    "string_pattern_mismatch": "text of the form {pattern}",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "none_required": "null",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "{expected}",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "too_short": "a list of at least {min_length}",
    "too_long": "a list of at most {max_length}",
    "dict_type": "an object with fields",
    "mapping_type": "an object with fields",
    "model_type": "an object with fields",
    "model_attributes_type": "an object with fields",
    "dataclass_type": "an object with fields",
    "path_type": "a path",
    "date_type": "a date such as 2026-01-31",
    "date_parsing": "a date such as 2026-01-31",
    "date_from_datetime_parsing": "a date such as 2026-01-31",
    "datetime_type": "a time such as 2026-01-31T12:00:00Z",
    "datetime_parsing": "a time such as 2026-01-31T12:00:00Z",
    "datetime_from_date_parsing": "a time such as 2026-01-31T12:00:00Z",
    "timezone_aware": "a time with its zone, such as 2026-01-31T12:00:00Z",
    "json_invalid": "JSON ({error})",
    "json_type": "JSON",
}
"""What was wanted, by pydantic's name of the error."""
KINDS: Sequence[tuple[type | tuple[type, ...], str]] = (
    (str, "text"),
    (bytes, "text"),
    ((list, tuple, set), "a list"),
    (Mapping, "an object"),
)


def problem(error: Mapping[str, Any], whole: str = "it", *, show: bool = True) -> str:
    """What is wrong, from an item of `ValidationError.errors()`: the field, what was wanted, and the value met.

    `whole` stands for the field where the value as a whole is wrong. Without `show`, text is not repeated.
    """
    field, kind = ".".join(map(str, error["loc"])) or whole, error["type"]
    if kind == "missing":
        return f"{field} is missing"
    if kind == "extra_forbidden":
        return f"there is no field {field}"
    if kind in ("value_error", "assertion_error"):
        own, value = error["msg"].partition(", ")[2], error.get("input")
        met = f" = {_shown(value)}" if isinstance(value, str | int | float) and show else ""
        return f"{field}{met}: {own}" if error["loc"] else own
    bounds = {name: int(value) if _is_whole(value) else value for name, value in (error.get("ctx") or {}).items()}
    wanted = WANTED[kind].format_map(bounds) if kind in WANTED else error["msg"].removeprefix("Input should be ")
    return f"{field} must be {wanted}{_met(error.get('input'), kind, show=show)}"


def _is_whole(value: object) -> bool:
    return isinstance(value, float) and value.is_integer()


def _met(value: object, kind: str, *, show: bool) -> str:
    if kind in ("too_long", "string_too_long") and isinstance(value, str | list | tuple):
        return f", not {len(value)}"
    if kind.startswith("json_") or kind in ("too_short", "string_too_short"):
        return ""
    if not show:
        name = next((name for types, name in KINDS if isinstance(value, types)), "")
        if name:
            return f", not {name}" if kind.endswith(("_type", "_parsing")) else ""
    return f", not {_shown(value)}"


def _shown(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
