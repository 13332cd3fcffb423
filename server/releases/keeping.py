"""What this server has served last, on disk: so that it starts while the registry is away, and lets old packages go."""

import json
import os
import shutil
from collections.abc import Collection
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from server.processes import alive
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
        self.home = home

    def last(self, track: str) -> Good | None:
        """The last version that was good on a track; None when there is none that is still here."""
        try:
            good = Good.model_validate_json((self.home / f"{track}.json").read_text("utf-8"))
        except (OSError, ValidationError):
            return None
        return good if self.package(good.digest).is_dir() else None

    def keep(self, track: str, good: Good) -> None:
        """Write it down in one step: whoever reads finds the one before or this one."""
        self.home.mkdir(parents=True, exist_ok=True)
        arriving = self.home / f".{track}.{os.getpid()}"
        with arriving.open("w", encoding="utf-8") as file:
            file.write(json.dumps(good.model_dump()) + "\n")
            file.flush()
            os.fsync(file.fileno())
        arriving.replace(self.home / f"{track}.json")

    def package(self, digest: str) -> Path:
        """Where a package lies."""
        return self.home / digest

    def hold(self, digests: Collection[str]) -> None:
        """Say which packages this process stands on, in place of what it said before."""
        self.home.mkdir(parents=True, exist_ok=True)
        (self.home / f"{os.getpid()}{HELD}").write_text("\n".join(digests), "utf-8")

    def tidy(self) -> None:
        """Remove packages that no process stands on, but for those that were good last, and the newest of the rest."""
        named = {good.digest for path in self.home.glob("*.json") if (good := self.last(path.stem))}
        there = [path for path in self.home.iterdir() if path.is_dir() and not path.name.startswith(".")]
        used = named | self._held()
        unused = sorted((path for path in there if path.name not in used), key=_age)
        for path in unused[BEFORE:]:
            shutil.rmtree(path, ignore_errors=True)

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
