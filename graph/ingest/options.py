"""How an indexing run is to be done, what it tells while it runs, and what it has done."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..index.manifest import Manifest
from .document import FileWarning, Refusal
from .reading import Limits


@dataclass(frozen=True)
class Options:
    """How to run: `prune` drops what is no longer found, `strict` publishes nothing when a file was refused."""

    prune: bool = False
    prune_all: bool = False
    """Also of paths with nothing at or under them."""
    strict: bool = False
    follow_symlinks: bool = False
    default_groups: tuple[str, ...] = ()
    """Who may find the documents that name no groups; everybody if empty."""
    threads: int = 1
    most_megabytes: float = 200
    seconds_per_file: float = 120
    memory_megabytes: float = 2048
    """Megabytes of memory that a reader may take for one file."""
    patience: float = 600
    ocr: str = ""
    """Tesseract's name of the language that scans are read in; none are read without."""

    @property
    def limits(self) -> Limits:
        """What reading one file may take."""
        return Limits(self.threads, self.seconds_per_file, self.most_megabytes, self.memory_megabytes)


@dataclass(frozen=True)
class Outcome:
    """What a run did, by document id, and the Snapshot that is now in force; copies are among the indexed."""

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
    """What the run did not do, in sentences."""


class Progress(Protocol):
    """Is told how far the run is."""

    def expect(self, documents: int) -> None: ...

    def done(self, document: str) -> None: ...

    def publishing(self) -> None: ...
