"""Walks the given folders; refuses files and links that must not be opened."""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .metadata import is_metadata

LEADS_OUT = "link: it leads out of the folder that was given; --follow-symlinks reads it all the same"


@dataclass
class Walk:
    """The files below a folder with their real paths, the folders, and the refusals with reasons."""

    files: dict[Path, Path] = field(default_factory=dict)
    folders: list[Path] = field(default_factory=list)
    refused: list[tuple[Path, str]] = field(default_factory=list)


def walk(root: Path, leads_out: Callable[[Path], bool], skipped: Path | None = None) -> Walk:
    """Walk a folder, or one file, without hidden entries; refuses a link that `leads_out`."""
    found = Walk()
    waiting, entered = [root], {skipped}
    if not root.is_dir():
        waiting = []
        _sort_in(root, root, found, waiting, leads_out)
    while waiting:
        folder = waiting.pop()
        real = folder.resolve()
        if real in entered:
            continue
        entered.add(real)
        found.folders.append(folder)
        for name in _names(folder, found):
            _sort_in(folder / name, real / name, found, waiting, leads_out)
    found.files = dict(sorted(found.files.items()))
    found.refused.sort()
    return found


def _names(folder: Path, found: Walk) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if not name.startswith(".") and not is_metadata(name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        found.refused.append((folder, f"unreadable: {error.strerror}"))
        return []


def _sort_in(path: Path, real: Path, found: Walk, waiting: list[Path], leads_out: Callable[[Path], bool]) -> None:
    try:
        if path.is_symlink() and leads_out(real := path.resolve(strict=True)):
            found.refused.append((path, LEADS_OUT))
            return
        mode = path.stat().st_mode
    except (OSError, RuntimeError) as error:
        # Before Python 3.13 a loop of links is a RuntimeError.
        found.refused.append((path, f"unreadable: {getattr(error, 'strerror', None) or 'its links go round'}"))
        return
    if stat.S_ISDIR(mode):
        waiting.append(path)
    elif stat.S_ISREG(mode):
        found.files[path] = real
    else:
        found.refused.append((path, "unsupported: pipes, devices and sockets are not opened"))
