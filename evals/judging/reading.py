"""Reads a judge's reply, and refuses every one that is not what was offered: it is a reason, and never a number."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from evals.metrics.plain import Unscored

Form = TypeVar("Form", bound=BaseModel)
OFFERED = {"verdict": (0, 1), "attributed": (0, 1), "noncommittal": (0, 1), "rating": (0, 2, 4)}
"""What the prompts offer for a field of that name; ragas takes any whole number there and averages it."""
NEEDED = ("question", "statements", "claims", "classifications")
"""Fields of which something is made: one that is blank or empty is no reply."""
SHOWN = 60


def read_reply(text: str, form: type[Form], length: int | None = None) -> Form:
    """The reply in its form; `length` is how many verdicts were asked for. Raises Unscored with what is wrong."""
    try:
        # Models put a fence or a word around their JSON, whatever they are told.
        found = form.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Unscored(f"the judge's reply is not what was asked for: {place or shown(text)}: {first['msg']}") from None
    _check(found)
    if length is not None and (given := verdicts(found)) not in (None, length):
        raise Unscored(f"the judge gave {given} verdicts on {length} statements")
    return found


def statements(found: BaseModel) -> int | None:
    """How many statements a reply lists for the next question; None when it lists none."""
    return next((len(value) for _, value in found if isinstance(value, list) and isinstance(value[0], str)), None)


def verdicts(found: BaseModel) -> int | None:
    """How many statements a reply decides about; None when it is not about statements."""
    return next((len(value) for _, value in found if isinstance(value, list) and hasattr(value[0], "verdict")), None)


def shown(text: str) -> str:
    """The beginning of a text on one line."""
    told = " ".join(text.split())
    return repr(told[:SHOWN] + "…" if len(told) > SHOWN else told)


def _check(found: BaseModel) -> None:
    for name, value in found:
        if name in OFFERED and value not in OFFERED[name]:
            choice = ", ".join(map(str, OFFERED[name]))
            raise Unscored(f"the judge gave {name} {_figure(value)}; {choice} were offered")
        if name in NEEDED and not (value.strip() if isinstance(value, str) else value):
            raise Unscored(f"the judge's reply has no {name}")
        for each in value if isinstance(value, list) else ():
            if isinstance(each, BaseModel):
                _check(each)
            elif not each.strip():
                raise Unscored(f"the judge's reply has a blank one among its {name}")


def _figure(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else shown(str(value))
