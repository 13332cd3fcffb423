"""What this server has served last, on disk: so that it starts while the registry is away, and lets old packages go."""

import json
import os
import shutil
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from graph.errors import SettingsInvalid
from graph.processes import alive
from graph.registry.package_cache import TEMPORARY, temporary_path, writer_of
from server.private import owner_alone, private_tree
from server.releases.slots import Standing

BEFORE = 1
"""Packages kept beside those in use: most often the one that production had before."""
HELD = ".held"


class Good(BaseModel):
    """A version that has answered here; `standing` and `reason` are how it stood."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    digest: str
    standing: Standing
    reason: str = ""


class Keeping:
    """The directory of a model's packages, and beside them which of them was good last, by track."""

    def __init__(self, home: Path) -> None:
        """`home` is closed to other users of the machine; raises SettingsInvalid where it cannot be."""
        self.home = home
        try:
            private_tree(home)
        except OSError as error:
            raise SettingsInvalid(f"{home}, where releases are kept, cannot be closed: {error.strerror}.") from error
        self._used: Collection[str] = ()
        self._loading: Counter[str] = Counter()

    def last(self, track: str) -> Good | None:
        """The last version that was good on a track; None when there was none."""
        try:
            return Good.model_validate_json((self.home / f"{track}.json").read_text("utf-8"))
        except (OSError, ValidationError):
            return None

    def keep(self, track: str, good: Good) -> None:
        """Write it down in one step: whoever reads finds the one before or this one."""
        self.home.mkdir(parents=True, exist_ok=True)
        new = temporary_path(self.home)
        with open(new, "w", encoding="utf-8", opener=owner_alone) as file:
            file.write(json.dumps(good.model_dump()) + "\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.home / f"{track}.json")

    def package(self, digest: str) -> Path:
        """Where a package lies."""
        return self.home / digest

    def claim(self, digest: str) -> None:
        """Say that a package is being loaded: nobody removes it until it is yielded up and `hold` was called again."""
        self._loading[digest] += 1
        self._say()

    def yield_up(self, digest: str) -> None:
        """Take a claim back."""
        self._loading[digest] -= 1

    def hold(self, digests: Collection[str]) -> None:
        """Say which packages this process stands on, in place of what it said before."""
        self._used = digests
        self._say()

    def tidy(self) -> None:
        """Remove packages that no process stands on, but for those that were good last, and the newest of the rest.

        What processes that have died were bringing goes too.
        """
        with self._alone():
            named = {good.digest for path in self.home.glob("*.json") if (good := self.last(path.stem))}
            there = [path for path in self.home.iterdir() if path.is_dir() and not path.name.startswith(".")]
            used = named | self._held()
            unused = sorted((path for path in there if path.name not in used), key=_age)
            left = [path for path in self.home.glob(f"{TEMPORARY}*") if not alive(writer_of(path))]
            for path in [*unused[BEFORE:], *left]:
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def _alone(self) -> FileLock:
        """Nothing is removed by one process while another says that it stands on it."""
        self.home.mkdir(parents=True, exist_ok=True)
        return FileLock(self.home / ".lock")

    def _say(self) -> None:
        with self._alone():
            stood_on = {*self._used, *(+self._loading)}
            (self.home / f"{os.getpid()}{HELD}").write_text("\n".join(stood_on), "utf-8")

    def _held(self) -> set[str]:
        """What living processes stand on; what dead ones have left is cleared away."""
        found: set[str] = set()
        for path in self.home.glob(f"*{HELD}"):
            if alive(int(path.name.removesuffix(HELD))):
                found.update(path.read_text("utf-8").split())
            else:
                path.unlink(missing_ok=True)
        return found


def _age(path: Path) -> float:
    return -path.stat().st_mtime
