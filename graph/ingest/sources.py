"""Finds the sources under the given paths: files with their metadata, and records of corpora; and what is gone."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import SourceInvalid
from .access import GROUPS
from .corpus import is_corpus, records
from .csv_parts import is_in_parts, is_table, parts
from .document import Metadata, Refusal, Source, canonical, digest_of, printable
from .folders import walk
from .manifests import Curated, Stray
from .metadata import is_metadata
from .options import Options
from .previous import Rows
from .roots import Roots, below

MEGABYTE = 1 << 20


def check_paths(paths: Sequence[Path], known: Roots) -> None:
    """Raise SourceInvalid for a path with nothing at it, unless one of the known roots is there or below."""
    real_paths([path for path in paths if path.exists() or not known.scopes(path.resolve())])


def real_paths(paths: Sequence[Path]) -> dict[Path, Path]:
    """The given paths with links resolved, each with its original; raises SourceInvalid for a missing one."""
    for path in paths:
        if not os.path.exists(path):
            raise SourceInvalid(f"There is nothing at {path}; give files, folders or a corpus.jsonl.")
    return {path.resolve(): path.parent.resolve() / path.name for path in paths}


class Inputs:
    """The sources under the paths of one run, but for those in the store, and its refusals; each in a fixed order."""

    def __init__(self, paths: Sequence[Path], known: Roots, options: Options, store: Path) -> None:
        there = [path for path in paths if not options.prune_all or path.exists()]
        self._prunes = options.prune or options.prune_all
        self._paths, self._options, self._store = [path.resolve() for path in paths], options, store
        self.roots = known.including(real_paths(there))
        self.sources, self.refused, self.empty = self._discover(there)

    def _discover(self, paths: Sequence[Path]) -> tuple[list[Source], list[Refusal], list[Path]]:
        """Also the paths without a file, for an empty folder may be a share that is not mounted."""
        given = real_paths(paths)
        discoverer = _Discoverer(given, self.roots, self._options, self._store)
        found = {path: [*discoverer.below(path, alias)] for path, alias in given.items()}
        inner = [path for path in given if any(path != other and path.is_relative_to(other) for other in given)]
        empty = [path for path in given if not found[path] and path not in inner]
        unique = [*_each_once(each for some in found.values() for each in some)]
        sources = [self._by_default(each) for each in unique if isinstance(each, Source)]
        return sources, [each for each in unique if isinstance(each, Refusal)], empty

    def _by_default(self, source: Source) -> Source:
        """A source that may get its groups by default counts as changed when those change."""
        groups = self._options.default_groups
        if not groups or GROUPS in source.metadata:
            return source
        return replace(source, digest=digest_of(source.digest.encode(), ";".join(groups).encode()))

    def gone(self, before: Rows) -> set[str]:
        """Former parts of changed tables; in a run that prunes, also all indexed documents that left the paths."""
        missing = before.keys() - {source.id for source in self.sources}
        tables = {source.file for source in self.sources if is_table(source.path)}
        stale = {name for name in missing if before[name].file in tables}
        return stale | self._pruned(before, missing) if self._prunes else stale

    def _pruned(self, before: Rows, missing: set[str]) -> set[str]:
        """None under a path without a file, or one that cannot be read."""
        scopes = [scope for path in self._paths if path not in self._spared() for scope in self.roots.scopes(path)]
        unread = [refusal.file for refusal in self.refused if refusal.kind == "unreadable"]
        return {name for name in missing if below(before[name].file, scopes) and not below(before[name].file, unread)}

    def notes(self) -> list[str]:
        """Notes about paths that were not pruned."""
        why = "there is no file there. If that is right, give --prune-all."
        return [f"Nothing was pruned under {path}: {why}" for path in self._spared() if self._prunes]

    def _spared(self) -> list[Path]:
        return [] if self._options.prune_all else self.empty

    def copies_left(self, before: Rows, known: set[str]) -> list[Source]:
        """Duplicates outside the paths whose original has changed: read again, since their text is not stored."""
        left = {name for name, row in before.items() if row.duplicate_of} - known
        left -= {source.id for source in self.sources}
        paths = {self.roots.path(before[name].file) for name in left}
        again, _, _ = self._discover(sorted(path for path in paths if path and path.exists()))
        return [source for source in again if source.id in left]


def _each_once(found: Iterable[Source | Refusal]) -> Iterator[Source | Refusal]:
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

    def __init__(self, given: Iterable[Path], roots: Roots, options: Options, store: Path) -> None:
        self._roots, self._options = roots, options
        self._done: set[str] = set()
        self._walks = {path: walk(path, self._leads_out, store.resolve()) for path in given}
        files = {path: real for found in self._walks.values() for path, real in found.files.items()}
        self._curated = Curated(files, self._inside, self._leads_out)
        # All manifests are read before any file is: one may name a file of another folder.
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
        return not self._options.follow_symlinks and not self._inside(real)

    def _is_plain(self, real: Path) -> bool:
        """Whether a file is also found under its own name rather than only through a link."""
        if not self._inside(real):
            return False
        return not any(part.startswith(".") for part in real.relative_to(self._roots.top(real)).parts)

    def _stray(self, folder: Path, stray: Stray) -> Refusal:
        kind = "access" if stray.restricts else "missing"
        if stray.manifest is None:
            described = self._roots.name(stray.origin.with_name(stray.name)) if stray.name else ""
            why = f"{kind}: there is no file beside it that it could describe"
            return Refusal(self._roots.name(stray.origin), why, described)
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
        elif is_in_parts(path, self._options.most_megabytes * MEGABYTE):
            yield from parts(path, name, metadata)
        else:
            yield self._whole(path, name, metadata, about)

    def _whole(self, path: Path, name: str, metadata: Metadata, about: bytes) -> Source | Refusal:
        try:
            size = path.stat().st_size
            if size > self._options.most_megabytes * MEGABYTE:
                reason = f"too large: {size / MEGABYTE:.1f} MB, at most {self._options.most_megabytes:g} MB are read"
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
