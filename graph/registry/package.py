"""A package: a directory with all that one release needs to answer, as it is made, logged, fetched and opened.

warrant_model.py   the entry by which MLflow loads it; warrant_agent.py in the form of a ResponsesAgent
code/graph/        the code
code/release.yaml  every field, the prompts' texts among them
code/snapshot/     the Snapshot; or snapshot.json, which says where it lies and which one it has to be

MLflow puts into code/ what belongs to a model from code; while a package is being made it has no such folder.
"""

import asyncio
import importlib
import json
import os
import shutil
import subprocess
import weakref
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import yaml
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from ..errors import PackageBroken
from ..index.manifest import Manifest, check_fit, read_manifest
from ..index.store import lease, locate
from ..release import Release
from . import isolation

if TYPE_CHECKING:
    from ..agent import Agent

CODE, RELEASE, SNAPSHOT, POINTER = "graph", "release.yaml", "snapshot", "snapshot.json"
EXAMPLE = "input_example.json"
ENTRY, AGENT_ENTRY = "warrant_model.py", "warrant_agent.py"
HOME = Path(__file__).parent.parent
"""The folder of the code that is running."""
OWN = __name__.partition(".")[0]
"""The name of the package that is running."""
_open: Counter[str] = Counter()
"""How many agents stand on each isolated package."""
TEMPORARY = ".arriving-"
"""Start of the name of a directory that is being written; the process that writes it comes next."""


class Pointer(BaseModel):
    """Where an external Snapshot lies, and its id and digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    id: str
    digest: str


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
        snapshot = held.directory
        manifest = read_manifest(snapshot)
        check_fit(snapshot, manifest, release)
        shutil.copytree(HOME, root / CODE, ignore=shutil.ignore_patterns(*isolation.LEFT_OUT))
        for entry in (ENTRY, AGENT_ENTRY):
            shutil.copy(Path(__file__).parent / "mlflow_entry.py", root / entry)
        text = yaml.safe_dump(release.model_dump(), sort_keys=False, allow_unicode=True, width=100)
        (root / RELEASE).write_text(text, "utf-8")
        if external:
            pointer = Pointer(path=index.resolve(), id=manifest.id, digest=manifest.digest)
            (root / POINTER).write_text(pointer.model_dump_json(indent=1) + "\n", "utf-8")
        else:
            shutil.copytree(snapshot, root / SNAPSHOT)
            read_manifest(root / SNAPSHOT)
        code = isolation.code_digest(root / CODE)
        return Packed(root, release, manifest, package_digest(root), code, commit())


def commit() -> str:
    """The git commit of the code that runs; empty when it was not run from a checkout."""
    found = _git("rev-parse", "HEAD")
    return f"{found}+changes" if found and _git("status", "--porcelain", "--", ".") else found


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(HOME), *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def package_digest(root: Path) -> str:
    """SHA-256 over code, release, entry and Snapshot; raises PackageBroken when one of them is missing."""
    held = SNAPSHOT if part(root, SNAPSHOT).is_dir() else POINTER
    parts = {name: part(root, name) for name in (CODE, RELEASE, held)} | {ENTRY: root / ENTRY}
    for name, path in parts.items():
        if not path.exists():
            raise PackageBroken(f"{root} is not a whole package: {name} is missing. Log the release again.")
    return isolation.digest_of(*parts.items())


def is_intact(root: Path, digest: str) -> bool:
    """Whether a package is there and has this digest.

    What Python has compiled from its code is thrown away: the digest does not cover it. Another process that runs the
    same package may write it again at any time.
    """
    try:
        found = [
            Path(folder, name) for folder, inner, _ in os.walk(root) for name in inner if name in isolation.LEFT_OUT
        ]
        for compiled in found:
            shutil.rmtree(compiled, ignore_errors=True)
            if compiled.exists() and not os.access(compiled.parent, os.W_OK):
                return False
        return package_digest(root) == digest
    except (PackageBroken, OSError):
        return False


def part(root: Path, name: str) -> Path:
    """Where a part of a package lies."""
    return (root / "code" if (root / "code").is_dir() else root) / name


def snapshot_of(root: Path) -> Path:
    """The Snapshot of a package; raises PackageBroken when the one that it points to is not there, or another."""
    if part(root, SNAPSHOT).is_dir():
        return part(root, SNAPSHOT)
    try:
        pointer = Pointer.model_validate_json(part(root, POINTER).read_text("utf-8"))
    except (OSError, ValidationError) as error:
        raise PackageBroken(f"{root} has neither {SNAPSHOT} nor a {POINTER} that can be read.") from error
    found = read_manifest(locate(pointer.path))
    if (found.id, found.digest) != (pointer.id, pointer.digest):
        found_instead = f"The release was logged with the Snapshot {pointer.id}; at {pointer.path} there is {found.id}"
        raise PackageBroken(f"{found_instead}. Put that Snapshot back, or log the release again.")
    return locate(pointer.path)


def dotted(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Nested fields, such as those of a release, by their dotted names."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        inner = dotted(value) if isinstance(value, Mapping) else {"": value}
        flat |= {f"{name}.{rest}".rstrip("."): each for rest, each in inner.items()}
    return flat


def example_of(root: Path) -> dict[str, Any] | None:
    """The question with which a package was logged; None when there is none."""
    try:
        found = json.loads((root / EXAMPLE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    found = found[0] if isinstance(found, list) and found else found
    return found if isinstance(found, dict) and "question" in found else None


async def open_package(root: Path, digest: str) -> "Agent":
    """Open a package that has this digest; none of its code runs before it is compared. Raises PackageBroken."""
    if not await asyncio.to_thread(is_intact, root, digest):
        raise PackageBroken(f"The package {digest[:12]} is not what was logged: it was altered, or is missing.")
    return await open_checked(root)


async def open_checked(root: Path) -> "Agent":
    """Open a package whose digest was compared by its own code; where we run is read from the environment.

    Code that is the same as the running one's is not imported again. Raises a WarrantError, of the package's own
    classes where its code is another.
    """
    name = await asyncio.to_thread(_module_of, part(root, CODE))
    try:
        module = await asyncio.to_thread(importlib.import_module, f"{name}.packaged")
        agent: Agent = await module.open_packaged(root)
    except BaseException:
        _closed(name)
        raise
    weakref.finalize(agent, _closed, name)
    return agent


def cached_package(home: Path, digest: str, download: Callable[[Path], Path]) -> Path:
    """The directory `home/DIGEST` with a whole package; `download` puts one below a given directory and says where.

    One that is there is checked again. Several processes may want it at once. Raises PackageBroken when what was
    downloaded has another digest.
    """
    target = home / digest
    home.mkdir(parents=True, exist_ok=True)
    with FileLock(home / f"{digest}.lock"):
        if not is_intact(target, digest):
            _download(target, download)
    return target


def temporary_path(home: Path) -> Path:
    """A new name in a directory for what this process writes there."""
    return home / f"{TEMPORARY}{os.getpid()}-{uuid4().hex}"


def writer_of(path: Path) -> int:
    """The process that writes there."""
    return int(path.name.removeprefix(TEMPORARY).partition("-")[0])


def _download(target: Path, download: Callable[[Path], Path]) -> None:
    new, old = temporary_path(target.parent), temporary_path(target.parent)
    try:
        new.mkdir()
        found = download(new)
        if not is_intact(found, target.name):
            raise PackageBroken(f"{target.name[:12]} is not what was logged: its digest is another.")
        if target.exists():
            target.rename(old)
        found.rename(target)
    finally:
        for path in (new, old):
            shutil.rmtree(path, ignore_errors=True)


@cache
def _own_digest() -> str:
    return isolation.code_digest(HOME)


def _module_of(code: Path) -> str:
    """The name under which a package's code can be imported, held until `_closed`."""
    with isolation.LOCK:
        name = OWN if isolation.code_digest(code) == _own_digest() else isolation.isolate(code)
        _open[name] += 1
    return name


def _closed(name: str) -> None:
    """The last agent of an isolated package takes its modules along."""
    with isolation.LOCK:
        _open[name] -= 1
        if not _open[name] and name != OWN:
            isolation.forget(name)
