"""`warrant verify FILE`: check answers of any system against their passages."""

import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import click
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ..errors import QuestionInvalid
from ..invalid import problem
from ..verification import Report, verify
from ..verification.report import MAX_CHARACTERS
from .terminal import Terminal, echo, json_text


class GivenPassage(BaseModel):
    """A passage with what stands over it."""

    model_config = ConfigDict(extra="forbid")

    text: str
    title: str = ""
    section: str = ""


def _as_passage(given: object) -> object:
    """A passage given as its text alone is one without a title."""
    if not isinstance(given, str | dict | GivenPassage):
        raise ValueError("give a text, or an object with text, title and section")
    return {"text": given} if isinstance(given, str) else given


TextOrPassage = Annotated[GivenPassage, BeforeValidator(_as_passage, json_schema_input_type=str | GivenPassage)]


class VerifyRequest(BaseModel):
    """An answer to check; markers such as `[2]` count the passages from 1."""

    model_config = ConfigDict(extra="forbid")

    id: str = ""
    question: str = ""
    answer: Annotated[str, Field(max_length=MAX_CHARACTERS)]
    passages: Annotated[list[TextOrPassage], Field(max_length=200)]

    def checked(self) -> dict[str, Any]:
        """The line that goes out."""
        return {"id": self.id, "answer": self.answer, **self.report().as_dict()}

    def report(self) -> Report:
        return verify(self.question, self.answer, [each.model_dump() for each in self.passages])  # type: ignore[misc]


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON line for each answer.")
@click.option("--strict", is_flag=True, help="Fail for claims that are unverified, too.")
def command(file: Path, as_json: bool, strict: bool) -> None:
    """Check the claims of answers against the passages that they cite, by rules, without an index or a model.

    FILE has a JSON object in each line: {"id", "question", "answer", "passages"}; a passage is a text or
    {"title", "section", "text"}.
    Exits with 1 when a claim is contradicted or not found.
    """
    lines = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    counts: Counter[str] = Counter()
    console = Terminal(soft_wrap=True, highlight=False)
    for number, line in enumerate(lines.splitlines(), 1):
        if line.strip():
            request = _parsed(line, f"{file}:{number}")
            result = request.checked()
            counts.update(claim["verdict"] for claim in result["claims"])
            if as_json:
                echo(json_text(result, indent=None))
            else:
                _print(console, result, request.id or str(number))
    if not as_json:
        console.print(", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items())) or "no claims")
    failing = ("contradicted", "not_found", *(("unverified",) if strict else ()))
    sys.exit(1 if any(counts[verdict] for verdict in failing) else 0)


def _parsed(line: str, where: str) -> VerifyRequest:
    try:
        return VerifyRequest.model_validate_json(line)
    except ValidationError as error:
        raise QuestionInvalid(f"{where}: {problem(error.errors()[0], 'the line')}.") from error


COLOURS = {"supported": "green", "unverified": "yellow", "contradicted": "red", "not_found": "red"}


def _print(console: Terminal, result: dict[str, Any], name: str) -> None:
    console.print(name, style="bold", markup=False)
    for claim in result["claims"]:
        because = f" ({claim['because']})" if claim["because"] else ""
        console.print(f"  {claim['verdict']:<13}", style=COLOURS[claim["verdict"]], end="")
        console.print(f"{claim['text']}{because}", markup=False)
