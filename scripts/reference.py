"""Writes docs/reference from the code: settings, release.yaml, HTTP, command line, metrics, errors and formats.

`python scripts/reference.py` writes the pages; a test compares them with the committed ones.
"""

import inspect
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from graph import errors as graph_errors
from graph.cli.exit_codes import EXITS, SNAPSHOT, UNSETTLED, WITHHELD
from graph.ingest.formats.registry import FORMATS
from graph.release import Release
from graph.settings import Settings
from server import errors as server_errors
from server.app import assemble, deployments_of
from server.observability.metric_definitions import REGISTRY
from server.settings import ServerSettings
from warrant import warrant

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
REASONS = {
    "error": "The model's endpoint failed; `detail` has its message.",
    "timeout": "The model did not answer in its time, or no time was left to ask it.",
    "circuit_open": "The endpoint failed too often and is not called for a while.",
    "context_window": "The request was too long for the model.",
    "content_policy": "The provider refused to answer, or stopped the reply.",
    "unsupported": "No claim of the reply was supported by the passages.",
    "no_evidence": "The documents do not hold enough evidence, or the model found no answer in them.",
    "courtesy": 'Nothing was asked, as in "Thank you".',
    "sensitive_data": "The answer had personal or secret data that its caller may not see.",
}
"""The meaning of each reason of an Answer."""
NOTE = "<!-- Written by scripts/reference.py. Do not edit: change the docstrings in the code. -->"


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    written = {
        "settings.md": _settings(),
        "release.md": _release(),
        "http.md": _http(),
        "cli.md": _command_line(),
        "metrics.md": _metrics(),
        "errors.md": _errors(),
        "formats.md": _formats(),
    }
    return {name: re.sub(r"[ \t]+\n", "\n", f"{NOTE}\n{text.strip()}\n") for name, text in written.items()}


def _table(head: str, rows: Iterable[tuple[str, ...]]) -> str:
    names = head.split(" | ")
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _sentence(text: str | None) -> str:
    return " ".join(inspect.cleandoc(text or "").split())


def _kind(annotation: Any) -> str:
    """A type as a reader of YAML or of the environment knows it."""
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    parts = [part for part in get_args(annotation) if part is not type(None)]
    if get_origin(annotation) in (list, dict):
        return "JSON"
    if get_origin(annotation) is not None and hasattr(annotation, "__metadata__"):
        return _kind(parts[0])
    if parts:
        return _kind(parts[0])
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false", "Path": "path"}
    return names.get(annotation.__name__, "secret")


def _range(field: FieldInfo) -> str:
    """The bounds of a number, such as `1 to 50`."""
    constraints = [*field.metadata]
    for part in (field.annotation, *get_args(field.annotation)):
        for item in getattr(part, "__metadata__", ()):
            constraints += getattr(item, "metadata", [item])
    low = next((f"{c.ge:,}" for c in constraints if isinstance(c, Ge)), "")
    low = next((f"above {c.gt:,}" for c in constraints if isinstance(c, Gt)), low)
    high = next((f"{c.le:,}" for c in constraints if isinstance(c, Le)), "")
    high = next((f"below {c.lt:,}" for c in constraints if isinstance(c, Lt)), high)
    return f"{low} to {high}" if low and high else f"{low} or more" if low else high


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined or field.default_factory is not None:
        return ""
    if field.default is None or field.default == "":
        return "none"
    if isinstance(field.default, bool):
        return f"`{str(field.default).lower()}`"
    if isinstance(field.default, (list, dict)):
        return f"`{json.dumps(field.default)}`"
    return f"`{field.default}`"


def _described(field: FieldInfo, name: str) -> str:
    if not field.description:
        raise SystemExit(f"{name} has no docstring under it.")
    return _sentence(field.description)


def _type_and_range(field: FieldInfo) -> str:
    bounds = _range(field)
    return _kind(field.annotation) + (f", {bounds}" if bounds else "")


def _settings() -> str:
    blocks = ["# Settings", "Environment variables, or lines of a `.env` file. A wrong value stops the start."]
    seen: set[str] = set()
    for title, model in (("Everywhere", Settings), ("The server", ServerSettings)):
        rows = [
            (f"`WARRANT_{name.upper()}`", _type_and_range(field), _default(field), _described(field, name))
            for name, field in model.model_fields.items()
            if name not in seen
        ]
        seen |= set(model.model_fields)
        blocks += [f"## {title}", _table("variable | value | default | meaning", rows)]
    return "\n\n".join(blocks)


def _sections(model: type[BaseModel], path: str) -> Iterator[str]:
    plain, nested = [], []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            nested.append((name, kind))
        else:
            plain.append((f"`{name}`", _type_and_range(field), _default(field), _described(field, name)))
    title = f"## `{path}`" if path else "## Top level"
    if plain:
        yield f"{title}\n\n{_sentence(model.__doc__)}\n\n{_table('field | value | default | meaning', plain)}"
    for name, kind in nested:
        yield from _sections(kind, f"{path}.{name}" if path else name)


def _release() -> str:
    prompts = Release().prompts.model_dump()
    texts = [f"### `prompts.{name}`\n\n```text\n{text.strip()}\n```" for name, text in prompts.items()]
    intro = (
        "# release.yaml\n\nEverything that changes an answer, but for the documents. A field that is left out has its "
        "default; a misspelt one is an error that names the line. `warrant release show` prints the release in use."
    )
    return "\n\n".join([intro, *_sections(Release, ""), "## The default prompts", *texts])


def _http() -> str:
    settings = ServerSettings(_env_file=None)
    document = assemble(settings, deployments_of(settings)).openapi()
    rows = []
    for path, methods in sorted(document["paths"].items()):
        for method, operation in methods.items():
            text = _sentence(operation.get("description") or operation.get("summary"))
            rows.append((method.upper(), f"`{path}`", text.split(". ")[0].rstrip(".") + "."))
    return (
        "# HTTP\n\nEvery route of a running server. `/docs` shows the schemas and `/openapi.json` holds them. Every "
        f"error has one body ([errors](errors.md)).\n\n{_table('method | path | what it does', rows)}"
    )


def _commands(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(command, info_name=name.rsplit(" ", 1)[-1], parent=parent, max_content_width=100)
    context.terminal_width = 100
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found:
                yield from _commands(found, f"{name} {child}", context)
    else:
        yield f"## {name}\n\n```text\n{command.get_help(context)}\n```"


def _command_line() -> str:
    return "\n\n".join(["# Command line", "Each command as `--help` prints it.", *_commands(warrant, "warrant", None)])


def _metrics() -> str:
    rows = []
    for family in REGISTRY.collect():
        labels = getattr(REGISTRY._names_to_collectors.get(family.name), "_labelnames", ())
        counter = family.type == "counter"
        name = f"{family.name}_total" if counter else family.name
        rows.append((f"`{name}`", family.type, ", ".join(labels), _sentence(family.documentation)))
    return (
        "# Metrics\n\n`GET /metrics`, in Prometheus' text format. No label holds a caller's name, a path as it was "
        f"sent, or a text.\n\n{_table('metric | type | labels | meaning', rows)}"
    )


def _tree(kind: type[BaseException], depth: int = 0) -> Iterator[tuple[str, ...]]:
    code = next((str(code) for cls, code in EXITS.items() if issubclass(kind, cls)), "")
    yield f"{'&emsp;' * depth}`{kind.__name__}`", code, _sentence(kind.__doc__)
    for child in kind.__subclasses__():
        if child.__module__ == graph_errors.__name__:
            yield from _tree(child, depth + 1)


def _errors() -> str:
    exits = [
        ("0", "Done."),
        (
            "1",
            "Refused: files in a strict run, a release that the gate fails, a promotion without the evidence for it.",
        ),
        ("2", "The command, question, filter or file given is wrong."),
        (str(UNSETTLED), "The gate cannot tell."),
        ("4", "The release or a setting is wrong."),
        ("5", "Something that is needed does not answer or is not installed."),
        (str(WITHHELD), "Published, but files were withheld because their access metadata could not be relied on."),
        (str(SNAPSHOT), "The Snapshot is missing, damaged, or was made for another embedding."),
        ("130", "Interrupted."),
        ("141", "Who read the output stopped before the command could end."),
    ]
    problems = [
        (str(problem.status), f"`{problem.code}`", problem.message or "The error's own message.")
        for problem in [*server_errors.TABLE.values(), server_errors.INTERNAL]
    ]
    problems += [(str(status), f"`{code}`", text) for status, (code, text) in server_errors.BY_STATUS.items()]
    problems += [(str(status), f"`{code}`", text) for code, (status, text) in server_errors.BY_CODE.items()]
    reasons = (*get_args(graph_errors.Reason), "sensitive_data")
    return "\n\n".join(
        [
            "# Errors",
            "## Exit codes of the commands",
            _table("code | meaning", exits),
            "## HTTP",
            'Every error has one body: `{"error": {"code", "message", "request_id"}}`.',
            _table("status | code | message", sorted(set(problems), key=lambda row: (int(row[0]), row))),
            "## Reasons of an Answer",
            "Why the answer is not the first model's, or is declined.",
            _table("reason | meaning", [(f"`{reason}`", REASONS[reason]) for reason in reasons]),
            "## Exceptions in Python",
            "`graph.errors` has them all; each message says what was wanted, the value met and what to do.",
            _table("exception | exit code | raised when", list(_tree(graph_errors.WarrantError))),
        ]
    )


def _formats() -> str:
    rows = [
        (
            known.name,
            ", ".join(f"`{suffix}`" for suffix in known.media_types),
            ", ".join(f"`{media_type}`" for media_type in dict.fromkeys(known.media_types.values())),
            known.note,
        )
        for known in FORMATS
    ]
    return (
        "# Formats\n\nThe files that `warrant index` reads, by their endings. Files with other endings are refused and "
        "named, archives too: unpack them, so that each file in them has its own name and its own access. [How they "
        f"are read](../indexing.md#what-is-read)\n\n{_table('format | endings | media types | note', rows)}"
    )


def main() -> None:
    """Write the pages."""
    REFERENCE.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
