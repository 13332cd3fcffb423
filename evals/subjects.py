"""What is evaluated: a package as `warrant release log` logs it, so that its digest is the one that is promoted."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from graph.registry import RegistryReader
from graph.registry.package import pack, snapshot_of
from graph.release import Release
from graph.snapshot.manifest import read_manifest


@dataclass(frozen=True)
class Subject:
    """A package on disk; `version` is its number in the registry, `commit` git's where it was made here."""

    root: Path
    label: str
    digest: str
    snapshot: str
    version: int | None = None
    commit: str = ""


@contextmanager
def packed(release: Release, index: Path) -> Iterator[Subject]:
    """The code that runs here with a Release and a Snapshot, until the end of the block; raises SnapshotError."""
    with tempfile.TemporaryDirectory() as folder:
        found = pack(Path(folder), release, index, external=False)
        yield Subject(found.root, release.label, found.digest, found.manifest.id, commit=found.commit)


def registered(registry: RegistryReader, number: int, home: Path) -> Subject:
    """A version of the registry, fetched to `home`; raises a RegistryError."""
    version = registry.version(number)
    root = registry.fetch(version, home)
    return Subject(root, version.label, version.digest, read_manifest(snapshot_of(root)).id, number)
