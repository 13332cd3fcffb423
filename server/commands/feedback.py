"""warrant feedback: what people said of the answers, as samples for an evaluation."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import click

from graph.cli.terminal import echo, json_text
from graph.files import write_whole
from server.settings import load_server_settings
from server.watching.diary import Rating, read_feedback

MARKER = re.compile(r" ?\[\d+\]")


@click.group()
def feedback() -> None:
    """What people said of the answers."""


@feedback.command()
@click.option(
    "--state", type=click.Path(path_type=Path, file_okay=False), help="The server's state. [default: WARRANT_STATE]"
)
@click.option("--rating", type=click.Choice(["up", "down"]), help="Only these.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only what was said since a day (UTC).")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="A file to write. [default: standard output]"
)
def export(state: Path | None, rating: str | None, since: datetime | None, out: Path | None) -> None:
    """Turn rated questions into eval samples, one JSON object a line, for a person to look through."""
    settings = load_server_settings(state=state)
    start = since.replace(tzinfo=UTC).timestamp() if since else 0.0
    rows = read_feedback(settings.state, cast("Rating | None", rating), start)
    samples = [sample(dict(row)) for row in rows if row["asked"]]
    text = "".join(json_text(each, indent=None) + "\n" for each in samples)
    if out is None:
        echo(text, nl=False)
    else:
        write_whole(out, text)
    echo(f"{len(samples)} samples.", err=True)


def sample(row: dict[str, Any]) -> dict[str, Any]:
    """A rated question as a sample: an answer that was liked is its reference; of others nothing is known yet.

    A person has to say whether it is `answerable`, which is null then, and to write the reference.
    """
    asked, answered = json.loads(row["asked"]), json.loads(row["answered"])
    liked, given = row["rating"] == "up", answered["status"] != "declined"
    return {
        "id": row["request_id"],
        "question": asked["question"],
        "history": asked.get("history", []),
        "filters": asked.get("filters", {}),
        "groups": asked.get("groups", []),
        "reference": MARKER.sub("", answered["text"]) if liked and given else None,
        "documents": sorted({each["file"] for each in answered["citations"]}) if liked else [],
        "answerable": given if liked else None,
        "tags": ["feedback", row["rating"]],
        "note": row["comment"] or "",
        "origin": {
            "answer": answered["text"],
            "release": row["release"],
            "snapshot": row["snapshot"],
            "at": datetime.fromtimestamp(row["said"], UTC).isoformat(timespec="seconds"),
        },
    }
