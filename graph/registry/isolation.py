"""Imports a package under a name made of its content, so that versions of it can live side by side in one process.

Python keeps one module for each name: the second version of `graph` to be imported would run the first one's code.
Under a name of its own each version has its own modules; that works because the package names its modules relatively.
This file imports nothing of ours: whoever loads a packed release runs it by its path, before anything else.
"""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import RLock

LOCK = RLock()
LEFT_OUT = ("__pycache__",)
"""What Python makes by itself is not part of a package's content."""


def digest_of(*places: tuple[str, Path]) -> str:
    """SHA-256 over the names and contents of files, and of all files below folders, each under its given name."""
    whole = hashlib.sha256()
    for name, path in sorted(pair for place in places for pair in _files(*place)):
        with path.open("rb") as file:
            whole.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


def code_digest(package: Path) -> str:
    """SHA-256 over everything in a package's folder."""
    return digest_of(("", package))


def isolate(package: Path) -> str:
    """Make a package importable under a name of its own and give that name; the same content is imported once.

    It is imported anew where the folder that it was imported from is gone: modules that are not imported yet are, too.
    """
    name = f"{package.name}_{code_digest(package)[:16]}"
    with LOCK:
        known = sys.modules.get(name)
        if known is None or not Path(known.__path__[0]).is_dir():
            forget(name)
            _import(name, package)
    return name


def forget(name: str) -> None:
    """Let go of an isolated package; what still uses it goes on with it."""
    with LOCK:
        for module in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
            del sys.modules[module]


def _import(name: str, package: Path) -> None:
    spec = importlib.util.spec_from_file_location(
        name, package / "__init__.py", submodule_search_locations=[str(package)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"{package} is not a package.", name=name)
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        forget(name)
        raise


def _files(name: str, path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield name, path
        return
    # Unlike rglob, this passes over a folder that another process removes meanwhile.
    for folder, inner, files in os.walk(path):
        inner[:] = [each for each in inner if each not in LEFT_OUT]
        for each in (Path(folder, file) for file in files):
            if each.is_file():
                relative = each.relative_to(path).as_posix()
                yield (f"{name}/{relative}" if name else relative), each
