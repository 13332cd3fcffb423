"""Finds what there is to index under the given paths: files with their metadata, and the records of corpora."""

import gzip
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

from graph.errors import SourceInvalid
from graph.ingest.document import Metadata, Refusal, Source, canonical, digest_of
from graph.ingest.metadata import MANIFEST, SIDECARS, manifest, normalise, sidecar

CORPUS = (".jsonl", ".jsonl.gz")
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
            yield from _file(root, root.parent, root.name, {}, most_megabytes)


def _folder(root: Path, most_megabytes: float) -> Iterator[Source | Refusal]:
    described: dict[Path, Metadata] = {}
    listed: dict[Path, Path] = {}
    files = sorted(path for path in root.rglob("*") if path.is_file() and not _hidden(path, root))
    for path in files:
        if path.name == MANIFEST:
            for name, fields in manifest(path.parent).items():
                described[path.parent / name] = fields
                listed[path.parent / name] = path
    for path in files:
        if path.name != MANIFEST and not path.name.endswith(SIDECARS):
            name = f"{root.name}/{path.relative_to(root).as_posix()}"
            yield from _file(path, root, name, described.pop(path, {}), most_megabytes)
    for path in described:
        where = listed[path].relative_to(root.parent).as_posix()
        yield Refusal(
            f"{root.name}/{path.relative_to(root).as_posix()}", f"missing: {where} lists it, but it is not there"
        )


def _hidden(path: Path, root: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(root).parts)


def _file(path: Path, root: Path, name: str, fields: Metadata, most_megabytes: float) -> Iterator[Source | Refusal]:
    if path.name.endswith(CORPUS) and _is_corpus(path):
        yield from _corpus(path, name)
        return
    size = path.stat().st_size
    if size > most_megabytes * MEGABYTE:
        yield Refusal(name, f"too large: {size / MEGABYTE:.1f} MB, at most {most_megabytes:g} MB are read")
        return
    try:
        metadata = normalise({**fields, **sidecar(path)})
        content = path.read_bytes()
    except SourceInvalid as error:
        yield Refusal(name, f"bad metadata: {error}")
        return
    except OSError as error:
        yield Refusal(name, f"unreadable: {error.strerror}")
        return
    yield Source(name, name, path, digest_of(content, canonical(metadata)), metadata)


def _open(path: Path) -> IO[str]:
    return gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8")


def _is_corpus(path: Path) -> bool:
    if path.name in ("corpus.jsonl", "corpus.jsonl.gz"):
        return True
    try:
        with _open(path) as lines:
            first = json.loads(next(islice(lines, 1), "null"))
    except (OSError, EOFError, UnicodeDecodeError, ValueError):
        return False
    return isinstance(first, dict) and "id" in first and "text" in first


def _corpus(path: Path, name: str) -> Iterator[Source | Refusal]:
    try:
        with _open(path) as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _record(path, name, number, line)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        yield Refusal(name, f"corrupt: {error}")


def _record(path: Path, name: str, number: int, line: str) -> Source | Refusal:
    where = f"{name}:{number}"
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        return Refusal(where, "corrupt: the line is not a JSON object")
    key, text, title, metadata = (record.get(field) for field in ("id", "text", "title", "metadata"))
    if not isinstance(key, str | int) or isinstance(key, bool) or key == "":
        return Refusal(where, "corrupt: the field id is missing or is not text")
    if not isinstance(text, str) or not isinstance(title or "", str) or not isinstance(metadata or {}, dict):
        return Refusal(where, "corrupt: a record is {id, title, text, metadata}: text, text, text and an object")
    fields = normalise(metadata or {})
    digest = digest_of(text.encode("utf-8", "replace"), (title or "").encode("utf-8", "replace"), canonical(fields))
    return Source(str(key), name, path, digest, fields, record=text, title=title or "")
