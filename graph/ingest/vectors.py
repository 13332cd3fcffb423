"""Embeds passages and their units, reusing the vectors of texts in the last Snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..index.rows import WORDS, DocumentRow, PassageRows
from ..models.embedding import Embedder, TextVectors, TextWithSpans
from ..text.sentences import units

Known = Mapping[str, TextVectors]
"""The vectors of a passage and of its units, by the text that was embedded."""


@dataclass(frozen=True)
class Unembedded:
    """A document's row and its passages' rows without vectors."""

    document: DocumentRow
    passages: list[dict[str, Any]]


def embed_batch(batch: list[Unembedded], known: Known, embedder: Embedder) -> list[tuple[DocumentRow, PassageRows]]:
    """Embed the new texts of a batch in one call, so that every thread has work."""
    passages = [passage for entry in batch for passage in entry.passages]
    new = {passage[WORDS]: passage for passage in passages if passage[WORDS] not in known}
    vectors = {**known, **dict(zip(new, embedder.embed_with_spans([marked(p) for p in new.values()]), strict=True))}
    finished = []
    for entry in batch:
        made = [vectors[passage[WORDS]] for passage in entry.passages]
        whole = np.stack([own.whole for own in made]) if made else np.empty((0, embedder.dimensions), np.float32)
        finished.append((entry.document, PassageRows(entry.passages, whole, [own.spans for own in made])))
    return finished


def marked(passage: Mapping[str, Any]) -> TextWithSpans:
    """What is embedded of a passage, with the places of its units in it: the passage's text stands at its end.

    An answer is embedded with the question just before it.
    """
    before = len(passage[WORDS]) - len(passage["text"])
    found = units(passage["text"], passage["header"])
    begins = [unit.start if unit.question_start is None else unit.question_start for unit in found]
    return TextWithSpans(
        passage[WORDS], [(before + a, before + unit.end) for a, unit in zip(begins, found, strict=True)]
    )
