"""Finds documents that say the same again: exact copies, and near copies by MinHash over word shingles.

Two documents are only ever one when their numbers, in their order, and their metadata are the same too, so an old and a
new version of a policy, or one policy for two regions, both stay.
"""

import re
from itertools import pairwise

from rensa import RMinHash, RMinHashLSH

from .document import Metadata, canonical, digest_of

WORD = re.compile(r"\w+")
NUMBER = re.compile(r"[-−+<>≤≥±$€£¥]*\s?\d+(?:[.,:/–-]\d+)*\s?[%‰°€$£¥]*")
PERMUTATIONS = 128
BANDS = 16
NEAR = 0.9
"""The least estimated Jaccard similarity of two near copies."""
SHORTEST = 30
"""Words under which only an exact copy counts: short texts differ by one word and mean another thing."""


class Duplicates:
    """Remembers what it has been shown and names the first document that says the same."""

    def __init__(self) -> None:
        self._exact: dict[str, str] = {}
        self._near = RMinHashLSH(threshold=NEAR, num_perm=PERMUTATIONS, num_bands=BANDS)
        self._shown: list[tuple[str, str, RMinHash]] = []

    def first_like(self, document: str, text: str, metadata: Metadata) -> str | None:
        """The earlier document that this one repeats, or None, after which this one counts as shown."""
        text = text.lower()
        words = WORD.findall(text)
        about = canonical(metadata)
        exact = digest_of(" ".join(text.split()).encode(), about)
        if exact in self._exact:
            return self._exact[exact]
        kind = digest_of(" ".join("".join(found.split()) for found in NUMBER.findall(text)).encode(), about)
        found = self._similar(document, words, kind) if len(words) >= SHORTEST else None
        if found is None:
            self._exact[exact] = document
        return found

    def _similar(self, document: str, words: list[str], kind: str) -> str | None:
        sketch = RMinHash(num_perm=PERMUTATIONS, seed=7)
        sketch.update([f"{a} {b}" for a, b in pairwise(words)])
        other: str
        for key in self._near.query(sketch):
            other, other_kind, other_sketch = self._shown[key]
            if other_kind == kind and sketch.jaccard(other_sketch) >= NEAR:
                return other
        self._near.insert(len(self._shown), sketch)
        self._shown.append((document, kind, sketch))
        return None
