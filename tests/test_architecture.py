"""The shape of the rooms: class names are unique, and packages import each other in one direction only.

A room is a top-level package. Its folders, and the files beside them, are its parts; a part may not import itself back
through another.
"""

import ast
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from support import ROOT

sys.path.insert(0, str(ROOT))
from scripts.architecture import PACKAGES, PAGE, page, parts


def files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def public_classes() -> dict[str, list[str]]:
    """The files that define each public class."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in [path for room in PACKAGES for path in files(room)]:
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].append(path.relative_to(ROOT).as_posix())
    return found


def cycle(needs: dict[str, set[str]]) -> set[str]:
    """Parts that import each other in a circle."""
    left = {part: set(need) & needs.keys() for part, need in needs.items()}
    while ready := {part for part, need in left.items() if not need & left.keys()}:
        left = {part: need for part, need in left.items() if part not in ready}
    return set(left)


def test_no_public_class_shares_its_name_with_another() -> None:
    assert {name: paths for name, paths in public_classes().items() if len(paths) > 1} == {}


@pytest.mark.parametrize("room", PACKAGES)
def test_the_parts_of_a_room_form_no_cycle(room: str) -> None:
    assert cycle(parts(room)) == set()


def test_the_drawing_of_the_parts_is_as_the_imports_are() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `python scripts/architecture.py`"


def test_a_cycle_is_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()}) == {"a", "b", "c"}


def test_the_server_is_layered_as_drawn() -> None:
    """Each layer imports only layers below it."""
    layers = [
        {"app", "serving", "cli"},
        {"routes", "middleware"},
        {"service"},
        {"limits"},
        {"streams", "conversations", "checkpoints", "observability"},
        {"releases", "schemas", "connections"},
        {"errors"},
        {"context"},
        {"audit"},
        {"auth"},
        {"sensitive"},
        {"settings"},
        {"files", "processes", "roles"},
    ]
    level = {f"server.{name}": number for number, names in enumerate(layers) for name in names}
    needs = parts("server")
    assert {part for part in needs if part not in level and part != "server.__init__"} == set()
    upward = {(part, need) for part, each in needs.items() for need in each if level[need] < level[part]}
    assert upward == set()


UNSAFE = ("pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal")
"""What runs code that a file names, when the file is loaded."""


def unsafe_loads(tree: ast.Module) -> list[str]:
    found = [
        name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
        if name.split(".")[0] in UNSAFE
    ]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found += [node.func.id for node in calls if isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec")]
    switches = [each for node in calls for each in node.keywords if "pickle" in (each.arg or "")]
    return found + [str(each.arg) for each in switches if ast.unparse(each.value) != "False"]


@pytest.mark.parametrize("room", PACKAGES)
def test_nothing_is_loaded_by_a_format_that_runs_code(room: str) -> None:
    found = {path: unsafe_loads(ast.parse(path.read_text("utf-8"))) for path in sorted((ROOT / room).rglob("*.py"))}
    assert {path: names for path, names in found.items() if names} == {}


def test_a_pickle_is_found() -> None:
    text = "from pickle import load\nload(x, allow_pickle=True)\nSaver(pickle_fallback=False)\neval(x)"
    assert unsafe_loads(ast.parse(text)) == ["pickle", "eval", "allow_pickle"]
