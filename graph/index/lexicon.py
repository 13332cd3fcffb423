"""The lexicon of a Snapshot: in how many of its public passages each term stands.

Nothing of passages that only some groups may see is counted, so that no score tells of their words.
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
"""Goes up when a text would be counted otherwise: then nothing is carried over from the last Snapshot."""
FIELDS: "list[pa.Field[Any]]" = [pa.field("word", pa.string()), pa.field("public_term", pa.int32())]
SCHEMA = pa.schema(FIELDS)


class Counting:
    """Counts the passages of a Snapshot that is being built, on top of what a base has counted already."""

    def __init__(self, base: "StoredLexicon | None" = None) -> None:
        self.passages, self.length = (base.passages, base.length) if base else (0, 0)
        self._held = base.counts() if base else Counter[str]()

    def add(self, text: str, *, public: bool, times: int = 1) -> None:
        """Count one passage's text if it is `public`; `times=-1` takes back one that was counted before."""
        if not public:
            return
        found = terms(text)
        self.passages += times
        self.length += times * len(found)
        for term in set(found):
            self._held[term] += times

    def write(self, directory: Path) -> None:
        """Write the lexicon's file into a Snapshot that is being built; the same counts give the same bytes."""
        rows = sorted((term, count) for term, count in self._held.items() if count)
        columns: list[Any] = [
            pa.array([term for term, _ in rows], pa.string()),
            pa.array([n for _, n in rows], pa.int32()),
        ]
        about = {"public_passages": str(self.passages), "length": str(self.length), "counting": COUNTING}
        table = pa.Table.from_arrays(columns, schema=SCHEMA.with_metadata(about))
        with pa.ipc.new_file(str(directory / LEXICON), table.schema) as file:
            file.write_table(table)


class StoredLexicon:
    """Reads a published lexicon from where it is: the file is mapped, and only what is looked up is touched."""

    def __init__(self, table: pa.Table, passages: int, length: int, counting: str) -> None:
        """`passages` are those that were counted, `length` is how many terms they have together."""
        # One batch is written, so that each column is one array over the mapped file and nothing is copied.
        columns: list[Any] = [c.chunk(0) if c.num_chunks else pa.array([], c.type) for c in table.columns]
        self._terms, self._held = columns
        self.passages, self.length, self.counting = passages, length, counting
        self._count = lru_cache(maxsize=50_000)(self._look_up)

    @classmethod
    def open(cls, directory: Path) -> "StoredLexicon":
        """Map the lexicon of a Snapshot; raises SnapshotBroken."""
        path = directory / LEXICON
        try:
            table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
            about = table.schema.metadata or {}
            # Those of earlier versions count more.
            passages = int(about.get(b"public_passages") or about[b"passages"])
            return cls(table.select(SCHEMA.names), passages, int(about.get(b"length", 0)), about[b"counting"].decode())
        except (OSError, pa.ArrowInvalid, KeyError, TypeError, ValueError) as error:
            raise SnapshotBroken(f"{path} is not a Snapshot's lexicon: {error}; index the documents again.") from error

    @property
    def is_current(self) -> bool:
        """Whether its words were counted as they would be today."""
        return self.counting == COUNTING

    def weight(self, term: str) -> float:
        """How telling a term is: its smoothed inverse frequency in public passages, log((n+1)/(df+0.5))."""
        return log((self.passages + 1) / (self._count(term) + 0.5))

    def commonest(self, most: int) -> list[str]:
        """The terms that stand in the most public passages, most first."""
        order = pc.array_sort_indices(self._held, order="descending")
        return list(self._terms.take(order[:most]).to_pylist())

    def counts(self) -> Counter[str]:
        """In how many passages each term stands, to count on from."""
        return Counter(dict(zip(self._terms.to_pylist(), self._held.to_pylist(), strict=True)))

    def _look_up(self, term: str) -> int:
        place = bisect_left(range(len(self._terms)), term, key=lambda n: self._terms[n].as_py())
        if place == len(self._terms) or self._terms[place].as_py() != term:
            return 0
        return int(self._held[place].as_py())
