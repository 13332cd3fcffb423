"""Files that are there whole or not at all."""

import os
from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Write in one step: whoever reads finds what was there before, or all of this; raises OSError."""
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
    unfinished.replace(path)


def write_private(path: Path, text: str, draft: Path | None = None) -> None:
    """Write in one step, readable for the owner alone, and on disk before this returns; raises OSError.

    `draft` is what is written first: a path of its own where several processes may write at once.
    """
    unfinished = draft or path.with_name(f"{path.name}.new")
    with open(unfinished, "w", encoding="utf-8", opener=private_opener) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def private_opener(path: str, flags: int) -> int:
    """An opener for `open` that creates files with mode 0600."""
    return os.open(path, flags, 0o600)
