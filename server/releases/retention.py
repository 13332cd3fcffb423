"""Packages on disk: which are in use, which version was served last, and which are deleted.

The version that was served last lets a server start while the registry is away.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from graph.errors import SettingsInvalid
from graph.files import write_private
from graph.processes import alive
from graph.registry.package import TEMPORARY, temporary_path, writer_of
from server.files import private_tree
from server.releases.deployments import Standing

KEPT_UNUSED = 1
"""Packages kept beside those in use: usually the one that production had before."""
IN_USE = ".held"


class LastGood(BaseModel):
    """The version that a target served last, with its standing and an override's reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    digest: str
    standing: Standing
    reason: str = ""


class PackageCache:
    """The directory of a model's packages, with a JSON file for each target that names the version it served last."""

    def __init__(self, home: Path) -> None:
        """Restrict `home` to its owner; raises SettingsInvalid when that fails."""
        self.home = home
        try:
            private_tree(home)
        except OSError as error:
            raise SettingsInvalid(f"{home} cannot be restricted to its owner: {error.strerror}.") from error
        self._in_use: Collection[str] = ()
        self._loading: Counter[str] = Counter()

    def last_good(self, target: str) -> LastGood | None:
        """The version that a target served last; None when there was none."""
        try:
            return LastGood.model_validate_json((self.home / f"{target}.json").read_text("utf-8"))
        except (OSError, ValidationError):
            return None

    def save_last_good(self, target: str, good: LastGood) -> None:
        """Write it atomically."""
        self.home.mkdir(parents=True, exist_ok=True)
        record = json.dumps(good.model_dump()) + "\n"
        write_private(self.home / f"{target}.json", record, temporary_path(self.home))

    def path(self, digest: str) -> Path:
        """The directory of a package."""
        return self.home / digest

    def acquire(self, digest: str) -> None:
        """Mark a package as being loaded: it is not deleted until `release` and the next `set_in_use`."""
        self._loading[digest] += 1
        self._declare()

    def release(self, digest: str) -> None:
        """Undo `acquire`."""
        self._loading[digest] -= 1

    def set_in_use(self, digests: Collection[str]) -> None:
        """Declare the packages that this process uses, in place of those declared before."""
        self._in_use = digests
        self._declare()

    def prune(self) -> None:
        """Delete packages that no process uses, except those served last and the newest of the rest.

        Unfinished downloads of processes that have died are deleted too.
        """
        with self._lock():
            last = {good.digest for path in self.home.glob("*.json") if (good := self.last_good(path.stem))}
            packages = [path for path in self.home.iterdir() if path.is_dir() and not path.name.startswith(".")]
            used = last | self._used_by_any_process()
            unused = sorted((path for path in packages if path.name not in used), key=_age)
            abandoned = [path for path in self.home.glob(f"{TEMPORARY}*") if not alive(writer_of(path))]
            for path in [*unused[KEPT_UNUSED:], *abandoned]:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _lock(self) -> FileLock:
        """Keeps one process from deleting what another is about to declare."""
        self.home.mkdir(parents=True, exist_ok=True)
        return FileLock(self.home / ".lock")

    def _declare(self) -> None:
        with self._lock():
            digests = {*self._in_use, *(+self._loading)}
            (self.home / f"{os.getpid()}{IN_USE}").write_text("\n".join(digests), "utf-8")

    def _used_by_any_process(self) -> set[str]:
        """The packages of living processes; the files of dead ones are deleted."""
        found: set[str] = set()
        for path in self.home.glob(f"*{IN_USE}"):
            if alive(int(path.name.removesuffix(IN_USE))):
                found.update(path.read_text("utf-8").split())
            else:
                path.unlink(missing_ok=True)
        return found


def _age(path: Path) -> float:
    return -path.stat().st_mtime
