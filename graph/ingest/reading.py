"""Reads and chunks sources in parallel, with limits; a failure affects one document, never the run."""

import csv
import logging
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import TimeoutError
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TypeVar

from pebble import ProcessExpired, ProcessPool

from ..models.packaged_embeddings import token_counter
from ..release import Release
from .chunk import cut
from .corpus import record_texts
from .csv_parts import part_texts
from .document import Chunk, Document, Refusal, Refused, Source, part_digest
from .formats.clean import as_written, has_words, tidy
from .formats.extract import extract, is_plain
from .front_matter import doubt_in_markup
from .options import Options

log = logging.getLogger("warrant.ingest")
READ_AHEAD = 8
"""Files that each reader reads ahead."""
MAX_IN_PROCESS = 64 * 1024
"""The most bytes of plain text that is read in this process."""
MEGABYTE = 1 << 20
MAX_REASON = 300
Result = TypeVar("Result")


@dataclass(frozen=True)
class Cut:
    """A document and its chunks."""

    document: Document
    chunks: list[Chunk]


def read_all(sources: Iterable[Source], release: Release, options: Options) -> Iterator[tuple[Source, Cut | Refusal]]:
    """Read and chunk every source; a failure becomes a Refusal.

    Small plain texts are read in this process, everything else in others with limited time and memory.
    """
    with ExitStack() as stack:
        pool: ProcessPool | None = None
        waiting: deque[tuple[Source, Callable[[], Cut | Refusal]]] = deque()
        for source, text in with_texts(sources):
            if _is_small(source, text):
                waiting.append((source, partial(read_and_cut, source, text, release, options)))
            else:
                pool = pool or stack.enter_context(_Readers(options))
                arguments = [source, text, release, options]
                future = pool.schedule(read_and_cut, args=arguments, timeout=options.seconds_per_file)
                waiting.append((source, future.result))
            if len(waiting) > READ_AHEAD * options.threads:
                yield _outcome(*waiting.popleft(), options)
        while waiting:
            yield _outcome(*waiting.popleft(), options)


def with_texts(sources: Iterable[Source]) -> Iterator[tuple[Source, str | None]]:
    """Each source in order; a part of a file comes with its text, or None if the file no longer has it."""
    for path, group in groupby(sources, key=lambda source: source.path if source.place is not None else None):
        if path is None:
            yield from ((source, None) for source in group)
            continue
        wanted = {source.place: source for source in group if source.place is not None}
        how = next(iter(wanted.values())).delimited
        texts = part_texts(path, how) if how else record_texts(path)
        yield from _match_parts(wanted, texts)


def _match_parts(wanted: Mapping[int, Source], texts: Iterator[tuple[int, str]]) -> Iterator[tuple[Source, str | None]]:
    left = dict(wanted)
    with suppress(OSError, csv.Error):
        for place, text in texts:
            if source := left.pop(place, None):
                yield source, text if part_digest(text, source.title, source.metadata) == source.digest else None
            if not left:
                break
    yield from ((source, None) for source in left.values())


class _Readers(ProcessPool):
    """A pool that is stopped immediately when the run is interrupted."""

    def __init__(self, options: Options) -> None:
        context = multiprocessing.get_context("forkserver" if os.name == "posix" else "spawn")
        if os.name == "posix":
            context.set_forkserver_preload([__name__, "kreuzberg"])
        super().__init__(
            max_workers=options.threads,
            max_tasks=200,
            context=context,
            initializer=_bound,
            initargs=[options.memory_megabytes],
        )

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:
            self.stop()  # type: ignore[no-untyped-call]
        super().__exit__(*error)  # type: ignore[no-untyped-call]


def _bound(megabytes: float) -> None:
    """Limit the memory of a reading process, and silence its libraries on stderr."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    if os.name != "posix":
        return
    import resource

    limit = _address_space() + int(megabytes * MEGABYTE)
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _address_space() -> int:
    """The bytes of address space in use; 0 where unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _is_small(source: Source, text: str | None) -> bool:
    if source.place is not None:
        return len(text or "") <= MAX_IN_PROCESS
    try:
        return is_plain(source.path) and source.path.stat().st_size <= MAX_IN_PROCESS
    except OSError:
        return False


def read_and_cut(source: Source, text: str | None, release: Release, options: Options) -> Cut | Refusal:
    """Read and chunk one source; any failure becomes a Refusal."""

    def work() -> Cut:
        if source.place is not None:
            document = _part(source, text)
        else:
            document = extract(source.path, options.ocr, options.most_megabytes)
        return Cut(document, cut(document, release.chunking, token_counter(release.embedding)))

    return catch_failures(source.file, work)


def _part(source: Source, text: str | None) -> Document:
    if text is None:
        raise Refused("changed: it was written to while it was indexed; index it again")
    if not has_words(text):
        raise Refused("empty: the record's text holds no words")
    # What a corpus's records say of themselves was looked at when they were found.
    doubt = doubt_in_markup(text, "table") if source.delimited else ""
    return Document(as_written(text), source.title, structured=source.delimited is not None, doubt=doubt)


def catch_failures(file: str, work: Callable[[], Result]) -> Result | Refusal:
    """The result of the work, or a Refusal; also for a Rust panic, which is not an Exception."""
    try:
        return work()
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except Refused as error:
        return Refusal(file, str(error))
    except MemoryError:
        return Refusal(file, "too large: it takes more memory than a file may")
    except OSError as error:
        return Refusal(file, f"unreadable: {_error_text(error.strerror or error)}")
    except BaseException as error:
        log.debug("%r could not be worked on", file, exc_info=True)
        return Refusal(file, f"corrupt: {type(error).__name__}: {_error_text(error)}")


def _error_text(error: object) -> str:
    return tidy(str(error))[:MAX_REASON]


def _outcome(source: Source, reading: Callable[[], Cut | Refusal], options: Options) -> tuple[Source, Cut | Refusal]:
    try:
        return source, reading()
    except TimeoutError:
        return source, Refusal(source.file, f"too slow: it could not be read within {options.seconds_per_file:g} s")
    except ProcessExpired as error:
        most = f"as it does when it needs more than {options.memory_megabytes:g} MB"
        return source, Refusal(source.file, f"corrupt: its reader died (exit code {error.exitcode}), {most}")
