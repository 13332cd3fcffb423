"""Measures how well a release answers, and gates its promotion; the names of `evals.api` are here too."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evals.api import Dataset as Dataset
    from evals.api import EvalRun as EvalRun
    from evals.api import Metric as Metric
    from evals.api import Sample as Sample
    from evals.api import Verdict as Verdict
    from evals.api import add_metric as add_metric
    from evals.api import ask as ask
    from evals.api import draw_trend as draw_trend
    from evals.api import gate_run as gate_run
    from evals.api import read_dataset as read_dataset
    from evals.api import score as score
    from evals.api import write_dataset as write_dataset
    from evals.api import write_report as write_report


def __getattr__(name: str) -> object:
    """Import a name when it is used first, so that commands start at once."""
    if not name.startswith("_") and name in (api := import_module("evals.api")).__all__:
        return getattr(api, name)
    raise AttributeError(f"module 'evals' has no attribute {name!r}")
