"""The lexicon of a Snapshot: the document frequency of each term in its public passages.

Restricted passages are not counted, so that no score reveals their words.
"""

from bisect import bisect_left
from collections import Counter
from functools import lru_cache
from math import log
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import SnapshotBroken
from ..text.words import terms

LEXICON = "lexicon.arrow"
COUNTING = "4"
"""The version of the counting rules: after a change everything is indexed again."""
FIELDS: "list[pa.Field[Any]]" = [pa.field("word", pa.string()), pa.field("public_term", pa.int32())]
SCHEMA = pa.schema(FIELDS)


class LexiconBuilder:
    """Counts the terms of a new Snapshot, starting from the counts of a base."""

    def __init__(self, base: "StoredLexicon | None" = None) -> None:
        self.passages, self.length = (base.passages, base.length) if base else (0, 0)
        self._document_frequencies = base.counts() if base else Counter[str]()

    def add(self, text: str, *, public: bool, times: int = 1) -> None:
        """Count one passage's text if it is `public`; `times=-1` removes a counted passage."""
        if not public:
            return
        found = terms(text)
        self.passages += times
        self.length += times * len(found)
        for term in set(found):
            self._document_frequencies[term] += times

    def write(self, directory: Path) -> None:
        """Write the lexicon's file; the same counts give the same bytes."""
        rows = sorted((term, count) for term, count in self._document_frequencies.items() if count)
        columns: list[Any] = [
            pa.array([term for term, _ in rows], pa.string()),
            pa.array([n for _, n in rows], pa.int32()),
        ]
        properties = {"public_passages": str(self.passages), "length": str(self.length)}
        table = pa.Table.from_arrays(columns, schema=SCHEMA.with_metadata(properties))
        with pa.ipc.new_file(str(directory / LEXICON), table.schema) as file:
            file.write_table(table)


class StoredLexicon:
    """Reads a published lexicon from a memory-mapped file."""

    def __init__(self, table: pa.Table, passages: int, length: int) -> None:
        """`passages` is the number of counted passages, `length` their total number of terms."""
        # There is one batch, so each column is one array over the mapped file, without a copy.
        columns: list[Any] = [c.chunk(0) if c.num_chunks else pa.array([], c.type) for c in table.columns]
        self._terms, self._document_frequencies = columns
        self.passages, self.length = passages, length
        self._cached_frequency = lru_cache(maxsize=50_000)(self._document_frequency)

    @classmethod
    def open(cls, directory: Path) -> "StoredLexicon":
        """Map the lexicon of a Snapshot; raises SnapshotBroken."""
        path = directory / LEXICON
        try:
            return cls.read(pa.memory_map(str(path)))
        except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError) as error:
            raise SnapshotBroken(f"{path} is not a Snapshot's lexicon: {error}; index the documents again.") from error

    @classmethod
    def read(cls, file: Any) -> "StoredLexicon":
        """Read an Arrow file or its bytes; raises one of several errors where they are no lexicon."""
        table = pa.ipc.open_file(file).read_all()
        properties = table.schema.metadata or {}
        passages, length = int(properties[b"public_passages"]), int(properties[b"length"])
        return cls(table.select(SCHEMA.names), passages, length)

    def weight(self, term: str) -> float:
        """The smoothed inverse document frequency of a term in public passages: log((n + 1) / (df + 0.5))."""
        return log((self.passages + 1) / (self._cached_frequency(term) + 0.5))

    def commonest(self, most: int) -> list[str]:
        """The terms with the highest document frequency, highest first."""
        order = pc.array_sort_indices(self._document_frequencies, order="descending")
        return list(self._terms.take(order[:most]).to_pylist())

    def counts(self) -> Counter[str]:
        """The document frequency of each term, to continue counting from."""
        return Counter(dict(zip(self._terms.to_pylist(), self._document_frequencies.to_pylist(), strict=True)))

    def _document_frequency(self, term: str) -> int:
        index = bisect_left(range(len(self._terms)), term, key=lambda n: self._terms[n].as_py())
        if index == len(self._terms) or self._terms[index].as_py() != term:
            return 0
        return int(self._document_frequencies[index].as_py())
