"""The options, progress and result of an indexing run."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..index.manifest import Manifest
from .document import FileWarning, Refusal


@dataclass(frozen=True)
class Options:
    """Options of a run: `prune` removes deleted documents, `strict` publishes nothing when a file was refused."""

    prune: bool = False
    prune_all: bool = False
    """Prune also paths that are empty or missing."""
    strict: bool = False
    follow_symlinks: bool = False
    default_groups: tuple[str, ...] = ()
    """Who may find the documents that name no groups; everybody if empty."""
    threads: int = 1
    most_megabytes: float = 200
    """Of a file, unpacked."""
    seconds_per_file: float = 120
    memory_megabytes: float = 2048
    """Of memory, for reading one file."""
    patience: float = 600
    ocr: str = ""
    """Tesseract's name of the OCR language; without one, scans are not read."""


@dataclass(frozen=True)
class Outcome:
    """The result of a run by document id, and the current Snapshot; duplicates count as indexed."""

    manifest: Manifest
    path: Path
    indexed: list[str] = field(default_factory=list)
    duplicates: dict[str, str] = field(default_factory=dict)
    removed: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    """Earlier versions of refused files, which are no longer served."""
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)
    warnings: list[FileWarning] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Sentences about what the run did not do."""


class Progress(Protocol):
    """Receives the progress of a run."""

    def expect(self, documents: int) -> None: ...

    def done(self, document: str) -> None: ...

    def publishing(self) -> None: ...
