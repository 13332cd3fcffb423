"""The names of documents: each indexed folder or file is a root, and names the files below it.

STORE/roots.json keeps them, so that a file has one name however its folder is named when it is indexed again.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import SnapshotBroken
from ..files import write_whole

FILE = "roots.json"


@dataclass(frozen=True)
class Roots:
    """Absolute paths without links, and their names; no name is below another one."""

    names: Mapping[Path, str] = field(default_factory=dict)

    @classmethod
    def read(cls, store: Path) -> "Roots":
        """The roots of a store; none for a new one. Raises SnapshotBroken."""
        try:
            known = json.loads((store / FILE).read_text("ascii"))
            return cls({Path(path): str(name) for path, name in known.items()})
        except FileNotFoundError:
            return cls()
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise SnapshotBroken(
                f"{store / FILE} cannot be read: {error}. It names the folders that were indexed; delete it to name "
                "them anew."
            ) from error

    def write(self, store: Path) -> None:
        """Keep them; raises OSError."""
        write_whole(store / FILE, json.dumps({str(path): name for path, name in self.names.items()}, indent=1))

    def including(self, paths: Iterable[Path]) -> "Roots":
        """These roots and those of the paths that lie below none of them.

        A root that is no longer there hands its name over: a checkout may lie elsewhere each time.
        """
        names = dict(self.names)
        for path in sorted(paths, key=lambda path: len(path.parts)):
            if not any(path.is_relative_to(root) for root in names):
                name = next(each for each in _possible_names(path) if not _taken(each, names))
                names = {root: known_name for root, known_name in names.items() if not _clash(name, known_name)}
                names[path] = name
        return Roots(names)

    def name(self, path: Path) -> str:
        """The name of a file, relative to its nearest root."""
        root = max((root for root in self.names if path.is_relative_to(root)), key=lambda root: len(root.parts))
        return self.names[root] if path == root else f"{self.names[root]}/{path.relative_to(root).as_posix()}"

    def top(self, path: Path) -> Path:
        """The outermost root that a path lies below."""
        return min((root for root in self.names if path.is_relative_to(root)), key=lambda root: len(root.parts))

    def path(self, name: str) -> Path | None:
        """The path of a name's file, if its root is known."""
        for root, known_name in self.names.items():
            if name == known_name:
                return root
            if name.startswith(f"{known_name}/"):
                return root / name.removeprefix(f"{known_name}/")
        return None

    def scopes(self, path: Path) -> list[str]:
        """The scopes below a path: its own name, and those of roots below it."""
        own = [self.name(path)] if any(path.is_relative_to(root) for root in self.names) else []
        return [*own, *(name for root, name in self.names.items() if root.is_relative_to(path))]


def below(name: str, scopes: Sequence[str]) -> bool:
    """Whether a name is one of the scopes or lies below one."""
    return any(name == scope or name.startswith(f"{scope}/") for scope in scopes)


def _possible_names(path: Path) -> Iterator[str]:
    """The last part of a path, its last two, and so on; then the whole path."""
    parts = path.parts[1:]
    for length in range(1, len(parts) + 1):
        yield "/".join(parts[-length:])
    yield path.as_posix().rstrip("/")


def _taken(name: str, names: Mapping[Path, str]) -> bool:
    return any(_clash(name, known_name) and _is_there(root) for root, known_name in names.items())


def _clash(name: str, other: str) -> bool:
    return below(name, [other]) or below(other, [name])


def _is_there(path: Path) -> bool:
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
