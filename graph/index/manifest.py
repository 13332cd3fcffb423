"""The manifest of a Snapshot: its contents, how it was built, and its files."""

import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import SnapshotBroken, SnapshotMismatch, SnapshotMissing
from ..filters import ColumnType
from ..release import Chunking, Release

MANIFEST = "manifest.json"


class Counts(BaseModel):
    """The numbers of documents with passages, of duplicates, and of passages."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    documents: int
    duplicates: int
    passages: int


class Manifest(BaseModel):
    """The manifest; `digest` covers the documents' digests and the recipe.

    `files` gives the size of each file in bytes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    id: str
    digest: str
    created: str
    recipe: str
    embedding: str
    dimensions: int
    chunking: Chunking
    counts: Counts
    columns: dict[str, ColumnType]
    vector_index: Literal["exact", "ivf_rq"]
    files: dict[str, int]


def read_manifest(directory: Path) -> Manifest:
    """Read and check a Snapshot's manifest; raises SnapshotMissing or SnapshotBroken."""
    path = directory / MANIFEST
    try:
        manifest = Manifest.model_validate_json(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise SnapshotMissing(f"There is no Snapshot at {directory}; make one with `warrant index PATH`.") from error
    except (OSError, UnicodeDecodeError, ValidationError) as error:
        raise SnapshotBroken(f"{path} is not a Snapshot's manifest; index the documents again.") from error
    for name, size in manifest.files.items():
        _check_file(directory, name, size)
    return manifest


def check_fit(directory: Path, manifest: Manifest, release: Release) -> None:
    """Raise SnapshotMismatch when a release cannot search a Snapshot."""
    if manifest.embedding != release.embedding:
        made = f"The Snapshot {directory} was made with the embedding {manifest.embedding}"
        named = f"the release {release.label} names {release.embedding}"
        raise SnapshotMismatch(f"{made}, but {named}; index again with this release or name the other one.")


def _check_file(directory: Path, name: str, size: int) -> None:
    try:
        found = (directory / name).stat().st_size
    except FileNotFoundError as error:
        lost = f"The Snapshot {directory} is incomplete: {name} is missing"
        raise SnapshotBroken(f"{lost}; copy it again or index again.") from error
    if found != size:
        cut = f"The Snapshot {directory} is damaged: {name} has {found} bytes instead of {size}"
        raise SnapshotBroken(f"{cut}; copy it again or index again.")


def files_of(directory: Path) -> dict[str, int]:
    """The size of every file below a directory, except its manifest, by relative path."""
    files = (path for path in sorted(directory.rglob("*")) if path.is_file())
    return {p.relative_to(directory).as_posix(): p.stat().st_size for p in files if p.name != MANIFEST}


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write the manifest of a new Snapshot."""
    text = json.dumps(manifest.model_dump(mode="json"), indent=1, sort_keys=True)
    (directory / MANIFEST).write_text(text + "\n", "utf-8")
