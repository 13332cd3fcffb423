"""The rows of a table of chunks, as workers make them of documents, and as an index of AI Search reads them.

The table also describes the Snapshot that was made of it, in rows of no document: an index with delta sync over it is
searched as one that `warrant sync` fills.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import TypeAdapter

from ..index.ai_search_filters import access_of
from ..index.ai_search_rows import VECTORS, description_rows, passage_row
from ..index.lexicon import LEXICON
from ..index.manifest import read_manifest
from ..index.rows import DOCUMENT_SCHEMA, OWN_FIELDS, SHARED_FIELDS, UNITS, PassageRows
from ..ingest.document import Metadata, Refusal, Source
from ..ingest.duplicates import content_digest
from ..ingest.options import Options
from ..ingest.pipeline import prepare
from ..ingest.reading import Cut, catch_failures, read_all
from ..ingest.vectors import embed_batch
from ..models.embedding import Embedder
from ..models.packaged_embeddings import load_embedder
from ..release import Release
from .columns import Row

SEARCHED = ("page_breaks", "heading", "access", VECTORS)
"""Columns that are as a search of AI Search reads them."""
CHUNK_FIELDS: "list[pa.Field[Any]]" = [
    *(each for each in OWN_FIELDS if each.name not in SEARCHED),
    *SHARED_FIELDS,
    pa.field("vector", pa.list_(pa.float32())),
    pa.field(UNITS, pa.binary()),
    *(pa.field(name, pa.string()) for name in SEARCHED),
]
CHUNKS = pa.schema(CHUNK_FIELDS)
DOCUMENT_FIELDS: "list[pa.Field[Any]]" = [
    *DOCUMENT_SCHEMA,
    pa.field("content", pa.string()),
    pa.field("recipe", pa.string()),
]
DOCUMENTS = pa.schema(DOCUMENT_FIELDS)
STAGED_FIELDS: "list[pa.Field[Any]]" = [
    *DOCUMENT_FIELDS,
    pa.field("number", pa.int64()),
    pa.field("warnings", pa.list_(pa.string())),
    pa.field("refusal", pa.binary()),
    pa.field("chunks", pa.list_(pa.struct(CHUNK_FIELDS))),
]
STAGED = pa.schema(STAGED_FIELDS)
"""What workers hand in: a document with its chunks, or why it is refused."""
SOURCE, REFUSAL = TypeAdapter(Source), TypeAdapter(Refusal)
"""As JSON they reach the workers and come back."""


def passages_of(rows: list[Row], dimensions: int) -> PassageRows:
    names = [one.name for one in OWN_FIELDS]
    vectors = np.asarray([row["vector"] for row in rows], np.float32).reshape(-1, dimensions)
    units = [np.frombuffer(bytes(row[UNITS]), np.int8).reshape(-1, dimensions) for row in rows]
    own = [{**{name: row[name] for name in names}, "page_breaks": json.loads(row["page_breaks"])} for row in rows]
    return PassageRows(own, vectors, units)


def read_batches(
    batches: Iterable[pa.RecordBatch], release: Release, options: Options, recipe: str
) -> Iterator[pa.RecordBatch]:
    """The documents of a task's sources; runs on a worker, where a file that kills its reader is refused alone."""
    embedder = load_embedder(release.embedding, options.threads)
    for batch in batches:
        rows: list[Row] = batch.to_pylist()
        sources = [SOURCE.validate_json(row["source"]) for row in rows]
        numbers = {source.id: row["number"] for source, row in zip(sources, rows, strict=True)}
        for source, outcome in read_all(sources, release, options):
            row = {"number": numbers[source.id], "recipe": recipe, **_staged_row(source, outcome, options, embedder)}
            yield pa.RecordBatch.from_pylist([row], schema=STAGED)


def _staged_row(source: Source, outcome: Cut | Refusal, options: Options, embedder: Embedder) -> Row:
    content = ""

    def remember(_: str, text: str, metadata: Metadata) -> None:
        nonlocal content
        content = content_digest(text, metadata)

    def work() -> Row:
        assert isinstance(outcome, Cut)
        entry = prepare(source, outcome, options.default_groups, remember)
        row, passages = embed_batch([entry], {}, embedder)[0]
        shared = {"file": row.file, "title": row.title, "metadata": row.metadata}
        who = {"allowed_groups": row.groups, "public": not row.groups}
        pairs = zip(passages.rows, passages.vectors, passages.units, strict=True)
        chunks = [{**one, **shared, **who, "vector": v.tolist(), UNITS: u.tobytes()} for one, v, u in pairs]
        for chunk in chunks:
            searched = passage_row(chunk, {})
            chunk.update({name: searched[name] for name in SEARCHED})
        return {**vars(row), "content": content, "chunks": chunks, "warnings": list(outcome.document.warnings)}

    made = outcome if isinstance(outcome, Refusal) else catch_failures(source.file, work)
    if isinstance(made, Refusal):
        return {
            "document": source.id,
            "file": source.file,
            "refusal": REFUSAL.dump_json(made),
            "warnings": [],
            "chunks": [],
        }
    return made


def description(snapshot: Path, groups: Iterable[Sequence[str]]) -> pa.Table:
    """What a search needs to know of the whole: the Snapshot that the chunks make, and the groups of restricted ones.

    The table has no columns of metadata, so that there is nothing to filter by.
    """
    manifest = read_manifest(snapshot).model_copy(update={"columns": {}})
    classes = {access_of(each): each for each in map(sorted, groups) if each}
    return pa.Table.from_pylist(description_rows(manifest, classes, (snapshot / LEXICON).read_bytes()), schema=CHUNKS)
