"""The architecture: who may import whom, and which foreign library lives where."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from support import ROOT

sys.path.insert(0, str(ROOT))
from scripts.architecture import absolute

GRAPH = sorted((ROOT / "graph").rglob("*.py"))
EVALS = sorted((ROOT / "evals").rglob("*.py"))
SOURCES = sorted([ROOT / "warrant.py", *GRAPH, *(ROOT / "server").rglob("*.py"), *EVALS])

REGISTRY = ("client", "log_model", "log_release", "mlflow_entry", "mlflow_models", "tracing")
"""The files of the registry that use MLflow; packages, warrants and stages do not."""
HOMES = {
    "lancedb": {"graph/index/tables.py"},
    "kreuzberg": {"graph/ingest/formats/convert.py"},
    "onnxruntime": {"graph/models/onnx.py"},
    "langchain": {"graph/models/chat.py", "graph/models/endpoint_embedding.py"},
    "langchain_openai": {"graph/models/chat.py"},
    "anthropic": {"graph/models/chat.py"},
    "databricks": {
        "graph/models/databricks.py",
        "graph/index/ai_search_client.py",
        "graph/index/ai_search_sync.py",
        "graph/databricks/app.py",
        "graph/databricks/endpoint.py",
        "graph/databricks/permissions.py",
    },
    "deltalake": {"graph/batch/delta.py"},
    "pyspark": {f"graph/batch/{name}.py" for name in ("spark", "spark_index")},
    "databricks_langchain": {"graph/models/databricks.py"},
    "databricks_openai": {"graph/models/databricks.py"},
    "xllamacpp": {"graph/models/llama.py"},
    "interlock": {"graph/models/breaker.py"},
    "jiter": {"graph/models/json_claims.py"},
    "httpx": {f"graph/models/{name}.py" for name in ("chat", "http", "llama")}
    | {"graph/models/rerank_endpoint.py", "server/serving.py"}
    | {"server/auth/databricks_users.py", "server/auth/tokens.py"}
    | {"graph/index/ai_search_client.py", "graph/audit.py", "graph/registry/tickets.py"},
    "langserve": {"server/routes/langserve.py"},
    "tenacity": {"evals/judge/client.py"},
    "mcp": {"server/routes/mcp.py"},
    "sse_starlette": {"server/routes/langserve.py"},
    "uvicorn": {"server/connections.py", "server/serving.py"},
    "prometheus_client": {"server/observability/metric_definitions.py"},
    "mlflow": {f"graph/registry/{name}.py" for name in REGISTRY}
    | {
        "server/observability/mlflow_traces.py",
        "evals/tracking.py",
        "evals/traces.py",
        "evals/metrics/for_mlflow.py",
    },
    "statsmodels": {"server/observability/outcomes.py", "evals/gate/stats.py"},
    "cryptography": {"graph/registry/signing.py", "server/sensitive.py"},
    "pythonjsonlogger": {"server/observability/logs.py"},
    "pebble": {"graph/ingest/reading.py"},
    "markdown_it": {"graph/ingest/formats/tables.py"},
    "python_calamine": {"graph/ingest/formats/workbooks.py"},
    "filelock": {
        "evals/runs.py",
        "graph/registry/package.py",
        "graph/index/store.py",
        "graph/audit.py",
        "graph/keys.py",
        "server/releases/retention.py",
        "server/observability/mlflow_traces.py",
    },
    "snowballstemmer": {"graph/text/words.py"},
    "sentencex": {"graph/text/splitting.py"},
    "cachetools": {"graph/caching/cache.py", "server/auth/databricks_users.py", "server/releases/failures.py"},
    "eldc": {"graph/text/language.py"},
    "stop_words": {"graph/text/words.py"},
    "rapidfuzz": {
        "graph/steps/quotes.py",
        "graph/verification/features.py",
        "graph/ingest/access.py",
    },
    "pandas": {"evals/api.py", "evals/scores.py"},
    "matplotlib": {"evals/report/trend.py", "graph/drawing.py"},
    "jinja2": {"evals/report/words.py"},
    # Keyless metrics, judged ones, our own as ragas' users take them, and test sets: they change for four reasons.
    "ragas": {
        "evals/metrics/from_ragas.py",
        "evals/metrics/for_ragas.py",
        "evals/judge/metrics.py",
        "evals/drafts.py",
    },
    "scipy": {"evals/gate/stats.py", "server/observability/outcomes.py"},
    "text_to_num": {"graph/text/number_words.py"},
}
ROOMS = ("text", "safety", "steps", "verification", "retrieval")
"""Each imports of the rooms those before it alone."""
IMPURE = {
    "verification/__init__",
    "verification/verifier",
    "verification/report",
    "retrieval/pipeline",
    "steps/generate",
}
"""What waits for a backend; everything else in the rooms is pure."""
PURE = sorted(
    path.relative_to(ROOT / "graph").with_suffix("").as_posix()
    for room in ROOMS
    for path in (ROOT / "graph" / room).glob("*.py")
    if path.relative_to(ROOT / "graph").with_suffix("").as_posix() not in IMPURE
)
PURE_MAY_IMPORT = {*ROOMS, "learned", "state", "callers", "errors", "release", "filters"}


@cache
def imports(path: Path) -> set[str]:
    """The modules that a file imports; read once, since sixty tests ask for those of every file."""
    found = set[str]()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and (module := absolute(path, node)):
            found.add(module)
    return found


def ours(path: Path) -> set[str]:
    return {name for name in imports(path) if name.split(".")[0] in ("graph", "server", "evals", "warrant")}


@pytest.mark.parametrize("path", GRAPH, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_graph_knows_neither_server_nor_evals(path: Path) -> None:
    assert not {name for name in ours(path) if name.split(".")[0] in ("server", "evals", "warrant")}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "server").rglob("*.py")), ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_server_does_not_know_evals(path: Path) -> None:
    assert not {name for name in ours(path) if name.split(".")[0] in ("evals", "warrant")}


@pytest.mark.parametrize("path", EVALS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_evals_do_not_know_the_server(path: Path) -> None:
    assert not {name for name in ours(path) if name.split(".")[0] in ("server", "warrant")}


def test_routes_do_not_know_each_other_and_only_the_application_knows_them() -> None:
    shared = {"server.routes.events", "server.routes.plain_text", "server.routes.openai_schemas"}
    for path in (ROOT / "server" / "routes").glob("*.py"):
        assert {name for name in ours(path) if name.startswith("server.routes.")} <= shared
    for path in (ROOT / "server").rglob("*.py"):
        routes = {name for name in ours(path) if name.startswith("server.routes.")}
        assert not routes or path.name == "app.py" or path.parent.name == "routes"


def test_graph_names_its_own_modules_from_where_it_stands() -> None:
    """So that it can be imported under another name, beside another version of itself."""
    named = {p.relative_to(ROOT).as_posix() for p in GRAPH for n in nodes(p) if n.split(".")[0] == "graph"}
    assert named == set()


def nodes(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def test_state_imports_nothing_of_ours() -> None:
    assert ours(ROOT / "graph/state.py") == set()


@pytest.mark.parametrize("name", [*PURE, "answers"])
def test_the_logic_of_a_step_is_pure(name: str) -> None:
    known = {part.removeprefix("graph.") for part in ours(ROOT / f"graph/{name}.py")} - {"graph"}
    assert {part.split(".")[0] for part in known} <= PURE_MAY_IMPORT
    assert not {part.replace(".", "/") for part in known} & IMPURE


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_rooms_before_it(room: str) -> None:
    used = {name.split(".")[1] for path in (ROOT / "graph" / room).glob("*.py") for name in ours(path) if "." in name}
    assert used & set(ROOMS[ROOMS.index(room) + 1 :]) == set()


def test_learned_models_import_nothing_of_ours() -> None:
    assert ours(ROOT / "graph/learned/__init__.py") == set()


def test_nodes_know_protocols_and_neither_models_nor_index() -> None:
    assert not {name for name in ours(ROOT / "graph/nodes.py") if name.startswith(("graph.models.", "graph.index."))}


@pytest.mark.parametrize(
    "path",
    sorted([*(ROOT / "graph/models").glob("*.py"), *(ROOT / "graph/index").glob("*.py")]),
    ids=lambda path: path.relative_to(ROOT).as_posix(),
)
def test_models_and_index_do_not_know_nodes(path: Path) -> None:
    assert not ours(path) & {"graph.nodes", "graph.builder", "graph.agent"}


@pytest.mark.parametrize("library", sorted(HOMES))
def test_a_foreign_library_lives_in_one_file(library: str) -> None:
    users = {p.relative_to(ROOT).as_posix() for p in SOURCES if library in {n.split(".")[0] for n in imports(p)}}
    assert users == HOMES[library]


def test_only_settings_reads_the_environment() -> None:
    readers = {p.relative_to(ROOT).as_posix() for p in SOURCES if "os.environ" in p.read_text("utf-8")}
    assert readers == {"graph/settings.py", "server/settings.py"}


def test_no_file_has_grown_too_long() -> None:
    long = {p.relative_to(ROOT).as_posix(): len(p.read_text("utf-8").splitlines()) for p in SOURCES}
    assert {name: lines for name, lines in long.items() if lines > 320} == {}


def test_imports_have_no_cycle() -> None:
    names = {
        p: p.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__") for p in SOURCES
    }
    known = set(names.values())
    needs = {name: {need for need in top_level(path) if need in known} - {name} for path, name in names.items()}
    while ready := {name for name, need in needs.items() if not need & needs.keys()}:
        needs = {name: need for name, need in needs.items() if name not in ready}
    assert needs == {}


def top_level(path: Path) -> Iterator[str]:
    """Modules imported when the file is, and all that could be one: `from .retrieval import rerank` names both."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = absolute(path, node)
            yield from [module, *(f"{module}.{name.name}" for name in node.names)]
