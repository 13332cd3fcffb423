"""The file by which MLflow loads a release: it imports the release's own code under a name of its own.

It is copied beside the code that it belongs to, under the name of the form that is wanted, and imports nothing of ours
by name. Before any of that code runs, all of it is compared with the digest that was logged in MLmodel: MLflow itself
compares nothing. Whoever can replace this file and MLmodel too is stopped only by the digest in a signed warrant.
"""

import hashlib
import importlib
import importlib.util
import os
import shutil
from pathlib import Path

import yaml
from mlflow.models import set_model

HERE = Path(__file__).resolve().parent
CODE = next(path for path in (HERE / "code" / "graph", HERE / "graph") if path.is_dir())
MAKERS = {"warrant_model": "open_logged", "warrant_agent": "Responses"}
"""What makes the graph itself, or a ResponsesAgent over it."""
PARTS = ("graph", "release.yaml", "snapshot", "snapshot.json")
COMPILED = "__pycache__"
"""What Python writes there; another process that loads the same directory may do so at any time."""


def check() -> None:
    """Raises ImportError unless the package is what was logged; one that is being made has no MLmodel yet."""
    if not (HERE / "MLmodel").is_file():
        return
    for compiled in [Path(folder, COMPILED) for folder, inner, _ in os.walk(HERE) if COMPILED in inner]:
        shutil.rmtree(compiled, ignore_errors=True)
        if compiled.exists() and not os.access(compiled.parent, os.W_OK):
            raise ImportError(f"{compiled} cannot be removed, and the digest does not cover it.")
    logged = (yaml.safe_load((HERE / "MLmodel").read_text("utf-8")).get("metadata") or {}).get("warrant.digest")
    if digest() != logged or {path.name for path in CODE.parent.iterdir()} - {*PARTS, COMPILED}:
        raise ImportError(f"{HERE} is not what was logged: it was altered. Fetch it again, or log the release again.")


def digest() -> str:
    """What `package_digest` gives, by no code of the package but this."""
    # Unlike rglob, os.walk passes over a folder that another process removes meanwhile.
    below = [Path(folder, file) for name in PARTS for folder, _, files in os.walk(CODE.parent / name) for file in files]
    parts = [*(CODE.parent / name for name in PARTS), *below]
    names = [(path.relative_to(CODE.parent), path) for path in parts if path.is_file()]
    files = [(name.as_posix(), path) for name, path in names if COMPILED not in name.parts]
    whole = hashlib.sha256()
    for name, path in sorted([*files, ("warrant_model.py", Path(__file__))]):
        with path.open("rb") as file:
            whole.update(f"{name}\0{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()


def own_code() -> str:
    """The name under which this release's code has been made importable."""
    spec = importlib.util.spec_from_file_location("warrant_isolation", CODE / "registry" / "isolation.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{CODE} is not whole: registry/isolation.py is missing.")
    isolation = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(isolation)
    name: str = isolation.isolate(CODE)
    return name


check()
make = getattr(importlib.import_module(f"{own_code()}.registry.mlflow_models"), MAKERS[Path(__file__).stem])
set_model(make(HERE))
