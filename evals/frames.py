"""Scores as a table for pandas, CSV and Parquet: a row for each sample and metric of a run."""

from collections.abc import Iterable
from pathlib import Path

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


def write_frames(frame: pd.DataFrame, csv: Path | None, parquet: Path | None) -> None:
    """Write a table to the files that are named."""
    for path, write in ((csv, frame.to_csv), (parquet, frame.to_parquet)):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path, index=False)
