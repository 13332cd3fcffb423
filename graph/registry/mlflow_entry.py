"""The file by which MLflow loads a release: it imports the release's own code under a name of its own.

It is copied beside the code that it belongs to, under the name of the form that is wanted, and imports nothing of ours
by name.
"""

import importlib
import importlib.util
from pathlib import Path

from mlflow.models import set_model

HERE = Path(__file__).resolve().parent
CODE = next(path for path in (HERE / "code" / "graph", HERE / "graph") if path.is_dir())
MAKERS = {"warrant_model": "open_logged", "warrant_agent": "Responses"}
"""What makes the graph itself, or a ResponsesAgent over it."""


def own_code() -> str:
    """The name under which this release's code has been made importable."""
    spec = importlib.util.spec_from_file_location("warrant_isolation", CODE / "registry" / "isolation.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{CODE} is not whole: registry/isolation.py is missing.")
    isolation = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(isolation)
    name: str = isolation.isolate(CODE)
    return name


make = getattr(importlib.import_module(f"{own_code()}.registry.mlflow_models"), MAKERS[Path(__file__).stem])
set_model(make(HERE))
