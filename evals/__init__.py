"""Measures how well a release answers, and gates its promotion; docs/evals.md shows the names here in a notebook.

The files in the order of an evaluation:

- samples: `dataset`, published sets as datasets in `adapters`, drafts in `drafts`, and `documents` to check them by
- asking: `runner` asks, `runs` keeps the outcomes, `revisions` makes releases of git revisions
- scores: `metrics/catalog` names every metric, `metrics/keyless` and `judge/` compute them, `scores` keeps the values
- verdict: `thresholds.toml` says what is asked; `gate/decision` decides by `criteria`, `stats` and `counted`
- what it shows: `report/`, and MLflow by `tracking` and `traces`
- `api` has the steps that notebooks and the commands in `cli/` share
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evals.api import ask, draw_trend, gate_run, score, write_report
    from evals.dataset import Dataset, Sample, read_dataset, write_dataset
    from evals.gate.verdict import Verdict
    from evals.metrics.catalog import add_metric
    from evals.metrics.metric import Metric
    from evals.runs import EvalRun

__all__ = [
    "Dataset",
    "EvalRun",
    "Metric",
    "Sample",
    "Verdict",
    "add_metric",
    "ask",
    "draw_trend",
    "gate_run",
    "read_dataset",
    "score",
    "write_dataset",
    "write_report",
]


def __getattr__(name: str) -> object:
    """Import a name when it is used first, so that commands start at once."""
    if name in __all__:
        return getattr(import_module("evals.api"), name)
    raise AttributeError(f"module 'evals' has no attribute {name!r}")
