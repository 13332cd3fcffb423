"""Copies a Snapshot into a direct access index of AI Search: creates it, writes what changed, removes what is gone.

The description of the Snapshot is written after its passages and before stale ones are removed, so that an interrupted
sync leaves the index answering; the next one goes on from what it finds there.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from databricks.sdk.service.vectorsearch import (
    DirectAccessVectorIndexSpec,
    EmbeddingVectorColumn,
    EndpointStatusState,
    EndpointType,
    VectorIndexType,
)

from ..errors import RetrievalUnavailable, SourceInvalid
from ..models.databricks import Workspace
from .ai_search_client import SearchIndex, controlled, looked_up, open_index
from .ai_search_filters import access_of
from .ai_search_rows import DESCRIPTION, DIGEST, KEY, VECTOR, Row, description_rows, passage_row, schema
from .lexicon import LEXICON
from .manifest import Manifest, read_manifest
from .store import lease
from .tables import Reader

BATCH_ROWS, BATCH_CHARACTERS = 100, 2_000_000
"""The most rows and characters of one write."""
REMOVED = 500
"""The most keys of one removal."""
PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds between two looks at what is being made; the last is repeated."""
PATIENCE = 1800.0
"""Seconds in which an endpoint or an index has to be ready."""
Report = Callable[[str], None]


@dataclass(frozen=True)
class Synced:
    """What a sync did: passages written, left as they were, and removed."""

    snapshot: str
    written: int
    unchanged: int
    removed: int


async def sync(
    workspace: Workspace, snapshot: Path, name: str, endpoint: str, seconds: float, report: Report
) -> Synced:
    """Make an index hold a Snapshot; `endpoint` serves an index that has to be made.

    Raises a SnapshotError, SourceInvalid, or RetrievalUnavailable.
    """
    with lease(snapshot) as held:
        manifest = read_manifest(held.directory)
        index = await _index(workspace, name, endpoint, manifest, seconds, report)
        report("Comparing")
        stored = {row[KEY]: row.get(DIGEST) async for row in index.scan()}
        reader = await Reader.open(held.directory, approximate=False)
        copy = _Copy(index, stored, report)
        async for passages in reader.whole_passages():
            await copy.passages(passages, manifest)
        lexicon = (held.directory / LEXICON).read_bytes()
        return await copy.finish(manifest, lexicon)


class _Copy:
    """The copy under way."""

    def __init__(self, index: SearchIndex, stored: dict[str, str | None], report: Report) -> None:
        self._index, self._stored, self._report = index, stored, report
        self._kept: set[str] = set()
        self._classes: dict[str, list[str]] = {}
        self._written = 0

    async def passages(self, stored: Sequence[dict[str, Any]], manifest: Manifest) -> None:
        """Write the passages that are new or have changed."""
        rows = await asyncio.to_thread(lambda: [passage_row(passage, manifest.columns) for passage in stored])
        self._kept.update(row[KEY] for row in rows)
        groups = [sorted(passage["allowed_groups"]) for passage in stored if not passage["public"]]
        self._classes.update((access_of(each), each) for each in groups if each)
        await self._write([row for row in rows if self._stored.get(row[KEY]) != row[DIGEST]])

    async def finish(self, manifest: Manifest, lexicon: bytes) -> Synced:
        """Write the description and remove what the Snapshot no longer has."""
        written = self._written
        description = description_rows(manifest, dict(sorted(self._classes.items())), lexicon)
        await self._write(description)
        self._kept.update(row[KEY] for row in description)
        gone = sorted(self._stored.keys() - self._kept)
        for start in range(0, len(gone), REMOVED):
            self._report(f"Removing {len(gone)} rows")
            await self._index.delete(gone[start : start + REMOVED])
        removed = sum(not key.startswith(DESCRIPTION) for key in gone)
        return Synced(manifest.id, written, manifest.counts.passages - written, removed)

    async def _write(self, rows: Sequence[Row]) -> None:
        for batch in _batches(rows):
            await self._index.upsert(batch)
            self._written += len(batch)
            self._report(f"Written {self._written}")


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    characters = 0
    for row in rows:
        size = len(json.dumps(row))
        if batch and (len(batch) == BATCH_ROWS or characters + size > BATCH_CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(row)
        characters += size
    if batch:
        yield batch


async def _index(
    workspace: Workspace, name: str, endpoint: str, manifest: Manifest, seconds: float, report: Report
) -> SearchIndex:
    """The index, made where there is none, once it is ready."""
    columns = schema(manifest.columns)
    index = await open_index(workspace, name, seconds)
    if index is None:
        if not endpoint:
            raise SourceInvalid(f"There is no index {name}; name the endpoint that is to serve it: --endpoint.")
        await _make(workspace, name, endpoint, columns, manifest.dimensions, report)
        index = await open_index(workspace, name, seconds)
    if index is None:
        raise RetrievalUnavailable(f"The index {name} was made and is not there; sync again.")
    spec = index.found.direct_access_index_spec
    stored = json.loads(spec.schema_json or "{}") if spec else None
    sizes = [column.embedding_dimension for column in (spec.embedding_vector_columns or [])] if spec else []
    if stored != columns or sizes != [manifest.dimensions]:
        raise SourceInvalid(
            f"The index {name} was made for other columns than the Snapshot {manifest.id} has; delete it, or sync to "
            "another name and set WARRANT_DATABRICKS_INDEX to that."
        )
    indexes = workspace.client.vector_search_indexes
    await _until(f"the index {name}", workspace, lambda: _is_ready(indexes.get_index(name)), report)
    return index


def _is_ready(found: Any) -> bool:
    return bool(found.status and found.status.ready)


async def _make(
    workspace: Workspace, name: str, endpoint: str, columns: dict[str, str], dimensions: int, report: Report
) -> None:
    """Make an index, and the endpoint that serves it where there is none."""
    endpoints, indexes = workspace.client.vector_search_endpoints, workspace.client.vector_search_indexes
    if await looked_up(workspace, lambda: endpoints.get_endpoint(endpoint)) is None:
        report(f"Creating the endpoint {endpoint}")
        await controlled(workspace, lambda: endpoints.create_endpoint(endpoint, EndpointType.STANDARD))

    def online() -> bool:
        status = endpoints.get_endpoint(endpoint).endpoint_status
        return status is not None and status.state is EndpointStatusState.ONLINE

    await _until(f"the endpoint {endpoint}", workspace, online, report)
    report(f"Creating the index {name}")
    vector = EmbeddingVectorColumn(embedding_dimension=dimensions, name=VECTOR)
    spec = DirectAccessVectorIndexSpec(embedding_vector_columns=[vector], schema_json=json.dumps(columns))
    kind = VectorIndexType.DIRECT_ACCESS
    await controlled(workspace, lambda: indexes.create_index(name, endpoint, KEY, kind, direct_access_index_spec=spec))


async def _until(what: str, workspace: Workspace, ready: Callable[[], bool], report: Report) -> None:
    waited, pauses = 0.0, iter(PAUSES)
    while not await controlled(workspace, ready):
        if waited > PATIENCE:
            raise RetrievalUnavailable(f"{what} is not ready after {PATIENCE / 60:.0f} minutes; try again later.")
        report(f"Waiting for {what}")
        pause = next(pauses, PAUSES[-1])
        await asyncio.sleep(pause)
        waited += pause
