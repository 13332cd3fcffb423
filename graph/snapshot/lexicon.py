"""The lexicon of a Snapshot: in how many of its public passages each term and each written word stands.

Nothing of passages that only some groups may see is counted, so that no score and no spelling tells of their words.
"""

from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache
from math import log
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import SnapshotBroken
from ..text.surfaces import Known, is_code, names, small, surfaces
from ..text.words import EMPTY_WORDS, terms

LEXICON = "lexicon.arrow"
COUNTING = "3"
"""Goes up when a text would be counted otherwise: then nothing is carried over from the last Snapshot."""
MOST = 20_000
"""Words of one length that are listed for spelling, which takes time and memory for each."""
TERM, WORD, NAME = range(3)
FIELDS: "list[pa.Field[Any]]" = [
    pa.field("word", pa.string()),
    # Passages that hold it as a term of graph.text.words.
    pa.field("public_term", pa.int32()),
    # Passages that hold it as it is written.
    pa.field("public_written", pa.int32()),
    # Passages that write it as a name, with a capital inside a sentence, less those that write it small.
    pa.field("name", pa.int32()),
]
SCHEMA = pa.schema(FIELDS)


class Counting:
    """Counts the passages of a Snapshot that is being built, on top of what a base has counted already."""

    def __init__(self, base: "Lexicon | None" = None) -> None:
        self.passages, self.length = (base.passages, base.length) if base else (0, 0)
        self._rows = base.rows() if base else {}

    def add(self, text: str, *, public: bool, times: int = 1) -> None:
        """Count one passage's text if it is `public`; `times=-1` takes back one that was counted before."""
        if not public:
            return
        found = terms(text)
        self.passages += times
        self.length += times * len(found)
        self._count(set(found), TERM, times)
        self._count(surfaces(text), WORD, times)
        self._count(names(text), NAME, times)
        self._count(small(text), NAME, -times)

    def _count(self, words: Iterable[str], column: int, times: int) -> None:
        for word in words:
            self._rows.setdefault(word, [0, 0, 0])[column] += times

    def write(self, directory: Path) -> None:
        """Write the lexicon's file into a Snapshot that is being built; the same counts give the same bytes."""
        rows = sorted((word, counts) for word, counts in self._rows.items() if any(counts))
        columns: list[Any] = [pa.array([word for word, _ in rows], pa.string())]
        columns += [pa.array([counts[n] for _, counts in rows], pa.int32()) for n in range(3)]
        about = {"public_passages": str(self.passages), "length": str(self.length), "counting": COUNTING}
        table = pa.Table.from_arrays(columns, schema=SCHEMA.with_metadata(about))
        with pa.ipc.new_file(str(directory / LEXICON), table.schema) as file:
            file.write_table(table)


class Lexicon:
    """Reads a published lexicon from where it is: the file is mapped, and only what is looked up is touched."""

    def __init__(self, table: pa.Table, passages: int, length: int, counting: str) -> None:
        """`passages` are those that were counted, `length` is how many terms they have together."""
        # One batch is written, so that each column is one array over the mapped file and nothing is copied.
        columns: list[Any] = [c.chunk(0) if c.num_chunks else pa.array([], c.type) for c in table.columns]
        self._words, *self._counts = columns
        self.passages, self.length, self.counting = passages, length, counting
        self._find = lru_cache(maxsize=50_000)(self._row)
        self._of_length = lru_cache(maxsize=8)(self._with_length)

    @classmethod
    def open(cls, directory: Path) -> "Lexicon":
        """Map the lexicon of a Snapshot; raises SnapshotBroken."""
        path = directory / LEXICON
        try:
            table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
            about = table.schema.metadata or {}
            # Those of earlier versions say how many passages there are of both kinds, and count more.
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
        return log((self.passages + 1) / (self._find(term)[TERM] + 0.5))

    def known(self, word: str) -> bool:
        """Whether a word in lower case stands in a public passage, or has all its terms in some."""
        if word in EMPTY_WORDS or self._find(word)[WORD]:
            return True
        return not is_code(word) and all(self._find(found)[TERM] for found in terms(word))

    def of_length(self, letters: int) -> list[Known]:
        """The written words of public passages that have so many letters; of very many the best known."""
        return self._of_length(letters)

    def commonest(self, most: int) -> list[str]:
        """The words that stand in the most public passages, most first."""
        order = pc.array_sort_indices(self._counts[WORD], order="descending")
        return [word for word in self._words.take(order[:most]).to_pylist() if self._find(word)[WORD]]

    def rows(self) -> dict[str, list[int]]:
        """Every word with its three counts, to count on from."""
        columns = [column.to_pylist() for column in (self._words, *self._counts)]
        return {word: counts for word, *counts in zip(*columns, strict=True)}

    def _row(self, word: str) -> tuple[int, ...]:
        place = bisect_left(range(len(self._words)), word, key=lambda n: self._words[n].as_py())
        if place == len(self._words) or self._words[place].as_py() != word:
            return (0, 0, 0)
        return tuple(column[place].as_py() for column in self._counts)

    def _with_length(self, letters: int) -> list[Known]:
        held = self._counts[WORD]
        fits = pc.and_(pc.equal(pc.utf8_length(self._words), pa.scalar(letters)), pc.greater(held, pa.scalar(0)))
        columns = [column.filter(fits) for column in (self._words, held, self._counts[NAME])]
        order = pc.array_sort_indices(columns[1], order="descending")[:MOST]
        lists = [column.take(order).to_pylist() for column in columns]
        return [Known(word, passages, name >= 0) for word, passages, name in zip(*lists, strict=True)]
