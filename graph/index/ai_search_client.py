"""One AI Search index over the client of Databricks: every call has our deadline, and nothing is printed.

The client has no timeout, shares connections between event loops, and prints notices unless each call forbids it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
from databricks.ai_search.async_index import AsyncAISearchIndex
from databricks.ai_search.async_utils import AsyncRequestUtils
from databricks.ai_search.exceptions import AISearchException, PermissionDenied
from databricks.ai_search.reranker import DatabricksReranker
from databricks.sdk.errors import NotFound
from databricks.sdk.service.vectorsearch import EndpointType, VectorIndex

from ..errors import AccessRefused, RetrievalUnavailable, SnapshotMissing
from ..filters import sql_literal
from ..models.databricks import Workspace, acts_for_user
from ..models.http import ByteLimits, http_client
from .ai_search_rows import KEY, Description, Row, part_id, probe, read_description

Result = TypeVar("Result")
RETRIES = 2
"""Retries of a call that the endpoint refuses for now, within the deadline and after Retry-After."""
SCANNED = 500
"""Rows of one call of a scan."""
MAX_BYTES = 64_000_000
"""The largest reply."""
PARTS_AT_ONCE = 200
logging.getLogger("databricks").setLevel(logging.ERROR)


class _Index(AsyncAISearchIndex):  # type: ignore[misc]  # it is not typed
    """The client's index over connections of ours."""

    http: httpx.AsyncClient

    async def _issue_request(self, **options: Any) -> Any:
        return await AsyncRequestUtils.issue_request(client=self.http, **options)


class SearchIndex:
    """The rows of an index; every method raises RetrievalUnavailable when the index does not answer in time.

    On behalf of a user it raises AccessRefused when the user may not search it.
    """

    def __init__(self, workspace: Workspace, found: VectorIndex, *, optimised: bool, seconds: float) -> None:
        self.name, self.found, self.optimised = str(found.name), found, optimised
        self._workspace, self._seconds = workspace, seconds
        self._http = http_client(httpx.Timeout(None), limits=ByteLimits(MAX_BYTES, MAX_BYTES))

    async def query(self, columns: Sequence[str], **options: Any) -> list[Row]:
        """The rows that a query finds, best first, with their `score`."""
        options |= {"disable_notice": True, "total_retries": RETRIES}
        if "query_text" in options:
            options["query_columns"] = ["heading", "text"]
        reply = await self._call("similarity_search", [*columns], **options)
        with self._answered():
            names = [column["name"] for column in reply["manifest"]["columns"]]
            return [dict(zip(names, values, strict=True)) for values in reply["result"].get("data_array") or []]

    async def rerank(self, question: str, rows: Sequence[str], **options: Any) -> dict[str, float]:
        """The reranker's scores of some rows by their keys; it leaves rows out."""
        reranker = DatabricksReranker(columns_to_rerank=["heading", "text"])
        where = {"filters": self.with_keys(rows), "num_results": len(rows), "query_type": "HYBRID"}
        found = await self.query([KEY], query_text=question, reranker=reranker, **where, **options)
        return {row[KEY]: float(row["score"]) for row in found}

    async def description(self, dimensions: int) -> Description:
        """What the index says of its Snapshot; raises SnapshotMissing or SnapshotBroken."""
        first = await self._first(dimensions)
        keys = [part_id(number) for number in range(int(first["end"]))]
        steps = [keys[start : start + PARTS_AT_ONCE] for start in range(0, len(keys), PARTS_AT_ONCE)]
        rows = {row[KEY]: row for step in steps for row in await self._parts(step, dimensions)}
        same = [rows[key] for key in keys if key in rows and rows[key]["title"] == first["title"]]
        return read_description(same, self.name)

    async def snapshot(self, dimensions: int) -> str:
        """The id of the Snapshot in the index; raises SnapshotMissing."""
        return str((await self._first(dimensions))["title"])

    async def _first(self, dimensions: int) -> Row:
        """The first row of the description; raises SnapshotMissing."""
        found = await self._parts([part_id(0)], dimensions)
        if not found:
            raise SnapshotMissing(f"{self.name} holds no Snapshot; fill it with `warrant sync {self.name}`.")
        return found[0]

    async def _parts(self, keys: Sequence[str], dimensions: int) -> list[Row]:
        wanted = {"filters": self.with_keys(keys), "num_results": len(keys), "query_vector": probe(dimensions)}
        return await self.query([KEY, "title", "end", "metadata"], **wanted)

    def with_keys(self, keys: Sequence[str]) -> Any:
        """The filter for rows by their keys."""
        if not self.optimised:
            return {KEY: list(keys)}
        return f"{KEY} IN ({', '.join(map(sql_literal, keys))})"

    async def scan(self) -> AsyncIterator[Row]:
        """Every row, by its key."""
        last: str | None = None
        while True:
            reply: Any = await self._call("scan", SCANNED, last)
            with self._answered():
                rows = [{field["key"]: _plain(field["value"]) for field in row["fields"]} for row in reply["data"]]
            for row in rows:
                yield row
            if len(rows) < SCANNED:
                return
            last = reply["last_primary_key"]

    async def upsert(self, rows: Sequence[Row]) -> None:
        """Write rows; those with the same key are replaced."""
        self._accepted(await self._call("upsert", list(rows)))

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove rows by their keys."""
        self._accepted(await self._call("delete", list(keys)))

    def _accepted(self, reply: Any) -> None:
        if not isinstance(reply, dict) or reply.get("status") != "SUCCESS":
            raise RetrievalUnavailable(f"{self.name} did not take all rows: {str(reply)[:300]}.")

    async def _call(self, method: str, *arguments: Any, **options: Any) -> Any:
        """Call a method of the client within the deadline."""
        with self._answered():
            async with asyncio.timeout(self._seconds):
                token = await self._workspace.token(self._seconds)
                index = _Index(
                    self._workspace.host,
                    "",
                    self.name,
                    str(self.found.endpoint_name),
                    personal_access_token=token,
                    use_user_passed_credentials=True,
                    total_retries=RETRIES,
                )
                index.http = self._http
                return await getattr(index, method)(*arguments, **options)

    @contextmanager
    def _answered(self) -> Iterator[None]:
        """Raise RetrievalUnavailable for whatever the client raises, without saying where the workspace is."""
        try:
            yield
        except TimeoutError as error:
            raise RetrievalUnavailable(f"{self.name} did not answer in {self._seconds:g} s.") from error
        except PermissionDenied as error:
            if acts_for_user():
                raise AccessRefused(f"You may not search {self.name}; its owner can grant SELECT on it.") from error
            raise self._unavailable(error) from error
        except (AISearchException, httpx.HTTPError, OSError, KeyError, TypeError, ValueError) as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> RetrievalUnavailable:
        status = getattr(error, "status_code", None) or type(error).__name__
        return RetrievalUnavailable(f"{self.name} does not answer: {status}: {self._workspace.clean(str(error))}.")


def _plain(value: dict[str, Any]) -> Any:
    """A value of a scan."""
    kind: str
    content: Any
    kind, content = next(iter(value.items()), ("null_value", None))
    if kind == "list_value":
        return [_plain(each) for each in content["values"]]
    return None if kind == "null_value" else content


async def controlled(workspace: Workspace, call: Callable[[], Result]) -> Result:
    """A call to the SDK, which has timeouts of its own; raises RetrievalUnavailable."""
    try:
        return await asyncio.to_thread(call)
    except (OSError, ValueError) as error:
        cause = error.__cause__ or error
        problem = workspace.clean(f"{type(cause).__name__}: {cause}")
        raise RetrievalUnavailable(f"The Databricks workspace refuses or does not answer: {problem}") from error


async def looked_up(workspace: Workspace, call: Callable[[], Result]) -> Result | None:
    """What a call to the SDK finds, if there is such a thing; raises RetrievalUnavailable."""

    def found() -> Result | None:
        try:
            return call()
        except NotFound:
            return None

    return await controlled(workspace, found)


async def open_index(workspace: Workspace, name: str, seconds: float) -> SearchIndex | None:
    """An index by its name, if there is one; raises RetrievalUnavailable."""
    indexes, endpoints = workspace.client.vector_search_indexes, workspace.client.vector_search_endpoints
    found = await looked_up(workspace, lambda: indexes.get_index(name))
    if found is None:
        return None
    endpoint = await controlled(workspace, lambda: endpoints.get_endpoint(str(found.endpoint_name)))
    return SearchIndex(
        workspace, found, optimised=endpoint.endpoint_type is EndpointType.STORAGE_OPTIMIZED, seconds=seconds
    )


def dimensions_of(found: VectorIndex) -> int:
    """The dimensions of an index's vectors; raises SnapshotMissing for an index that embeds texts itself."""
    spec = found.direct_access_index_spec or found.delta_sync_index_spec
    if spec is None or not spec.embedding_vector_columns:
        raise SnapshotMissing(f"{found.name} has no vectors of ours; give an index that `warrant sync` made.")
    return int(spec.embedding_vector_columns[0].embedding_dimension or 0)
