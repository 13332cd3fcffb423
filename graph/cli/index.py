"""warrant index: documents become a Snapshot."""

import os
import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from ..errors import SettingsInvalid
from ..ingest.document import printable
from ..settings import point_to_tessdata
from .exit_codes import WITHHELD
from .options import SPARK, needs, settings_and_release, takes
from .terminal import Terminal, echo, json_text, progress_bar

if TYPE_CHECKING:
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
    if engine == "spark" and table:
        return _on_spark(paths, table, out, chosen, options, master, as_json=as_json)
    if engine == "spark" or table or master:
        raise click.UsageError("--engine spark and --to TABLE go together, and --master goes with them.")
    with progress_bar(Terminal(stderr=True)) as progress:
        outcome = pipeline.index(paths, settings.index, chosen, options, Bar(progress))
    if as_json:
        echo(json_text(as_dict(outcome)))
    else:
        show(outcome, Terminal())
    withheld = sum(refusal.withheld for refusal in outcome.refused)
    in_doubt = [f"Withheld, because who may read them is in doubt: {withheld} (see the refused)."] if withheld else []
    for note in [*outcome.notes, *in_doubt]:
        echo(note, err=True)
    return WITHHELD if withheld else 0


def _on_spark(
    paths: tuple[Path, ...],
    table: str,
    out: Path | None,
    release: "Release",
    options: "Options",
    master: str | None,
    *,
    as_json: bool,
) -> int:
    """Index into a table, and build a Snapshot of it where `out` says."""
    with needs(SPARK):
        from ..batch import spark
    from ..batch.spark_index import TableIndex

    indexed = TableIndex(spark.session(master), table, release, options)
    done = indexed.update(paths)
    path = indexed.snapshot(out) if out else None
    withheld = any(refusal.withheld for refusal in done.refused)
    if as_json:
        echo(json_text({**asdict(done), "snapshot": path and printable(os.fspath(path))}))
        return WITHHELD if withheld else 0
    counts = f"Indexed {len(done.indexed)}, unchanged {done.unchanged}, removed {len(done.removed)}"
    echo(f"{counts}, copies {len(done.duplicates)}, refused {len(done.refused)}; the chunks are in {table}.")
    for refusal in done.refused[:SHOWN]:
        echo(f"Refused {refusal.file}: {refusal.reason}", err=True)
    if path:
        echo(f"Snapshot {path.name}")
    return WITHHELD if withheld else 0


def groups_given(text: str) -> tuple[str, ...]:
    """The groups of --default-groups or of the setting; raises SettingsInvalid for one that names none."""
    from ..errors import SourceInvalid
    from ..ingest.access import groups_of

    try:
        return tuple(groups_of(text)) if text else ()
    except SourceInvalid as error:
        raise SettingsInvalid(f"The default groups {text!r} name no group; write names with commas between.") from error


def as_dict(outcome: "Outcome") -> dict[str, object]:
    """The outcome as --json prints it."""
    return {
        "indexed": outcome.indexed,
        "refused": [{"file": one.file, "reason": one.reason, "withheld": one.withheld} for one in outcome.refused],
        "warnings": [{"file": warning.file, "message": warning.message} for warning in outcome.warnings],
        "duplicates": outcome.duplicates,
        "removed": outcome.removed,
        "withdrawn": outcome.withdrawn,
        "notes": outcome.notes,
        "snapshot": {"id": outcome.manifest.id, "path": printable(os.fspath(outcome.path))},
        "counts": {
            "indexed": len(outcome.indexed),
            "unchanged": outcome.unchanged,
            "refused": len(outcome.refused),
            "duplicates": len(outcome.duplicates),
            "removed": len(outcome.removed),
            "withdrawn": len(outcome.withdrawn),
            "documents": outcome.manifest.counts.documents,
            "passages": outcome.manifest.counts.passages,
        },
    }


def show(outcome: "Outcome", console: Terminal) -> None:
    """What was indexed by kind, what was refused and why, and the Snapshot."""
    counts = outcome.manifest.counts
    kinds = Counter(PART.sub("", Path(name).suffix.lower()) or "records" for name in outcome.indexed)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    console.print(f"Indexed {len(outcome.indexed)}" + (f" ({listed})" if listed else ""), highlight=False)
    taken = f"removed {len(outcome.removed)}, withdrawn {len(outcome.withdrawn)}"
    console.print(f"Unchanged {outcome.unchanged}, {taken}", highlight=False)
    if outcome.duplicates:
        console.print(_table("Copies, found under the first", "of", list(outcome.duplicates.items())))
    if outcome.warnings:
        rows = [(warning.file, warning.message) for warning in outcome.warnings]
        console.print(_table("Warnings", "what", rows))
    if outcome.refused:
        console.print(_table("Refused", "why", [(refusal.file, refusal.reason) for refusal in outcome.refused]))
    held = f"{counts.documents} documents, {counts.passages} passages, {outcome.manifest.embedding}"
    console.print(f"Snapshot [bold]{outcome.manifest.id}[/] ({held})", highlight=False)


def _table(title: str, column: str, rows: list[tuple[str, str]]) -> Table:
    table = Table(title=f"{title}: {len(rows)}", title_justify="left", show_edge=False)
    table.add_column("file", overflow="fold")
    table.add_column(column, overflow="fold")
    for row in rows[:SHOWN]:
        table.add_row(*map(Text, row))
    if len(rows) > SHOWN:
        table.add_row("...", f"and {len(rows) - SHOWN} more; --json lists them all")
    return table
