"""Files that hold several documents, read again one part at a time: no more than one text is in memory."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from .corpus import is_corpus, record_texts
from .csv_parts import part_texts
from .document import Source, part_digest


def with_texts(sources: Iterable[Source]) -> Iterator[tuple[Source, str | None]]:
    """Each source in order, with its text when it is a part of a file; None when the file no longer holds it."""
    for path, group in groupby(sources, key=lambda source: source.path if source.place is not None else None):
        if path is None:
            yield from ((source, None) for source in group)
            continue
        wanted = {source.place: source for source in group if source.place is not None}
        texts = record_texts(path) if is_corpus(path) else part_texts(path)
        yield from _found(wanted, texts)


def _found(wanted: Mapping[int, Source], texts: Iterator[tuple[int, str]]) -> Iterator[tuple[Source, str | None]]:
    left = dict(wanted)
    for place, text in texts:
        if source := left.pop(place, None):
            yield source, text if part_digest(text, source.title, source.metadata) == source.digest else None
        if not left:
            break
    yield from ((source, None) for source in left.values())
