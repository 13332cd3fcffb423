"""Scores of a run: for each sample and metric a value, or the reason why there is none; kept in scores.json."""

import asyncio
import inspect
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import model_validator

from evals.dataset import DigestedFile, Sample, StrictModel, digest_of, file_digest
from evals.metrics import keyless
from evals.metrics.catalog import METRICS, plugged_digest
from evals.metrics.metric import Compute, Metric, RunContext, Unscored, Untested
from evals.metrics.support import SupportMetrics
from evals.metrics.vectors import Vectors, scoring_vectors
from evals.runs import ANSWERS, EvalRun, SampleOutcome
from graph.prices import Prices
from graph.registry.isolation import code_digest

if TYPE_CHECKING:
    import pandas as pd

SCORES = "scores.json"
FAILED = "it failed: "
NOTHING = SampleOutcome(
    sample="-",
    answer={"text": "", "status": "declined", "route": "", "usage": {"calls": 0}},
    passages=[],
    seconds=0.0,
)
"""Stands in for a missing outcome, to see whether a metric applies."""


class Score(StrictModel):
    """A metric of a sample: a value for each repeat of the question; without values, the `reason`.

    A metric that does not apply to a sample, by what is known of the sample alone, has no Score there. `untested`: the
    answer has nothing that the metric tests, so that no value is missing.
    """

    sample: str
    metric: str
    values: tuple[float, ...] = ()
    reason: str = ""
    untested: bool = False

    @model_validator(mode="after")
    def _one_or_the_other(self) -> "Score":
        if bool(self.values) == bool(self.reason):
            raise ValueError("a score has values, or a reason why it has none")
        if not all(math.isfinite(value) for value in self.values):
            raise ValueError("a value is no finite number")
        return self

    @property
    def value(self) -> float | None:
        """The mean of the repeats; None where there is no score."""
        return math.fsum(self.values) / len(self.values) if self.values else None


class MeanInterval(StrictModel):
    """A figure and the ends of its interval; none over a slice, or where there are too few samples."""

    value: float
    low: float | None = None
    high: float | None = None


def scored(sample: str, metric: Metric, value: float) -> Score:
    """A score; what is no number or out of the metric's bounds becomes the reason why there is none."""
    if not metric.low <= value <= metric.high:
        return _unscored(metric, sample, f"{value:g} is not within {metric.low:g} and {metric.high:g}")
    return Score(sample=sample, metric=metric.name, values=(float(value),))


def merge_repeats(scores: Iterable[Score]) -> tuple[Score, ...]:
    """One score for each sample and metric, with the values of all repeats; none where one of them failed."""
    found: dict[tuple[str, str], list[Score]] = {}
    for score in scores:
        found.setdefault((score.sample, score.metric), []).append(score)
    return tuple(map(_merged, found.values()))


def by_metric(scores: Iterable[Score]) -> dict[str, dict[str, Score]]:
    """Scores by metric and sample."""
    found: dict[str, dict[str, Score]] = {}
    for score in scores:
        found.setdefault(score.metric, {})[score.sample] = score
    return found


def values_of(scores: Mapping[str, Score]) -> list[float]:
    """The values of one metric; samples without one are left out."""
    return [value for score in scores.values() if (value := score.value) is not None]


class ScoresFile(DigestedFile):
    """scores.json; `key` is a digest of everything that the scores depend on, the metrics' code included."""

    key: str
    scores: tuple[Score, ...]


def score_run(run: EvalRun, prices: Prices, threads: int) -> tuple[Score, ...]:
    """The scores of a run, from its file where they are still right; raises RunInvalid."""
    if (known := ScoresFile.read(run.path / SCORES)) and known.key == key_of(run, prices):
        return known.scores
    samples, vectors = run.dataset.samples, scoring_vectors(threads)
    found = asyncio.run(
        score_repeats(run, lambda outcomes: keyless_values(samples, list(outcomes.values()), prices, vectors))
    )
    keep(run, prices, found)
    return found


def keep(run: EvalRun, prices: Prices, scores: tuple[Score, ...]) -> None:
    """Write the scores of a run beside it."""
    ScoresFile(key=key_of(run, prices), scores=scores).write(run.path / SCORES)


async def score_all(
    samples: Sequence[Sample],
    outcomes: Mapping[str, SampleOutcome],
    values: Mapping[str, Compute],
    on_score: Callable[[], None] = lambda: None,
) -> list[Score]:
    """Each metric of each sample that it applies to; a sample without an outcome has no score, and a reason."""

    async def one(name: str, sample: Sample) -> Score | None:
        score = await _score(METRICS[name], values[name], sample, outcomes.get(sample.id))
        on_score()
        return score

    found = await asyncio.gather(*(one(name, sample) for sample in samples for name in values))
    return [score for score in found if score]


async def score_repeats(
    run: EvalRun,
    values: Callable[[Mapping[str, SampleOutcome]], Mapping[str, Compute]],
    on_score: Callable[[], None] = lambda: None,
) -> tuple[Score, ...]:
    """The scores of all repeats of a run; `values` says how the metrics of one repeat are computed."""
    found: list[Score] = []
    for outcomes in run.repeats:
        found += await score_all(run.dataset.samples, outcomes, values(outcomes), on_score)
    return merge_repeats(found)


def key_of(run: EvalRun, prices: Prices) -> str:
    """SHA-256 over the samples, the outcomes, the prices and the code of the metrics."""
    code = code_digest(Path(__file__).parent / "metrics")
    parts = (*content_of(run), json.dumps(prices, sort_keys=True), code, plugged_digest())
    return digest_of(*parts)


def content_of(run: EvalRun) -> tuple[str, str]:
    """The digests of the samples and of what became of them."""
    return run.dataset.digest, file_digest(run.path / ANSWERS)


async def _score(metric: Metric, compute: Compute, sample: Sample, outcome: SampleOutcome | None) -> Score | None:
    """None where the metric does not apply, which an outcome never decides."""
    probe = outcome if outcome and outcome.answer else NOTHING.model_copy(update={"timing": outcome and outcome.timing})
    try:
        found: Any = compute(sample, probe)
        found = await found if inspect.isawaitable(found) else found
    except Unscored as error:
        failed = missing_reason(outcome)
        untested = isinstance(error, Untested) and not failed
        return Score(sample=sample.id, metric=metric.name, reason=failed or str(error), untested=untested)
    except KeyError as error:
        return _unscored(metric, sample.id, f"the answer is of another form than this code reads: it has no {error}")
    if found is None:
        return None
    if reason := missing_reason(outcome):
        return _unscored(metric, sample.id, reason)
    return scored(sample.id, metric, found)


def missing_reason(outcome: SampleOutcome | None) -> str:
    """Why a sample cannot be scored at all; empty when it can."""
    if outcome is None:
        return "it was not asked"
    return f"{FAILED}{outcome.trouble.kind}" if outcome.trouble else ""


def _merged(repeats: Sequence[Score]) -> Score:
    """An answer in which there is nothing to test counts for nothing beside one in which there is."""
    tested = [each for each in repeats if not each.untested] or repeats[:1]
    failed = next((each for each in tested if not each.values), None)
    values = tuple(value for each in tested for value in each.values)
    return failed or tested[0].model_copy(update={"values": values})


def _unscored(metric: Metric, sample: str, reason: str) -> Score:
    return Score(sample=sample, metric=metric.name, reason=reason)


def score_frame(run: EvalRun, scores: Iterable[Score]) -> "pd.DataFrame":
    """A row for each score; where there is no `value`, the `reason`. `spread` is that of repeats."""
    import pandas as pd  # It takes a second to import.

    samples, outcomes = {sample.id: sample for sample in run.dataset.samples}, run.outcomes
    rows = [
        {
            "release": run.info.label,
            "version": run.info.version,
            "dataset": run.info.dataset,
            "sample": score.sample,
            "cluster": samples[score.sample].depends_on,
            "tags": " ".join(samples[score.sample].tags),
            "answerable": samples[score.sample].answerable,
            "confidence": outcomes[score.sample].confidence if score.sample in outcomes else None,
            "metric": score.metric,
            "value": score.value,
            "spread": max(score.values) - min(score.values) if score.values else None,
            "repeats": len(score.values),
            "reason": score.reason,
        }
        for score in scores
    ]
    types = {"version": "Int64", "confidence": "float64", "value": "float64", "spread": "float64"}
    return pd.DataFrame(rows).astype(types)


def keyless_values(
    samples: Sequence[Sample], outcomes: Sequence[SampleOutcome], prices: Prices, vectors: Vectors
) -> dict[str, Compute]:
    """How each metric that needs no judge is computed, by name."""
    from evals.metrics.from_ragas import RagasMetrics  # ragas takes seconds to import.

    vectors.learn([text for outcome in outcomes if (text := keyless.said(outcome))])
    vectors.learn([right for sample in samples for right in sample.answers])
    context = RunContext(vectors, prices, RagasMetrics(vectors), SupportMetrics(vectors, outcomes))
    found = (metric for metric in METRICS.values() if not metric.judged and not metric.counted)
    return {metric.name: _compute_of(metric, context) for metric in found}


def _compute_of(metric: Metric, context: RunContext) -> Compute:
    if metric.value:
        return metric.value
    if metric.of_run:
        return metric.of_run(context)
    from evals.metrics.from_ragas import RagasMetric

    return RagasMetric(metric, context.vectors).value
