"""Gives passages their vectors, and never makes one twice for a text that the last Snapshot had."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graph.backends.embedders import Embedder
from graph.snapshot.tables import WORDS, DocumentRow, PassageRows

Known = Mapping[tuple[str, str], NDArray[np.float32]]
"""Vectors by document and embedded text."""


@dataclass(frozen=True)
class Unembedded:
    """A document's row and its passages' rows before they have vectors."""

    document: DocumentRow
    passages: list[dict[str, Any]]


@dataclass(frozen=True)
class Embedded:
    """A batch with its vectors, and how many of them were already known."""

    finished: list[tuple[DocumentRow, PassageRows]]
    reused: int


def embed_batch(batch: list[Unembedded], known: Known, embedder: Embedder) -> Embedded:
    """Embed what is new of a batch, all of it at once, so that every thread has work."""
    texts = [(p["document"], p[WORDS]) for entry in batch for p in entry.passages]
    new = [key for key in texts if key not in known]
    made = dict(zip(new, embedder.embed([text for _, text in new]), strict=True))
    finished = []
    for entry in batch:
        vectors = np.empty((len(entry.passages), embedder.dimensions), np.float32)
        for number, passage in enumerate(entry.passages):
            key = (passage["document"], passage[WORDS])
            vectors[number] = made[key] if key in made else known[key]
        finished.append((entry.document, PassageRows(entry.passages, vectors)))
    return Embedded(finished, len(texts) - len(new))
