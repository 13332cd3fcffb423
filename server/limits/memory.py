"""How much of the memory is in use: of the container's where it has a limit, else of the machine's."""

from pathlib import Path

ROOT = Path("/")


def memory_in_use(root: Path = ROOT) -> float:
    """A share from 0 to 1, without what the system can take back; 0 where no /proc says it, as on macOS."""
    group = root / "sys" / "fs" / "cgroup"
    try:
        most = int((group / "memory.max").read_text("ascii"))
        used = int((group / "memory.current").read_text("ascii"))
        return max(0, used - _counts(group / "memory.stat")["inactive_file"]) / most
    except (OSError, ValueError, KeyError):  # There is no limit, or no control group.
        counts = _counts(root / "proc" / "meminfo")
        return 1 - counts["MemAvailable"] / counts["MemTotal"] if "MemAvailable" in counts else 0.0


def _counts(path: Path) -> dict[str, int]:
    """The numbers of a file of lines such as `MemTotal: 16 kB` or `inactive_file 16`."""
    if not path.exists():
        return {}
    lines = (line.replace(":", " ").split() for line in path.read_text("ascii").splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}
