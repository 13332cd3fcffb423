"""A refused field is told by its name, what was wanted and the value met, in our words and not in pydantic's."""

from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from graph.invalid import problem


class Inner(BaseModel):
    name: str = ""
    size: Annotated[int, Field(ge=1, le=9)] = 1


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    needed: str = "x"
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    on: bool = True
    kind: Literal["a", "b"] = "a"
    day: date | None = None
    inner: Inner = Inner()
    several: Annotated[list[Inner], Field(max_length=2)] = []
    code: Annotated[str, Field(pattern="^[a-z]+$", max_length=5)] = "a"
    even: int = 2

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("give an even number")
        return value

    @model_validator(mode="after")
    def _agree(self) -> "Form":
        if self.needed == self.code:
            raise ValueError("needed and code must differ")
        return self


def told(fields: Any, *, show: bool = True) -> str:
    with pytest.raises(ValidationError) as refused:
        Form.model_validate(fields)
    return problem(refused.value.errors()[0], "the form", show=show)


@pytest.mark.parametrize(
    ("fields", "message", "without_text"),
    [
        ({"needed": 3}, "needed must be text, not 3", None),
        ({"share": "much"}, 'share must be a number, not "much"', "share must be a number, not text"),
        ({"share": 2}, "share must be less than 1, not 2", None),
        ({"share": 0}, "share must be more than 0, not 0", None),
        ({"on": "maybe"}, 'on must be true or false, not "maybe"', "on must be true or false, not text"),
        ({"kind": "c"}, "kind must be 'a' or 'b', not \"c\"", "kind must be 'a' or 'b'"),
        ({"day": "soon"}, 'day must be a date such as 2026-01-31, not "soon"', None),
        (
            {"inner": [1]},
            "inner must be an object with fields, not [1]",
            "inner must be an object with fields, not a list",
        ),
        ({"inner": {"size": 12}}, "inner.size must be at most 9, not 12", None),
        ({"several": [{"size": 0}]}, "several.0.size must be at least 1, not 0", None),
        ({"several": [{}] * 3}, "several must be a list of at most 2, not 3", None),
        ({"code": "A1"}, 'code must be text of the form ^[a-z]+$, not "A1"', "code must be text of the form ^[a-z]+$"),
        ({"code": "abcdefg"}, "code must be at most 5 characters long, not 7", None),
        ({"even": 3}, "even = 3: give an even number", "even: give an even number"),
        ({"needed": "a"}, "needed and code must differ", None),
        ({"more": 1}, "there is no field more", None),
        ([], "the form must be an object with fields, not []", "the form must be an object with fields, not a list"),
    ],
)
def test_a_problem_names_the_field_what_was_wanted_and_the_value(
    fields: Any, message: str, without_text: str | None
) -> None:
    assert told(fields) == message
    if without_text:
        assert told(fields, show=False) == without_text


def test_a_long_value_is_cut_and_a_field_without_a_value_is_missing() -> None:
    assert len(told({"inner": "x" * 900})) < 120

    class Needed(BaseModel):
        name: str

    with pytest.raises(ValidationError) as refused:
        Needed.model_validate({})
    assert problem(refused.value.errors()[0]) == "name is missing"


def test_what_the_table_does_not_have_keeps_its_reason() -> None:
    error = {"type": "multiple_of", "loc": ("n",), "msg": "Input should be a multiple of 2", "input": 3}
    assert problem(error) == "n must be a multiple of 2, not 3"
