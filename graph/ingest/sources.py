"""Finds what there is to index under the given paths: files with their metadata, and the records of corpora."""

import gzip
import json
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from ..errors import SourceInvalid
from .document import Metadata, Refusal, Source, canonical, digest_of
from .metadata import MANIFEST, SIDECARS, manifest, normalise, sidecar

CORPUS = (".jsonl", ".jsonl.gz")
MEGABYTE = 1 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


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
            place = f"{found.path}" if found.record is None else f"{found.path} (record {found.id})"
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
    if path.name.endswith(CORPUS) and _is_corpus(path):
        yield from _corpus(path, name, metadata)
        return
    size = path.stat().st_size
    if size > most_megabytes * MEGABYTE:
        yield Refusal(name, f"too large: {size / MEGABYTE:.1f} MB, at most {most_megabytes:g} MB are read")
        return
    try:
        content = path.read_bytes()
    except OSError as error:
        yield Refusal(name, f"unreadable: {error.strerror}")
        return
    yield Source(name, name, path, digest_of(content, about), metadata)


def _lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
        for number, line in enumerate(lines):
            yield line.removeprefix(BYTE_ORDER_MARK) if number == 0 else line


def _is_corpus(path: Path) -> bool:
    if path.name in ("corpus.jsonl", "corpus.jsonl.gz"):
        return True
    try:
        first = json.loads(next(islice(_lines(path), 1), b"null"))
    except (OSError, EOFError, zlib.error, ValueError, RecursionError):
        return False
    return isinstance(first, dict) and "id" in first and "text" in first


def _corpus(path: Path, name: str, fields: Metadata) -> Iterator[Source | Refusal]:
    try:
        for number, line in enumerate(_lines(path), 1):
            if line.strip():
                yield _record(path, f"{name}:{number}", line, fields)
    except (OSError, EOFError, zlib.error) as error:
        yield Refusal(name, f"corrupt: {error}")


def _record(path: Path, where: str, line: bytes, fields: Metadata) -> Source | Refusal:
    """A line of a corpus; what is said of the whole file holds for each of its records, unless that says otherwise."""
    try:
        record = json.loads(line)
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return Refusal(where, "corrupt: the line holds half a surrogate pair")
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        return Refusal(where, "corrupt: the line is not a JSON object in UTF-8")
    key, text, title, metadata = (record.get(field) for field in ("id", "text", "title", "metadata"))
    if not isinstance(key, str | int) or isinstance(key, bool) or key == "":
        return Refusal(where, "corrupt: the field id is missing or is not text")
    if not isinstance(text, str) or not isinstance(title or "", str) or not isinstance(metadata or {}, dict):
        return Refusal(where, "corrupt: a record is {id, title, text, metadata}: text, text, text and an object")
    try:
        about = {**fields, **normalise(metadata or {})}
    except SourceInvalid as error:
        return Refusal(where, f"bad metadata: {error}")
    digest = digest_of(text.encode(), (title or "").encode(), canonical(about))
    return Source(str(key), where.rpartition(":")[0], path, digest, about, record=text, title=title or "")
