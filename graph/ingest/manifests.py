"""Metadata from manifests and sidecars; an unreliable entry refuses every file that it may concern."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property, partial
from itertools import product
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from ..errors import SourceInvalid
from .access import GROUPS, merge_fields, within_edits
from .document import Metadata
from .formats.clean import decode
from .formats.sheets import DELIMITED
from .front_matter import doubt_in_markup
from .metadata import MANIFESTS, MOST_SIDECAR, SIDECARS, fold, manifest, normalise, sidecar


@dataclass(frozen=True)
class Row:
    """A row of a manifest, and the file name in it."""

    manifest: Path
    file: str
    fields: Metadata

    def read(self) -> Metadata:
        """Its fields, normalised; raises SourceInvalid."""
        try:
            return normalise(self.fields)
        except SourceInvalid as error:
            raise SourceInvalid(f"{self.manifest.name}: {error}") from error


@dataclass(frozen=True)
class Stray:
    """A manifest row or sidecar without a file; `restricts`: it names groups, or may."""

    name: str
    origin: Path
    restricts: bool

    @property
    def manifest(self) -> Path | None:
        """The manifest, unless it is a sidecar."""
        return None if _is_sidecar(self.origin.name) else self.origin


@dataclass
class _Folder:
    strays: list[Stray] = field(default_factory=list)
    trouble: str = ""

    @cached_property
    def restricting(self) -> "_Strays":
        return _Strays(self.strays)


class Curated:
    """Reads each manifest once; `files` are those that were found, with their real paths.

    Files go by their real paths, so that what is said of a link holds for its file. Outside of what `inside` holds for,
    a manifest that cannot be read may be anything and is passed over.
    """

    def __init__(
        self, files: Mapping[Path, Path], inside: Callable[[Path], bool], leads_out: Callable[[Path], bool]
    ) -> None:
        self._inside, self._leads_out = inside, leads_out
        self._found: dict[str, set[Path]] = defaultdict(set)
        for path, real in files.items():
            self._found[fold(str(path))].add(real)
        self._folders: dict[Path, _Folder] = {}
        self._rows: dict[Path, list[Row]] = defaultdict(list)
        self._sidecars: dict[Path, list[Path]] = defaultdict(list)
        self._unsure: dict[Path, str] = {}

    def fields(self, file: Path, names: Iterable[Path] = ()) -> Metadata:
        """The fields of a file, also under the names of links to it; raises SourceInvalid."""
        places = [file, *names]
        above = {folder: self._load(folder) for place in places for folder in reversed(place.parents)}
        near = {place.parent for place in places}
        trusted = {folder: loaded for folder, loaded in above.items() if folder in near or self._inside(folder)}
        for loaded in trusted.values():
            if loaded.trouble:
                raise SourceInvalid(loaded.trouble)
        if file in self._unsure:
            raise SourceInvalid(self._unsure[file])
        rows = sorted(self._rows.get(file, ()), key=lambda row: len(row.manifest.parts))
        merged = merge_fields([*((row.manifest.name, row.read()) for row in rows), *self._beside(file)])
        if GROUPS not in merged:
            described = {row.manifest for row in rows} | ({None} if file in self._sidecars else set())
            self._check_strays(places, [folder for folder in trusted if trusted[folder].strays], described)
        return merged

    def _check_strays(self, places: list[Path], folders: list[Path], described: set[Path | None]) -> None:
        """Raise SourceInvalid if a restriction without a file may be meant for this file."""
        for place, folder in product(places, folders):
            if not place.is_relative_to(folder):
                continue
            for stray in self._folders[folder].restricting.meant_for(place.relative_to(folder).as_posix()):
                if stray.manifest not in described:
                    why = "which is not there; if it means this file, correct the name, else remove it."
                    raise SourceInvalid(f"{stray.origin.name} restricts {stray.name!r}, {why}")

    def strays(self, folder: Path) -> list[Stray]:
        """The entries of a folder's manifests and sidecars for missing files."""
        return self._load(folder).strays

    def _beside(self, file: Path) -> Iterator[tuple[str, Metadata]]:
        beside = [(path.name, self._sidecar(path)) for path in self._sidecars.get(file, [])]
        if any(fields != beside[0][1] for _, fields in beside):
            raise SourceInvalid(f"{' and '.join(name for name, _ in beside)} say different things; keep one of them.")
        yield from beside[:1]

    def _sidecar(self, path: Path) -> Metadata:
        self._check_link(path)
        return sidecar(path)

    def _check_link(self, path: Path) -> None:
        if os.path.islink(path) and self._leads_out(_real(path)):
            raise SourceInvalid(f"{path.name}: this is a link that leads out of the folder that was given.")

    def _load(self, folder: Path) -> _Folder:
        if folder not in self._folders:
            loaded = self._folders[folder] = _Folder()
            try:
                self._read(folder, loaded)
            except SourceInvalid as error:
                loaded.trouble = str(error)
            except OSError as error:
                loaded.trouble = f"the folder cannot be read for sidecars: {error.strerror}."
        return self._folders[folder]

    def _read(self, folder: Path, loaded: _Folder) -> None:
        names = sorted(os.listdir(folder))
        for path in (folder / name for name in names if fold(name) in MANIFESTS):
            self._check_link(path)
            for row in (Row(path, *row) for row in manifest(path)):
                for file in self._described(row.file, path, row.read, loaded):
                    self._rows[file].append(row)
        for path in (folder / name for name in names if _is_sidecar(name)):
            stem = path.name[: path.name.casefold().rindex(".meta.")]
            for file in self._described(stem, path, partial(self._sidecar, path), loaded):
                self._sidecars[file].append(path)
        self._suspect(folder, names)

    def _described(self, name: str, origin: Path, read: Callable[[], Metadata], loaded: _Folder) -> list[Path]:
        """The files that a row of a manifest or a sidecar may mean."""
        files = self._matches(origin.parent, name)
        if not files:
            loaded.strays.append(Stray(name, origin, _restricts(read)))
        elif len(files) > 1:
            self._unsure |= dict.fromkeys(files, f"{origin.name}: {name!r} may mean several files that are there.")
        return files

    def _suspect(self, folder: Path, names: list[str]) -> None:
        """Doubt a file without a sidecar that has one by another name, such as guide.txt.metadata.yaml.

        And all files beside a list that is named like a manifest; raises SourceInvalid.
        """
        for name in names:
            if _is_like_a_manifest(os.path.join(folder, name)):
                raise SourceInvalid(f"{name} may be meant as a manifest; that is named {MANIFESTS[0]}.")
            parts = name.split(".")
            described = [".".join(parts[:end]) for end in range(1, len(parts)) if _is_meta(parts[end])]
            for file in (file for stem in described for file in self._matches(folder, stem)):
                if file not in self._sidecars:
                    self._unsure[file] = f"{name} may be meant as its sidecar; that is named {file.name}{SIDECARS[0]}."

    def _matches(self, folder: Path, name: str) -> list[Path]:
        """The real paths that a name may mean: the file of that name, otherwise all found that differ only in case."""
        for written in (name, name.replace("\\", "/")):
            path = Path(os.path.normpath(folder / written))
            if path.is_file() and (path.is_relative_to(folder) or self._inside(path)):
                return [_real(path)]
            if known := self._found.get(fold(str(path))):
                return sorted(known)
        return []


def _is_sidecar(name: str) -> bool:
    """Whether a name is a sidecar's. Hidden ones describe hidden files, except one named only `.meta.yaml` or alike."""
    return fold(name).endswith(SIDECARS) and (not name.startswith(".") or fold(name) in SIDECARS)


def _is_like_a_manifest(path: str) -> bool:
    """Whether a list with a column of groups is named like a manifest, such as manifest.csv.txt."""
    name = fold(os.path.basename(path))
    is_list = name.endswith((*DELIMITED, ".txt")) and name not in MANIFESTS
    if not is_list or not within_edits(name.partition(".")[0], "manifest", 2):
        return False
    with open(path, "rb") as file:
        return bool(doubt_in_markup(decode(file.read(MOST_SIDECAR)), "table"))


def _is_meta(part: str) -> bool:
    return fold(part).startswith("meta") or within_edits(fold(part), "meta", 1)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _restricts(read: Callable[[], Metadata]) -> bool:
    try:
        return GROUPS in read()
    except SourceInvalid:
        return True


class _Strays:
    """The strays of a folder that restrict, and which of them may be meant for a file."""

    def __init__(self, strays: Iterable[Stray]) -> None:
        self._whole: dict[str, Stray] = {}
        self._last: dict[str, Stray] = {}
        self._patterns: dict[str, Stray] = {}
        self._by_digits: dict[str, dict[str, Stray]] = {}
        for stray in strays:
            if stray.restricts:
                self._add(stray)

    def _add(self, stray: Stray) -> None:
        name = fold(unquote(stray.name)).replace("\\", "/").rstrip("/")
        last = PurePosixPath(name)
        self._whole[name.rstrip("*/") or "."] = stray
        self._last |= {last.name: stray, last.stem: stray}
        self._by_digits.setdefault(_digits(last.name), {})[last.name] = stray
        if any(sign in name for sign in "*?["):
            self._patterns[name] = stray

    def meant_for(self, file: str) -> Iterator[Stray]:
        """Those that name a file's folder, a pattern that it fits, its name elsewhere, or its name misspelt."""
        name = fold(file)
        path = PurePosixPath(name)
        yield from (self._whole[str(folder)] for folder in path.parents if str(folder) in self._whole)
        yield from (stray for pattern, stray in self._patterns.items() if fnmatchcase(name, pattern))
        yield from (self._last[part] for part in (path.name, path.stem) if part in self._last)
        # Names that differ in a number are names of different files.
        near = self._by_digits.get(_digits(path.name), {})
        yield from (stray for last, stray in near.items() if within_edits(last, path.name, min(2, len(path.stem) // 4)))


def _digits(name: str) -> str:
    return "".join(filter(str.isdigit, name))
