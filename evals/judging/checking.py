"""Has the verifier and a judge score answers that people judged."""

from collections.abc import Callable, Sequence
from pathlib import Path

from evals.judging.asking import Judge, together
from evals.judging.identity import Judging, Spent
from evals.judging.labels import Labelled
from evals.judging.replies import HOME
from evals.metrics.known import METRICS
from evals.metrics.plain import Unscored
from evals.metrics.supported import Supported
from evals.metrics.vectors import Vectors
from evals.scores import Score, scored
from evals.scoring import EMBEDDING
from graph.backends.embedders import load_embedder

VERIFIER, JUDGED = METRICS["groundedness"], METRICS["faithfulness"]


async def verified(labelled: Sequence[Labelled], threads: int, told: Callable[[], None]) -> list[Score]:
    """The verifier's groundedness of each answer, weighed over all their passages."""
    outcomes = [each.outcome for each in labelled]
    supported = Supported(Vectors(load_embedder(EMBEDDING, threads).embed), outcomes)
    found = []
    for each, outcome in zip(labelled, outcomes, strict=True):
        value = await supported.groundedness(each.sample, outcome)
        found.append(scored(each.line.id, VERIFIER, [] if value is None else [value]))
        told()
    return found


async def judged(
    labelled: Sequence[Labelled], judging: Judging, told: Callable[[], None], replies: Path = HOME
) -> tuple[list[Score], Spent]:
    """The judge's faithfulness of each answer, every repeat of it, and what that took."""
    from evals.metrics.judged import JudgedMetrics

    judge = Judge(judging, replies)
    metrics = JudgedMetrics(judge, Vectors(load_embedder(EMBEDDING, judging.settings.cores).embed))

    async def one(each: Labelled) -> Score:
        try:
            repeats = range(judging.repeats)
            values = [await metrics.faithfulness(each.sample, each.outcome, repeat) for repeat in repeats]
        except Unscored as error:
            return Score(sample=each.line.id, metric=JUDGED.name, reason=str(error))
        finally:
            told()
        return scored(each.line.id, JUDGED, values)

    try:
        found = await together(one(each) for each in labelled)
    finally:
        judge.close()
    return found, judge.spent
