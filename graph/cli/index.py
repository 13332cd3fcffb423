"""warrant index: documents become a Snapshot."""

import os
import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import Progress
from rich.table import Table

from ..errors import SettingsInvalid
from ..ingest.document import printable
from ..settings import point_to_tessdata
from .exit_codes import WITHHELD
from .options import SPARK, needs, settings_and_release, takes
from .terminal import Terminal, echo, json_text, progress_bar, table_of

if TYPE_CHECKING:
    from ..ingest.document import Refusal
    from ..ingest.options import Options, Outcome
    from ..release import Release

SHOWN = 30
PART = re.compile(r"#\d+\Z")
"""What the name of a part has behind that of its file."""


class Bar:
    """Shows on a terminal how many documents are done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("Finding documents", total=None)

    def expect(self, documents: int) -> None:
        self._progress.update(self._task, total=documents, description="Reading and embedding")

    def done(self, document: str) -> None:
        self._progress.advance(self._task)

    def publishing(self) -> None:
        self._progress.update(self._task, description="Publishing")


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", "-o", type=click.Path(path_type=Path), help="Where to publish. [default: WARRANT_INDEX]")
@takes("release")
@click.option("--prune", is_flag=True, help="Remove documents that are no longer under PATHS.")
@click.option("--prune-all", is_flag=True, help="Prune, even where a path is empty or no longer there.")
@click.option("--follow-symlinks", is_flag=True, help="Read what links out of PATHS lead to.")
@click.option(
    "--default-groups", metavar="A,B", help="Groups for documents that name none. [default: WARRANT_DEFAULT_GROUPS]"
)
@click.option("--strict", is_flag=True, help="Publish nothing when a file is refused.")
@click.option("--max-megabytes", default=200.0, show_default=True, help="The largest file that is read.")
@click.option("--ocr", default="", metavar="LANGUAGE", help="Read scans with Tesseract in this language, such as eng.")
@click.option("--engine", type=click.Choice(["local", "spark"]), default="local", show_default=True)
@click.option("--to", "table", metavar="TABLE", help="With spark: the Delta table of chunks; --out then is optional.")
@click.option("--master", help="Spark's master, such as spark://HOST:7077. [default: that of the cluster]")
@takes("json")
def index(
    paths: tuple[Path, ...],
    out: Path | None,
    release: Path | None,
    prune: bool,
    prune_all: bool,
    follow_symlinks: bool,
    default_groups: str | None,
    strict: bool,
    max_megabytes: float,
    ocr: str,
    engine: str,
    table: str | None,
    master: str | None,
    as_json: bool,
) -> int:
    """Index files, folders and corpora (corpus.jsonl[.gz] of {id, title, text, metadata}) into a Snapshot.

    Only what changed since the last run is worked on. A file that cannot be read never stops the run; its earlier
    version is taken out of the index. Interrupt at any time: the next run goes on from there.
    """
    settings, chosen = settings_and_release(out, release)
    from ..ingest import pipeline
    from ..ingest.options import Options

    if ocr:
        point_to_tessdata(ocr)
    groups = settings.default_groups if default_groups is None else default_groups
    options = Options(
        prune=prune,
        prune_all=prune_all,
        follow_symlinks=follow_symlinks,
        default_groups=groups_given(groups),
        strict=strict,
        threads=settings.cores,
        most_megabytes=max_megabytes,
        ocr=ocr,
    )
    if (engine == "spark") != bool(table) or (master and engine != "spark"):
        raise click.UsageError("--engine spark and --to TABLE go together, and --master goes with them.")
    if table:
        done, shown = _on_spark(paths, table, out, chosen, options, master), _show_table
    else:
        with progress_bar(Terminal(stderr=True)) as progress:
            done = as_dict(pipeline.index(paths, settings.index, chosen, options, Bar(progress)))
        shown = _show
    if as_json:
        echo(json_text(done))
    else:
        shown(done, Terminal())
    withheld = sum(refusal["withheld"] for refusal in done["refused"])
    in_doubt = [f"Withheld, because who may read them is in doubt: {withheld} (see the refused)."] if withheld else []
    for note in [*done.get("notes", []), *in_doubt]:
        echo(note, err=True)
    return WITHHELD if withheld else 0


def _on_spark(
    paths: tuple[Path, ...], table: str, out: Path | None, release: "Release", options: "Options", master: str | None
) -> dict[str, Any]:
    """Index into a table, and build a Snapshot of it where `out` says."""
    with needs(SPARK):
        from ..batch import spark
    from ..batch.spark_index import TableIndex

    indexed = TableIndex(spark.session(master), table, release, options)
    done = indexed.update(paths)
    path = indexed.snapshot(out) if out else None
    found = {**asdict(done), "refused": [_refused(each) for each in done.refused]}
    return {**found, "table": table, "snapshot": path and printable(os.fspath(path))}


def _refused(refusal: "Refusal") -> dict[str, Any]:
    return {"file": refusal.file, "reason": refusal.reason, "withheld": refusal.withheld}


def groups_given(text: str) -> tuple[str, ...]:
    """The groups of --default-groups or of the setting; raises SettingsInvalid for one that names none."""
    from ..errors import SourceInvalid
    from ..ingest.access import groups_of

    try:
        return tuple(groups_of(text)) if text else ()
    except SourceInvalid as error:
        raise SettingsInvalid(f"The default groups {text!r} name no group; write names with commas between.") from error


def as_dict(outcome: "Outcome") -> dict[str, Any]:
    """The outcome as --json prints it."""
    lists: dict[str, Any] = {
        "indexed": outcome.indexed,
        "refused": [_refused(each) for each in outcome.refused],
        "duplicates": outcome.duplicates,
        "removed": outcome.removed,
        "withdrawn": outcome.withdrawn,
    }
    held = outcome.manifest.counts
    counts = {name: len(each) for name, each in lists.items()}
    return {
        **lists,
        "warnings": [asdict(warning) for warning in outcome.warnings],
        "notes": outcome.notes,
        "snapshot": {"id": outcome.manifest.id, "path": printable(os.fspath(outcome.path))},
        "embedding": outcome.manifest.embedding,
        "counts": {
            **counts,
            "unchanged": outcome.unchanged,
            "documents": held.documents,
            "passages": held.passages,
        },
    }


def _show(done: dict[str, Any], console: Terminal) -> None:
    """What was indexed by kind, what was refused and why, and the Snapshot."""
    counts = done["counts"]
    kinds = Counter(PART.sub("", Path(name).suffix.lower()) or "records" for name in done["indexed"])
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    console.print(f"Indexed {counts['indexed']}" + (f" ({listed})" if listed else ""), highlight=False)
    taken = f"removed {counts['removed']}, withdrawn {counts['withdrawn']}"
    console.print(f"Unchanged {counts['unchanged']}, {taken}", highlight=False)
    for title, column, rows in (
        ("Copies, found under the first", "of", [*done["duplicates"].items()]),
        ("Warnings", "what", [(each["file"], each["message"]) for each in done["warnings"]]),
        ("Refused", "why", [(each["file"], each["reason"]) for each in done["refused"]]),
    ):
        if rows:
            console.print(_table(title, column, rows))
    held = f"{counts['documents']} documents, {counts['passages']} passages, {done['embedding']}"
    console.print(f"Snapshot [bold]{done['snapshot']['id']}[/] ({held})", highlight=False)


def _show_table(done: dict[str, Any], console: Terminal) -> None:
    """What was indexed into a table, and what was refused and why."""
    counts = f"Indexed {len(done['indexed'])}, unchanged {done['unchanged']}, removed {len(done['removed'])}"
    refused = done["refused"]
    echo(f"{counts}, copies {len(done['duplicates'])}, refused {len(refused)}; the chunks are in {done['table']}.")
    if refused:
        console.print(_table("Refused", "why", [(each["file"], each["reason"]) for each in refused]))
    if done["snapshot"]:
        echo(f"Snapshot {Path(done['snapshot']).name}")


def _table(title: str, column: str, rows: list[tuple[str, str]]) -> Table:
    more = [("...", f"and {len(rows) - SHOWN} more; --json lists them all")] if len(rows) > SHOWN else []
    return table_of(("file", column), [*rows[:SHOWN], *more], title=f"{title}: {len(rows)}", title_justify="left")
