"""Puts a package together from what runs here: the code, the Release, the Snapshot, the entry."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..release import Release
from ..snapshot.manifest import Manifest, check_fit, read_manifest
from ..snapshot.store import lease
from . import isolation, package

HASHED = shutil.ignore_patterns(*isolation.LEFT_OUT)


@dataclass(frozen=True)
class Packed:
    """A package that is ready to be logged; `commit` is git's, with `+changes` when the checkout had any."""

    root: Path
    release: Release
    manifest: Manifest
    digest: str
    code: str
    commit: str


def pack(root: Path, release: Release, index: Path, *, external: bool) -> Packed:
    """Make a package in an empty directory; `external`: point to the Snapshot instead of copying it.

    Raises SnapshotError when there is no Snapshot that fits the Release, or its copy is not whole.
    """
    with lease(index) as held:
        return _packed(root, release, index, held.directory, external=external)


def _packed(root: Path, release: Release, index: Path, snapshot: Path, *, external: bool) -> Packed:
    manifest = read_manifest(snapshot)
    check_fit(snapshot, manifest, release)
    shutil.copytree(package.HOME, root / package.CODE, ignore=HASHED)
    for entry in (package.ENTRY, package.AGENT_ENTRY):
        shutil.copy(Path(__file__).parent / "entry.py", root / entry)
    told = yaml.safe_dump(release.model_dump(), sort_keys=False, allow_unicode=True, width=100)
    (root / package.RELEASE).write_text(told, "utf-8")
    if external:
        pointer = package.Pointer(path=index.resolve(), id=manifest.id, digest=manifest.digest)
        (root / package.POINTER).write_text(pointer.model_dump_json(indent=1) + "\n", "utf-8")
    else:
        shutil.copytree(snapshot, root / package.SNAPSHOT)
        read_manifest(root / package.SNAPSHOT)
    code = isolation.code_digest(root / package.CODE)
    return Packed(root, release, manifest, package.package_digest(root), code, commit())


def commit() -> str:
    """The git commit of the code that runs; empty when it was not run from a checkout."""
    found = _git("rev-parse", "HEAD")
    return f"{found}+changes" if found and _git("status", "--porcelain", "--", ".") else found


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(package.HOME), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
