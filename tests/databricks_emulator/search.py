"""AI Search (formerly Vector Search): endpoints, indexes, rows, queries."""

import hashlib
import json
import re
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from typing import Any

import numpy as np
from fastapi import APIRouter, Request

from .errors import ApiError, conflict, exists, invalid, missing
from .filtering import by_dictionary, by_sql

HOME = "/api/2.0/vector-search"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,48}")
THREE_LEVELS = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
TYPES = {
    "string": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "boolean": bool,
    "date": str,
    "timestamp": str,
    "array<string>": list,
    "array<float>": list,
    "array<double>": list,
}
MOST_RESULTS = {"ANN": 10_000, "HYBRID": 200, "FULL_TEXT": 200}
RERANKED = 50
MOST_BYTES = 10_000_000
"""The largest upsert."""
RRF = 60
WORD = re.compile(r"\w+")


@dataclass
class Index:
    """An index with its rows by primary key; `polls` are left until it is ready, or its sync has ended."""

    name: str
    endpoint: str
    spec: dict[str, Any]
    key: str
    vector: str
    dimensions: int
    schema: dict[str, str]
    polls: int
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    pending: list[dict[str, Any]] | None = None
    allowed: set[str] | None = None
    """Who may read it; None: everybody who can sign in."""

    @property
    def direct(self) -> bool:
        return "direct_access_index_spec" in self.spec

    def text_columns(self) -> list[str]:
        return [name for name, kind in self.schema.items() if kind == "string"]


@dataclass
class Search:
    """The endpoints and indexes of a workspace; `tables` are the Delta tables that indexes can be synced from."""

    endpoints: dict[str, dict[str, Any]] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    page: int = 60
    """Rows of a query's page."""
    ignores_filters: bool = False
    """Whether it is broken in the way that would matter most."""
    pages: dict[str, list[list[Any]]] = field(default_factory=dict)


def embed(text: str, dimensions: int) -> list[float]:
    """Managed embeddings: a unit vector of hashed words."""
    vector = np.zeros(dimensions)
    for word in WORD.findall(text.lower()):
        vector[int(hashlib.md5(word.encode()).hexdigest(), 16) % dimensions] += 1
    return list(map(float, vector / (np.linalg.norm(vector) or 1)))


routes = APIRouter()


def _state(request: Request) -> Search:
    state: Search = request.app.state.emulator.search
    return state


def _index_of(request: Request, name: str) -> Index:
    if name not in _state(request).indexes:
        raise missing(f"Vector search index {name}")
    index = _state(request).indexes[name]
    if index.allowed is not None and request.app.state.emulator.sign_in(request) not in index.allowed:
        raise ApiError(403, "PERMISSION_DENIED", f"User does not have SELECT on {name}.")
    return index


def _endpoint_of(request: Request, name: str) -> dict[str, Any]:
    if name not in _state(request).endpoints:
        raise missing(f"Vector search endpoint {name}")
    return _state(request).endpoints[name]


@routes.post(f"{HOME}/endpoints")
async def create_endpoint(request: Request) -> dict[str, Any]:
    body = await request.json()
    name, kind = str(body.get("name", "")), body.get("endpoint_type")
    if not NAME.fullmatch(name) or kind not in ("STANDARD", "STORAGE_OPTIMIZED"):
        raise invalid(f"{name!r} of type {kind} is not a valid endpoint.")
    if name in _state(request).endpoints:
        raise exists(f"Endpoint {name}")
    made = {"name": name, "endpoint_type": kind, "polls": request.app.state.emulator.polls}
    _state(request).endpoints[name] = made
    return _endpoint(made)


@routes.get(f"{HOME}/endpoints")
async def list_endpoints(request: Request) -> dict[str, Any]:
    return {"endpoints": [_endpoint(each) for each in _state(request).endpoints.values()]}


@routes.get(f"{HOME}/endpoints/{{name}}")
async def get_endpoint(request: Request, name: str) -> dict[str, Any]:
    each = _endpoint_of(request, name)
    each["polls"] = max(0, each["polls"] - 1)
    return _endpoint(each)


@routes.delete(f"{HOME}/endpoints/{{name}}")
async def delete_endpoint(request: Request, name: str) -> dict[str, Any]:
    _endpoint_of(request, name)
    if any(index.endpoint == name for index in _state(request).indexes.values()):
        raise conflict(f"Endpoint {name} still has indexes.")
    del _state(request).endpoints[name]
    return {}


@routes.post(f"{HOME}/indexes")
@routes.post(f"{HOME}/endpoints/{{on}}/indexes")
async def create_index(request: Request, on: str = "") -> dict[str, Any]:
    body = await request.json()
    home = _endpoint_of(request, on or body.get("endpoint_name", ""))
    if home["polls"]:
        raise invalid(f"Endpoint {home['name']} is not ONLINE.")
    if not THREE_LEVELS.fullmatch(str(body.get("name", ""))):
        raise invalid("An index is named catalog.schema.index.")
    if body["name"] in _state(request).indexes:
        raise exists(f"Index {body['name']}")
    index = _new_index(body, home["name"], _state(request), request.app.state.emulator.polls)
    _state(request).indexes[index.name] = index
    return shown(index)


@routes.get(f"{HOME}/indexes")
@routes.get(f"{HOME}/endpoints/{{on}}/indexes")
async def list_indexes(request: Request, on: str = "", endpoint_name: str = "") -> dict[str, Any]:
    return {
        "vector_indexes": [
            shown(each) for each in _state(request).indexes.values() if each.endpoint == (on or endpoint_name)
        ]
    }


@routes.get(f"{HOME}/indexes/{{name}}")
@routes.get(f"{HOME}/endpoints/{{on}}/indexes/{{name}}")
async def get_index(request: Request, name: str, on: str = "") -> dict[str, Any]:
    index = _index_of(request, name)
    index.polls = max(0, index.polls - 1)
    if not index.polls and index.pending is not None:
        index.rows, index.pending = {row[index.key]: row for row in index.pending}, None
    return shown(index)


@routes.delete(f"{HOME}/indexes/{{name}}")
@routes.delete(f"{HOME}/endpoints/{{on}}/indexes/{{name}}")
async def delete_index(request: Request, name: str, on: str = "") -> dict[str, Any]:
    del _state(request).indexes[_index_of(request, name).name]
    return {}


@routes.post(f"{HOME}/indexes/{{name}}/sync")
async def sync(request: Request, name: str) -> dict[str, Any]:
    index = _index_of(request, name)
    if index.direct:
        raise invalid("Sync is supported for delta sync indexes only.")
    if index.pending is not None:
        raise conflict(f"Index {name} is being synced.")
    index.pending, index.polls = _rows_of_table(index, _state(request)), request.app.state.emulator.polls
    return {}


@routes.post(f"{HOME}/indexes/{{name}}/upsert-data")
async def upsert(request: Request, name: str) -> dict[str, Any]:
    index = _index_of(request, name)
    if not index.direct:
        raise invalid("Upsert is supported for direct access indexes only.")
    if index.polls:
        raise invalid(f"Index {name} is not ready.")
    if len(await request.body()) > MOST_BYTES:
        raise invalid("The request is too large.")
    rows = json.loads((await request.json())["inputs_json"])
    refused = [str(row.get(index.key)) for row in rows if not _fits(row, index)]
    index.rows.update({row[index.key]: row for row in rows if _fits(row, index)})
    return _changed(len(rows) - len(refused), refused)


@routes.delete(f"{HOME}/indexes/{{name}}/delete-data")
async def delete_rows(request: Request, name: str) -> dict[str, Any]:
    index = _index_of(request, name)
    body = await request.body()
    keys = json.loads(body)["primary_keys"] if body else request.query_params.getlist("primary_keys")
    return _changed(sum(index.rows.pop(key, None) is not None for key in keys), [])


@routes.api_route(f"{HOME}/indexes/{{name}}/query", methods=["GET", "POST"])
@routes.api_route(f"{HOME}/endpoints/{{on}}/indexes/{{name}}/query", methods=["GET", "POST"])
async def query(request: Request, name: str, on: str = "") -> dict[str, Any]:
    index, body = _index_of(request, name), await request.json()
    if index.polls and not index.rows:
        raise invalid(f"Index {name} is not ready.")
    optimised = _endpoint_of(request, index.endpoint)["endpoint_type"] == "STORAGE_OPTIMIZED"
    columns = body["columns"]
    if unknown := set(columns) - index.schema.keys():
        raise invalid(f"Columns {sorted(unknown)} are not in the index.")
    if _state(request).ignores_filters and body.get("query_text"):
        body |= {"filters_json": None, "filter_string": None}
    table = [[*(row.get(name) for name in columns), score] for row, score in _ranked(index, body, optimised)]
    manifest = {"column_count": len(columns) + 1, "columns": [{"name": each} for each in [*columns, "score"]]}
    return {"manifest": manifest, **_page(_state(request), table)}


@routes.api_route(f"{HOME}/indexes/{{name}}/query-next-page", methods=["GET", "POST"])
async def next_page(request: Request, name: str) -> dict[str, Any]:
    _index_of(request, name)
    rest = _state(request).pages.pop((await request.json())["page_token"], None)
    if rest is None:
        raise invalid("The page token is unknown.")
    return _page(_state(request), rest)


@routes.api_route(f"{HOME}/indexes/{{name}}/scan", methods=["GET", "POST"])
async def scan(request: Request, name: str) -> dict[str, Any]:
    index, body = _index_of(request, name), await request.json()
    after = body.get("last_primary_key") or ""
    keys = sorted(key for key in index.rows if key > after)[: body.get("num_results", 10)]
    rows = [{"fields": [{"key": k, "value": _typed(v)} for k, v in index.rows[key].items()]} for key in keys]
    return {"data": rows, "last_primary_key": keys[-1] if keys else ""}


def _endpoint(each: dict[str, Any]) -> dict[str, Any]:
    status = {"state": "PROVISIONING" if each["polls"] else "ONLINE"}
    return {"name": each["name"], "endpoint_type": each["endpoint_type"], "endpoint_status": status}


def shown(index: Index) -> dict[str, Any]:
    """An index as the API describes it."""
    online = "ONLINE_DIRECT_ACCESS" if index.direct else "ONLINE_NO_PENDING_UPDATE"
    status = {
        "detailed_state": "PROVISIONING_INDEX" if index.polls else online,
        "ready": not index.polls,
        "indexed_row_count": len(index.rows),
    }
    kind = "DIRECT_ACCESS" if index.direct else "DELTA_SYNC"
    names = {"name": index.name, "endpoint_name": index.endpoint, "index_type": kind, "primary_key": index.key}
    return {**names, **index.spec, "status": status}


def _new_index(body: dict[str, Any], endpoint: str, state: Search, polls: int) -> Index:
    key = body.get("primary_key", "")
    if body.get("index_type") == "DIRECT_ACCESS":
        spec = body["direct_access_index_spec"]
        schema = json.loads(spec["schema_json"])
        vector = spec["embedding_vector_columns"][0]
        if unknown := {kind for kind in schema.values() if kind not in TYPES}:
            raise invalid(f"Types {sorted(unknown)} are not supported.")
        if key not in schema or vector["name"] not in schema:
            raise invalid("The schema has to have the primary key and the vector.")
        size = vector["embedding_dimension"]
        return Index(
            body["name"], endpoint, {"direct_access_index_spec": spec}, key, vector["name"], size, schema, polls
        )
    spec = body["delta_sync_index_spec"]
    if spec["source_table"] not in state.tables:
        raise missing(f"Table {spec['source_table']}")
    vectors = spec.get("embedding_vector_columns") or [{"name": "__vector", "embedding_dimension": 64}]
    first = (state.tables[spec["source_table"]] or [{}])[0]
    synced = spec.get("columns_to_sync") or list(first)
    schema = {name: "array<float>" if isinstance(first[name], list) else "string" for name in synced}
    index = Index(body["name"], endpoint, {"delta_sync_index_spec": spec}, key, vectors[0]["name"], 0, schema, polls)
    index.dimensions = vectors[0]["embedding_dimension"]
    index.pending = _rows_of_table(index, state)
    return index


def _rows_of_table(index: Index, state: Search) -> list[dict[str, Any]]:
    spec = index.spec["delta_sync_index_spec"]
    wanted = {*spec.get("columns_to_sync", []), index.key, index.vector}
    table = state.tables[spec["source_table"]]
    rows = [{name: row[name] for name in row if name in wanted or len(wanted) == 2} for row in table]
    for source in spec.get("embedding_source_columns", []):
        for row in rows:
            row[index.vector] = embed(row[source["name"]], index.dimensions)
    return rows


def _fits(row: dict[str, Any], index: Index) -> bool:
    """Whether a row has the key, a vector of the right size, and values of the schema's types."""
    for name, value in row.items():
        kind = TYPES.get(index.schema.get(name, ""))
        if kind is None or (value is not None and not isinstance(value, kind)):  # type: ignore[arg-type]
            return False
    vector = row.get(index.vector)
    return isinstance(row.get(index.key), str) and isinstance(vector, list) and len(vector) == index.dimensions


def _changed(count: int, refused: Sequence[str]) -> dict[str, Any]:
    status = "SUCCESS" if not refused else ("PARTIAL_SUCCESS" if count else "FAILURE")
    return {"status": status, "result": {"success_row_count": count, "failed_primary_keys": list(refused)}}


def _ranked(index: Index, body: dict[str, Any], optimised: bool) -> list[tuple[dict[str, Any], float]]:
    """The rows that a query finds, best first."""
    kind, most = (body.get("query_type") or "ANN").upper(), body.get("num_results", 10)
    if kind not in MOST_RESULTS or not 1 <= most <= MOST_RESULTS[kind]:
        raise invalid(f"{most} results of a query of type {kind} are not supported.")
    text, vector = body.get("query_text") or "", body.get("query_vector")
    if vector is None and kind != "FULL_TEXT":
        if "embedding_source_columns" not in index.spec.get("delta_sync_index_spec", {}):
            raise invalid("An index with vectors of your own needs a query_vector.")
        vector = embed(text, index.dimensions)
    if kind != "ANN" and not text:
        raise invalid(f"A query of type {kind} needs a query_text.")
    rows = _allowed(index, body, optimised)
    near = _near(rows, vector, index.vector) if vector is not None else []
    if kind == "ANN":
        scored = near
    else:
        worded = _matching(rows, text, body.get("query_columns") or index.text_columns())
        scored = worded if kind == "FULL_TEXT" else _fused(near, worded)
    if reranker := body.get("reranker"):
        scored = _reranked(rows, scored, text, reranker["parameters"]["columns_to_rerank"])
    return [(rows[number], score) for number, score in scored[:most]]


def _allowed(index: Index, body: dict[str, Any], optimised: bool) -> list[dict[str, Any]]:
    rows, names = list(index.rows.values()), list(index.schema)
    as_json, as_sql = body.get("filters_json"), body.get("filter_string")
    if (as_json and optimised) or (as_sql and not optimised):
        raise invalid("Standard endpoints take filters_json, storage-optimized ones filter_string.")
    if as_sql:
        return [dict(row) for row in by_sql(as_sql, rows, names)]
    if as_json:
        holds = by_dictionary(json.loads(as_json), names)
        return [row for row in rows if holds(row)]
    return rows


Scored = list[tuple[int, float]]


def _near(rows: Sequence[dict[str, Any]], vector: Sequence[float], column: str) -> Scored:
    if not rows:
        return []
    apart = np.array([row[column] for row in rows], np.float64) - np.asarray(vector, np.float64)
    return _best(1 / (1 + (apart**2).sum(axis=1)))


def _matching(rows: Sequence[dict[str, Any]], text: str, columns: Sequence[str]) -> Scored:
    """BM25 without its length."""
    wanted = set(WORD.findall(text.lower()))
    counts = [Counter(WORD.findall(" ".join(str(row.get(c) or "") for c in columns).lower())) for row in rows]
    held = {word: sum(word in count for count in counts) for word in wanted}
    rarity = {word: log(1 + (len(rows) - n + 0.5) / (n + 0.5)) for word, n in held.items()}
    scores = [sum(rarity[w] * c[w] * 2.2 / (c[w] + 1.2) for w in wanted if w in c) for c in counts]
    return [(number, score) for number, score in _best(np.array(scores)) if score > 0]


def _best(scores: Any) -> Scored:
    return [(int(number), float(scores[number])) for number in np.argsort(-scores, kind="stable")]


def _fused(near: Scored, worded: Scored) -> Scored:
    """Reciprocal rank fusion, 1 at most."""
    totals: Counter[int] = Counter()
    for ranking in (near, worded):
        for rank, (number, _) in enumerate(ranking):
            totals[number] += (RRF + 1) / (2 * (RRF + 1 + rank))  # type: ignore[assignment]
    return [(number, float(score)) for number, score in totals.most_common()]


def _reranked(rows: Sequence[dict[str, Any]], scored: Scored, text: str, columns: Sequence[str]) -> Scored:
    """The best 50 by the share of the question's words that they hold; the others are dropped."""
    wanted = set(WORD.findall(text.lower()))
    first = [number for number, _ in scored[:RERANKED]]
    held = [set(WORD.findall(" ".join(str(rows[n].get(c) or "") for c in columns)[:2000].lower())) for n in first]
    shares = np.array([len(wanted & words) / max(1, len(wanted)) for words in held])
    return [(first[place], share) for place, share in _best(shares)]


def _page(state: Search, table: list[list[Any]]) -> dict[str, Any]:
    first, rest = table[: state.page], table[state.page :]
    reply: dict[str, Any] = {"result": {"row_count": len(first), "data_array": first}}
    if rest:
        reply["next_page_token"] = secrets.token_hex(8)
        state.pages[reply["next_page_token"]] = rest
    return reply


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"bool_value": value}
    if isinstance(value, int | float):
        return {"number_value": value}
    if isinstance(value, list):
        return {"list_value": {"values": [_typed(each) for each in value]}}
    return {"null_value": "NULL_VALUE"} if value is None else {"string_value": value}
