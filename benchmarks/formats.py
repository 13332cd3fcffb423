"""Which real files `warrant index` reads, by format, and what it says of those that it refuses.

Set: docs_formats, 73 example documents of Unstructured-IO/unstructured on GitHub; its manifest marks edge cases
(password-protected, malformed, wrong code page, empty ...). Every ordinary file should be indexed, and every other one
indexed or refused with a reason.
"""

import csv
import json
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.record import ROOT, Target, Timed, begin, print_table, record, timed

SET = "docs_formats"
ORDINARY = "ordinary"


@dataclass(frozen=True)
class File:
    """A file of the set and what became of it; `reason` is the refusal's, empty for an indexed file."""

    name: str
    format: str
    kind: str
    outcome: str
    reason: str


def main() -> None:
    data = begin(__doc__, [f"{SET}/files.tar.gz", f"{SET}/manifest.tsv"])
    with tempfile.TemporaryDirectory() as place:
        run = timed(index, data / SET / "files.tar.gz", Path(place))
    files = judge(data / SET / "manifest.tsv", run.value)
    formats = [(name, *count(files, name).values()) for name in sorted({file.format for file in files})]
    print_table("Formats", ("format", "files", "indexed", "refused", "lost"), formats)
    refusals = [(file.name, file.kind, file.reason) for file in files if file.outcome != "indexed"]
    print_table("Not indexed", ("file", "kind", "reason"), refusals)
    record("formats", results_of(files, run), targets_of(files))


def index(archive: Path, place: Path) -> dict[str, Any]:
    """Unpack and index the set as a user would; what the command prints as JSON."""
    with tarfile.open(archive) as packed:
        packed.extractall(place / "files", filter="data")
    roots = sorted(map(str, (place / "files").iterdir()))
    command = [sys.executable, "-m", "warrant", "index", *roots, "--out", str(place / "store"), "--json"]
    done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def judge(manifest: Path, found: dict[str, Any]) -> list[File]:
    """Every file of the manifest with its outcome: indexed, refused, or lost when the command says neither."""
    indexed = set(found["indexed"])
    reasons = {each["file"]: each["reason"] for each in found["refused"]}
    files = []
    with manifest.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            name = row["file"]
            outcome = "indexed" if name in indexed else "refused" if name in reasons else "lost"
            files.append(File(name, row["format"], row["kind"], outcome, reasons.get(name, "")))
    return files


def count(files: list[File], form: str) -> dict[str, int]:
    outcomes = [file.outcome for file in files if file.format == form]
    return {"files": len(outcomes), **{each: outcomes.count(each) for each in ("indexed", "refused", "lost")}}


def results_of(files: list[File], run: Timed[dict[str, Any]]) -> dict[str, Any]:
    refused = [file for file in files if file.outcome != "indexed"]
    return {
        "formats": {name: count(files, name) for name in {file.format for file in files}},
        "not_indexed": {file.name: {"kind": file.kind, "reason": file.reason} for file in refused},
        "duplicates": run.value["duplicates"],
        "passages": run.value["counts"]["passages"],
        "seconds": round(run.seconds, 2),
    }


def targets_of(files: list[File]) -> list[Target]:
    ordinary = [file for file in files if file.kind == ORDINARY]
    indexed = sum(file.outcome == "indexed" for file in ordinary)
    explained = sum(file.outcome == "indexed" or bool(file.reason) for file in files)
    return [
        Target("ordinary files indexed", indexed, at_least=len(ordinary)),
        Target("files indexed or refused with a reason", explained, at_least=len(files)),
    ]


if __name__ == "__main__":
    main()
