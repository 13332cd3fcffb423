"""Scores a run by the keyless metrics; what was scored before and has not changed is read again."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from pydantic import ValidationError

from evals.metrics import plain
from evals.metrics.known import KEYLESS
from evals.metrics.plain import Unscored
from evals.metrics.vectors import Vectors
from evals.runs import ANSWERS, Kept, Outcome, Run
from evals.samples import Sample
from evals.scores import Metric, Score, scored
from graph.backends.embedders import load_embedder
from graph.files import write_whole
from graph.prices import Prices
from graph.registry.isolation import code_digest

SCORES = "scores.json"
EMBEDDING = "minilm-l6-v2-int8"
Value = Callable[[Sample, Outcome], Awaitable[float | None]]


class Scores(Kept):
    """What is in scores.json; `key` is over all that the scores were made from, the metrics' code included."""

    key: str
    scores: tuple[Score, ...]


async def score_run(run: Run, prices: Prices, threads: int) -> tuple[Score, ...]:
    """The scores of a run, from its file where they are still right; raises RunInvalid."""
    if (known := _known(run.place / SCORES)) and known.key == key_of(run, prices):
        return known.scores
    vectors = Vectors(load_embedder(EMBEDDING, threads).embed)
    found = tuple(await score_all(run.dataset.samples, run.outcomes, prices, vectors))
    keep(run, prices, found)
    return found


def keep(run: Run, prices: Prices, scores: tuple[Score, ...]) -> None:
    """Write the scores of a run beside it."""
    kept = Scores(key=key_of(run, prices), scores=scores)
    write_whole(run.place / SCORES, kept.model_dump_json(exclude_defaults=True) + "\n")


async def score_all(
    samples: Sequence[Sample], outcomes: dict[str, Outcome], prices: Prices, vectors: Vectors
) -> list[Score]:
    """Every metric of every sample that it applies to; a sample without an outcome has no score, and a reason."""
    values = _values(samples, list(outcomes.values()), prices, vectors)
    return [
        score
        for sample in samples
        for metric in KEYLESS
        if (score := await _score(metric, values[metric.name], sample, outcomes.get(sample.id)))
    ]


def key_of(run: Run, prices: Prices) -> str:
    """SHA-256 over the samples, the outcomes, the prices and the code of the metrics."""
    code = code_digest(Path(__file__).parent / "metrics")
    parts = (*content_of(run), json.dumps(prices, sort_keys=True), code)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def content_of(run: Run) -> tuple[str, str]:
    """The digests of the samples and of what became of them."""
    answers = run.place / ANSWERS
    return run.dataset.digest, hashlib.sha256(answers.read_bytes() if answers.exists() else b"").hexdigest()


async def _score(metric: Metric, value: Value, sample: Sample, outcome: Outcome | None) -> Score | None:
    """None where the metric does not apply, which an outcome never decides."""
    probe = outcome if outcome and outcome.answer else NOTHING
    try:
        found = await value(sample, probe)
    except Unscored as error:
        return _unscored(metric, sample, why(outcome) or str(error))
    except KeyError as error:
        return _unscored(metric, sample, f"the answer is of another form than this code reads: it has no {error}")
    if found is None:
        return None
    return _unscored(metric, sample, reason) if (reason := why(outcome)) else scored(sample.id, metric, [found])


def why(outcome: Outcome | None) -> str:
    """Why a sample cannot be scored at all; empty when it can."""
    if outcome is None:
        return "it was not asked"
    return f"it failed: {outcome.trouble.kind}" if outcome.trouble else ""


def _unscored(metric: Metric, sample: Sample, reason: str) -> Score:
    return Score(sample=sample.id, metric=metric.name, reason=reason)


def _values(
    samples: Sequence[Sample], outcomes: Sequence[Outcome], prices: Prices, vectors: Vectors
) -> dict[str, Value]:
    """How each metric is computed, by name."""
    from evals.metrics.supported import Supported
    from evals.metrics.through_ragas import RagasMetrics

    vectors.learn([text for outcome in outcomes if (text := plain.said(outcome))])
    vectors.learn([right for sample in samples for right in sample.answers])
    rooms = (RagasMetrics(vectors), Supported(vectors, outcomes))

    async def cost(sample: Sample, outcome: Outcome) -> float | None:
        return plain.cost_usd(outcome, prices)

    found: dict[str, Value] = {"cost_usd": cost}
    for name in {metric.name for metric in KEYLESS} - found.keys():
        asked = next((getattr(room, name) for room in rooms if hasattr(room, name)), None)
        found[name] = asked or _waited(getattr(plain, name))
    return found


def _waited(value: Callable[[Sample, Outcome], float | None]) -> Value:
    async def later(sample: Sample, outcome: Outcome) -> float | None:
        return value(sample, outcome)

    return later


def _known(path: Path) -> Scores | None:
    try:
        return Scores.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValidationError):
        return None


NOTHING = Outcome(
    sample="-",
    answer={"text": "", "status": "declined", "route": "", "usage": {"calls": 0}},
    passages=[],
    seconds=0.0,
)
"""Stands for an outcome that is not there, to see whether a metric applies."""
