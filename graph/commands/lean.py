"""Spares a short-lived command what its libraries import and never use here; a server or a caller's own process does
not do this.

Half of the start of `warrant ask` would go into defining the models of remote services (LanceDB's catalogue,
LangSmith's and LangGraph's clients) and into pandas, which only says to Arrow that it is there.
"""

import gc
import importlib.util
import sys
from importlib.abc import MetaPathFinder
from types import ModuleType

COLLECT_AFTER = 200_000
"""Allocations between two garbage collections: an import allocates much and frees next to nothing."""
HOLLOW = ("lance_namespace_urllib3_client", "langsmith.types", "langgraph_sdk")
"""Packages whose modules are used here but whose __init__, which imports all of them, is not."""
ABSENT = ("pandas",)
UNMADE = "lance_namespace_urllib3_client.models"
"""A module of some 150 models that are named in signatures and never made."""


def lean_imports() -> None:
    """Put the packages in place without running their __init__; call it before anything imports them."""
    gc.set_threshold(COLLECT_AFTER)
    for name in HOLLOW:
        _put(name, ModuleType(name))
    _put(UNMADE, _Unmade(UNMADE))
    sys.meta_path.insert(0, _Absent())


def _put(name: str, module: ModuleType) -> None:
    """Let a module stand for a package whose submodules can still be imported."""
    spec = importlib.util.find_spec(name) if name not in sys.modules else None
    if spec and spec.submodule_search_locations:
        module.__path__ = list(spec.submodule_search_locations)
        module.__spec__ = spec
        sys.modules[name] = module


class _Unmade(ModuleType):
    """Has a class of every name."""

    def __getattr__(self, name: str) -> type:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


class _Absent(MetaPathFinder):
    """Makes an optional package look as if it were not installed."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname in ABSENT:
            raise ModuleNotFoundError(f"{fullname} is left out of this command.", name=fullname)
