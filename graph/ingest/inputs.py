"""The input paths of one run, their current files, and their documents in the index."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .access import GROUPS
from .document import Refusal, Source, digest_of
from .previous import Rows, gone
from .roots import Roots
from .sources import Discovery, discover, real_paths


@dataclass(frozen=True)
class DiscoveryOptions:
    """The options of the file search, and the default groups."""

    store: Path
    most_megabytes: float
    follow_symlinks: bool
    default_groups: tuple[str, ...]


def check_paths(paths: Sequence[Path], known: Roots | None) -> None:
    """Raise SourceInvalid for a path with nothing at it, unless it is in the index by the roots that are known."""
    real_paths([path for path in paths if not (known and not path.exists() and known.scopes(path.resolve()))])


class Inputs:
    """The sources under the paths; `all_gone`: the files of an empty or missing path count as deleted."""

    def __init__(self, paths: Sequence[Path], known: Roots, options: DiscoveryOptions, *, all_gone: bool) -> None:
        there = [path for path in paths if not all_gone or path.exists()]
        self._paths, self._options, self._all_gone = [path.resolve() for path in paths], options, all_gone
        self.roots = known.including(real_paths(there))
        self._found = self._discover(there)
        self.sources = [self._by_default(source) for source in self._found.sources]
        self.refused: list[Refusal] = self._found.refused

    def _discover(self, paths: Sequence[Path]) -> Discovery:
        options = self._options
        return discover(
            paths,
            most_megabytes=options.most_megabytes,
            roots=self.roots,
            follow_symlinks=options.follow_symlinks,
            store=options.store,
        )

    def _by_default(self, source: Source) -> Source:
        """A source that may get its groups by default counts as changed when those change."""
        groups = self._options.default_groups
        if not groups or GROUPS in source.metadata:
            return source
        return replace(source, digest=digest_of(source.digest.encode(), ";".join(groups).encode()))

    def gone(self, before: Rows) -> set[str]:
        """Indexed documents that are no longer under the paths; none for a path without a file."""
        scopes = [scope for path in self._paths if path not in self._spared() for scope in self.roots.scopes(path)]
        return gone(before, {source.id for source in self.sources}, scopes, self.refused)

    def notes(self) -> list[str]:
        """Notes about paths that were not pruned."""
        why = "there is no file there. If that is right, give --prune-all."
        return [f"Nothing was pruned under {path}: {why}" for path in self._spared()]

    def _spared(self) -> list[Path]:
        """An empty folder may be a share that is not mounted."""
        return [] if self._all_gone else self._found.empty

    def copies_left(self, before: Rows, known: set[str]) -> list[Source]:
        """Duplicates outside the paths whose original has changed: read again, since their text is not stored."""
        left = {name for name, row in before.items() if row.duplicate_of} - known
        left -= {source.id for source in self.sources}
        paths = {self.roots.path(before[name].file) for name in left}
        again = self._discover(sorted(path for path in paths if path and path.exists())).sources if left else []
        return [self._by_default(source) for source in again if source.id in left]
