"""Finds what there is to index under the given paths: files with their metadata, and the records of corpora."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import SourceInvalid
from .corpus import is_corpus, records
from .csv_parts import is_in_parts, parts
from .document import Metadata, Refusal, Source, canonical, digest_of
from .metadata import MANIFEST, SIDECARS, manifest, normalise, sidecar

MEGABYTE = 1 << 20


def discover(paths: Sequence[Path], *, most_megabytes: float) -> Iterator[Source | Refusal]:
    """Every document under the paths in a fixed order; a file that cannot be one comes as a Refusal.

    A document's id is its path from the given folder's name on, or its record's id in a corpus.
    """
    for path in paths:
        if not path.exists():
            raise SourceInvalid(f"There is nothing at {path}; give files, folders or a corpus.jsonl.")
    seen: dict[str, str] = {}
    for found in _all(paths, most_megabytes):
        if isinstance(found, Source):
            place = f"{found.path}" if found.place is None else f"{found.path} (record {found.id})"
            if found.id in seen:
                yield Refusal(found.file, f"same name: {found.id} is also {seen[found.id]}")
                continue
            seen[found.id] = place
        yield found


def _all(paths: Sequence[Path], most_megabytes: float) -> Iterator[Source | Refusal]:
    for path in paths:
        root = path.resolve()
        if root.is_dir():
            yield from _folder(root, most_megabytes)
        else:
            yield from _file(root, root.name, {}, most_megabytes)


def _folder(root: Path, most_megabytes: float) -> Iterator[Source | Refusal]:
    files = sorted(path for path in root.rglob("*") if path.is_file() and not _hidden(path, root))
    described: dict[Path, Metadata] = {}
    for folder in (path.parent for path in files if path.name == MANIFEST):
        described |= {folder / name: fields for name, fields in manifest(folder).items()}
    for path in files:
        if path.name != MANIFEST and not path.name.endswith(SIDECARS):
            yield from _file(path, _named(path, root), described.pop(path, {}), most_megabytes)
    for path in described:
        yield Refusal(_named(path, root), f"missing: a {MANIFEST} lists it, but it is not there")
    for path in files:
        if path.name.endswith(SIDECARS) and not _described_by(path).is_file():
            yield Refusal(_named(path, root), "missing: there is no file beside it that it could describe")


def _named(path: Path, root: Path) -> str:
    inside = path.is_relative_to(root)
    return f"{root.name}/{path.relative_to(root).as_posix()}" if inside else path.as_posix()


def _described_by(beside: Path) -> Path:
    suffix = next(suffix for suffix in SIDECARS if beside.name.endswith(suffix))
    return beside.with_name(beside.name.removesuffix(suffix))


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _file(path: Path, name: str, fields: Metadata, most_megabytes: float) -> Iterator[Source | Refusal]:
    try:
        metadata = {**normalise(fields), **normalise(sidecar(path))}
        about = canonical(metadata)
    except (SourceInvalid, UnicodeEncodeError) as error:
        yield Refusal(name, f"bad metadata: {error}")
        return
    if is_corpus(path):
        yield from records(path, name, metadata)
        return
    size = path.stat().st_size
    if size > most_megabytes * MEGABYTE:
        yield Refusal(name, f"too large: {size / MEGABYTE:.1f} MB, at most {most_megabytes:g} MB are read")
        return
    if is_in_parts(path):
        yield from parts(path, name, metadata)
        return
    try:
        content = path.read_bytes()
    except OSError as error:
        yield Refusal(name, f"unreadable: {error.strerror}")
        return
    yield Source(name, name, path, digest_of(content, about), metadata)
