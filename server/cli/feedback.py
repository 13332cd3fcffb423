"""warrant feedback: ratings as samples for an evaluation."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import click

from graph.cli.terminal import echo, json_text
from graph.files import write_whole
from server.observability.answer_store import Rating, read_feedback
from server.sensitive import StoredTexts
from server.settings import load_server_settings

MARKER = re.compile(r" ?\[\d+\]")


@click.group()
def feedback() -> None:
    """Ratings of answers."""


@feedback.command()
@click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    help="The server's state directory. [default: WARRANT_STATE]",
)
@click.option("--rating", type=click.Choice(["up", "down"]), help="Only this rating.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only ratings since this day (UTC).")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The output file. [default: standard output]"
)
def export(state: Path | None, rating: str | None, since: datetime | None, out: Path | None) -> None:
    """Export rated questions as eval samples in JSON lines, for a person to review."""
    settings = load_server_settings(state=state)
    start = since.replace(tzinfo=UTC).timestamp() if since else 0.0
    rows = read_feedback(settings.state, cast("Rating | None", rating), start, StoredTexts(settings).read)
    samples = [sample(row) for row in rows if row["asked"]]
    text = "".join(json_text(each, indent=None) + "\n" for each in samples)
    if out is None:
        echo(text, nl=False)
    else:
        write_whole(out, text)
    echo(f"{len(samples)} samples.", err=True)


def sample(row: dict[str, Any]) -> dict[str, Any]:
    """A rated question as a sample: an answer that was rated up is its reference.

    For other answers a person has to write the reference and set `answerable`, which is null.
    """
    question, answer = json.loads(row["asked"]), json.loads(row["answered"])
    liked, answered = row["rating"] == "up", answer["status"] != "declined"
    return {
        "id": row["request_id"],
        "question": question["question"],
        "history": question.get("history", []),
        "filters": question.get("filters", {}),
        "groups": question.get("groups", []),
        "reference": MARKER.sub("", answer["text"]) if liked and answered else None,
        "documents": sorted({each["document"] for each in answer["citations"]}) if liked else [],
        "answerable": answered if liked else None,
        "tags": ["feedback", row["rating"]],
        "note": row["comment"] or "",
        "origin": {
            "answer": answer["text"],
            "release": row["release"],
            "snapshot": row["snapshot"],
            "at": datetime.fromtimestamp(row["said"], UTC).isoformat(timespec="seconds"),
        },
    }
