"""Finds the sources under the given paths: files with their metadata, and records of corpora."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import SourceInvalid
from .corpus import is_corpus, records
from .csv_parts import is_in_parts, parts
from .document import Metadata, Refusal, Source, canonical, digest_of, printable
from .folders import walk
from .manifests import Curated, Stray
from .metadata import is_metadata
from .roots import Roots

MEGABYTE = 1 << 20


@dataclass
class Discovery:
    """The sources under the paths in a fixed order, and the empty paths."""

    found: list[Source | Refusal] = field(default_factory=list)
    empty: list[Path] = field(default_factory=list)

    @property
    def sources(self) -> list[Source]:
        return [each for each in self.found if isinstance(each, Source)]

    @property
    def refused(self) -> list[Refusal]:
        return [each for each in self.found if isinstance(each, Refusal)]


def real_paths(paths: Sequence[Path]) -> dict[Path, Path]:
    """The given paths with links resolved, each with its original; raises SourceInvalid for a missing one."""
    for path in paths:
        if not os.path.exists(path):
            raise SourceInvalid(f"There is nothing at {path}; give files, folders or a corpus.jsonl.")
    return {path.resolve(): path.parent.resolve() / path.name for path in paths}


def discover(
    paths: Sequence[Path],
    *,
    most_megabytes: float,
    roots: Roots | None = None,
    follow_symlinks: bool = False,
    store: Path | None = None,
) -> Discovery:
    """Every document under the paths, but for those in the store; a file that cannot be one comes as a Refusal.

    A document's id is its path from its root's name on, or its record's id in a corpus.
    """
    roots_given = real_paths(paths)
    found = _Discoverer(roots_given, (roots or Roots()).including(roots_given), store, follow_symlinks, most_megabytes)
    discovery = Discovery()
    for path, alias in roots_given.items():
        before = len(discovery.found)
        discovery.found += found.below(path, alias)
        if len(discovery.found) == before and not any(
            path != other and path.is_relative_to(other) for other in roots_given
        ):
            discovery.empty.append(path)
    discovery.found = list(_each_once(discovery.found))
    return discovery


def _each_once(found: list[Source | Refusal]) -> Iterator[Source | Refusal]:
    """A second source with the same id becomes a Refusal."""
    seen: dict[str, str] = {}
    for each in found:
        if isinstance(each, Source):
            place = f"{each.path}" if each.place is None else f"{each.path} (record {each.id})"
            if each.id in seen:
                yield Refusal(each.file, printable(f"same name: {each.id} is also {seen[each.id]}"))
                continue
            seen[each.id] = place
            yield each
        else:
            yield replace(each, file=printable(each.file), reason=printable(each.reason))


class _Discoverer:
    """The discovery of one run; a file that is reached twice is found once."""

    def __init__(
        self,
        roots_given: Iterable[Path],
        roots: Roots,
        store: Path | None,
        follow_symlinks: bool,
        most_megabytes: float,
    ) -> None:
        self._roots, self._store = roots, store.resolve() if store else None
        self._follow, self._most = follow_symlinks, most_megabytes
        self._curated = Curated(self._inside, self._leads_out)
        self._done: set[str] = set()
        # All manifests are read before any file is: one may name a file of another folder.
        self._walks = {path: walk(path, self._leads_out, self._store) for path in roots_given}
        for folder in (folder for found in self._walks.values() for folder in found.folders):
            self._curated.strays(folder)

    def below(self, path: Path, alias: Path) -> Iterator[Source | Refusal]:
        """The sources below a path; metadata of the link by which it was given applies too."""
        found = self._walks[path]
        strays = [(folder, stray) for folder in found.folders for stray in self._curated.strays(folder)]
        files: dict[Path, list[Path]] = {}
        for file, real in found.files.items():
            files.setdefault(real, []).append(file)
        named = {real if self._is_plain(real) else names[0]: (real, names) for real, names in files.items()}
        for place, (real, names) in sorted(named.items()):
            name = self._roots.name(place)
            if name not in self._done and not is_metadata(real.name):
                self._done.add(name)
                aliases = [alias / each.relative_to(path) for each in names] if alias != path else []
                yield from self._file(real, name, [*names, *aliases])
        others = [Refusal(self._roots.name(refused), reason) for refused, reason in found.refused]
        for refusal in [*others, *(self._stray(folder, stray) for folder, stray in strays)]:
            if refusal.file not in self._done:
                self._done.add(refusal.file)
                yield refusal

    def _inside(self, path: Path) -> bool:
        return any(path.is_relative_to(root) for root in self._roots.names)

    def _leads_out(self, real: Path) -> bool:
        return not self._follow and not self._inside(real)

    def _is_plain(self, real: Path) -> bool:
        """Whether a file is also found under its own name rather than only through a link."""
        if not self._inside(real):
            return False
        return not any(part.startswith(".") for part in real.relative_to(self._roots.top(real)).parts)

    def _stray(self, folder: Path, stray: Stray) -> Refusal:
        kind = "access" if stray.restricts else "missing"
        if stray.sidecar:
            described = self._roots.name(stray.sidecar.with_name(stray.name)) if stray.name else ""
            why = f"{kind}: there is no file beside it that it could describe"
            return Refusal(self._roots.name(stray.sidecar), why, described)
        path = Path(os.path.normpath(folder / stray.name))
        name = self._roots.name(path) if self._inside(path) else path.as_posix()
        return Refusal(name, f"{kind}: a manifest.csv lists it, but it is not there")

    def _file(self, path: Path, name: str, names: list[Path]) -> Iterator[Source | Refusal]:
        if printable(name) != name:
            yield Refusal(name, "bad name: it is not UTF-8; rename the file or its folder")
            return
        try:
            metadata = self._curated.fields(path, names)
            about = canonical(metadata)
        except (SourceInvalid, UnicodeEncodeError) as error:
            yield Refusal(name, f"bad metadata: {error}")
            return
        if is_corpus(path):
            yield from _records(path, name, metadata)
        elif is_in_parts(path, self._most * MEGABYTE):
            yield from parts(path, name, metadata)
        else:
            yield self._whole(path, name, metadata, about)

    def _whole(self, path: Path, name: str, metadata: Metadata, about: bytes) -> Source | Refusal:
        try:
            size = path.stat().st_size
            if size > self._most * MEGABYTE:
                reason = f"too large: {size / MEGABYTE:.1f} MB, at most {self._most:g} MB are read"
                return Refusal(name, reason)
            content = path.read_bytes()
        except OSError as error:
            return Refusal(name, f"unreadable: {error.strerror}")
        return Source(name, name, path, digest_of(content, about), metadata)


def _records(path: Path, name: str, metadata: Metadata) -> Iterator[Source | Refusal]:
    none = True
    for each in records(path, name, metadata):
        none = False
        yield replace(each, within=name) if isinstance(each, Refusal) else each
    if none:
        yield Refusal(name, "empty: the corpus holds no records")
