"""Reads sources into Documents, several at once; a file that hangs or kills its reader is refused like any other."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError
from contextlib import ExitStack
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from .clean import as_written, has_words, tidy
from .document import Document, Refusal, Source
from .extract import Refused, extract, is_plain

AHEAD = 8
"""Files per reader that are read before they are needed."""

Reading = Callable[[], Document]


def read_all(
    sources: Iterable[Source], *, readers: int, seconds: float, ocr: str = ""
) -> Iterator[tuple[Source, Document | Refusal]]:
    """Every source in order, with its Document or the Refusal that says why there is none.

    Formats that need a converter are read in `readers` other processes, each file within `seconds`.
    """
    with ExitStack() as stack:
        pool: ProcessPool | None = None
        waiting: deque[tuple[Source, Reading]] = deque()
        for source in sources:
            if _in_process(source):
                waiting.append((source, lambda source=source: _read_here(source)))  # type: ignore[misc]
            else:
                pool = pool or stack.enter_context(_Readers(readers))
                future = pool.schedule(extract_apart, args=[source.path, ocr], timeout=seconds)
                waiting.append((source, future.result))
            if len(waiting) > AHEAD * readers:
                yield _outcome(*waiting.popleft(), seconds)
        while waiting:
            yield _outcome(*waiting.popleft(), seconds)


class _Readers(ProcessPool):
    """A pool that is stopped at once when the run is interrupted, not waited for."""

    def __init__(self, readers: int) -> None:
        super().__init__(max_workers=readers, max_tasks=200, context=multiprocessing.get_context("spawn"))

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:
            self.stop()  # type: ignore[no-untyped-call]
        super().__exit__(*error)  # type: ignore[no-untyped-call]


def extract_apart(path: Path, ocr: str) -> Document:
    """What a reading process does: the converter's own noise on stderr is not the user's business."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    return extract(path, ocr)


def _in_process(source: Source) -> bool:
    return source.record is not None or is_plain(source.path)


def _read_here(source: Source) -> Document:
    if source.record is None:
        return extract(source.path)
    if not has_words(source.record):
        raise Refused("empty: the record's text holds no words")
    return Document(as_written(source.record), source.title, structured=False)


def _outcome(source: Source, reading: Reading, seconds: float) -> tuple[Source, Document | Refusal]:
    try:
        return source, reading()
    except Refused as error:
        return source, Refusal(source.file, str(error))
    except TimeoutError:
        return source, Refusal(source.file, f"too slow: it could not be read within {seconds:g} s")
    except ProcessExpired as error:
        return source, Refusal(source.file, f"corrupt: its reader died (exit code {error.exitcode})")
    except OSError as error:
        return source, Refusal(source.file, f"unreadable: {tidy(str(error.strerror or error))}")
    except (ValueError, RuntimeError, MemoryError, RecursionError) as error:
        return source, Refusal(source.file, f"corrupt: {tidy(str(error)) or type(error).__name__}")
