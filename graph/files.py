"""Files that are there whole or not at all."""

from pathlib import Path


def write_whole(path: Path, content: str | bytes) -> None:
    """Write in one step: whoever reads finds what was there before, or all of this; raises OSError."""
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
    unfinished.replace(path)
