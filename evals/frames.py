"""Scores as a data frame, a row for each."""

from collections.abc import Iterable

import pandas as pd

from evals.runs import EvalRun
from evals.scores import Score


def score_frame(run: EvalRun, scores: Iterable[Score]) -> pd.DataFrame:
    """A row for each score; where there is no `value`, the `reason`. `spread` is that of a judge's repeats."""
    samples = {sample.id: sample for sample in run.dataset.samples}
    rows = [
        {
            "release": run.info.label,
            "version": run.info.version,
            "dataset": run.info.dataset,
            "sample": score.sample,
            "cluster": samples[score.sample].depends_on,
            "tags": " ".join(samples[score.sample].tags),
            "answerable": samples[score.sample].answerable,
            "metric": score.metric,
            "value": score.value,
            "spread": max(score.values) - min(score.values) if score.values else None,
            "repeats": len(score.values),
            "reason": score.reason,
        }
        for score in scores
    ]
    types = {"version": "Int64", "value": "float64", "spread": "float64"}
    return pd.DataFrame(rows).astype(types)
