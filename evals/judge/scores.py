"""The judged scores of a run, kept in judge.json; they are read again while run, judge and code are the same."""

import asyncio
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from evals.dataset import digest_of
from evals.judge.config import CACHE, JudgeConfig, JudgeIdentity, JudgeUsage
from evals.metrics.catalog import plugged_digest
from evals.metrics.vectors import scoring_vectors
from evals.runs import EvalRun
from evals.scores import Score, ScoresFile, content_of, score_repeats
from graph.registry.isolation import code_digest

if TYPE_CHECKING:
    from evals.judge.client import CachedJudge

JUDGEMENTS = "judge.json"
Progress = Callable[[int, int], None]
"""Is called with how many values there are and how many there will be."""


class JudgedScores(ScoresFile):
    """What is in judge.json: who judged, what it took, the scores; `whole` unless the judge failed to reply."""

    judge: JudgeIdentity
    spent: JudgeUsage
    whole: bool


def judge_run(run: EvalRun, config: JudgeConfig, progress: Progress, cache: Path = CACHE) -> JudgedScores:
    """The judged scores of a run; where the judge failed before, it is asked again. Raises RunInvalid, JudgeInvalid."""
    key, path = key_of(run, config.identity), run.path / JUDGEMENTS
    known = JudgedScores.read(path)
    if known and known.key == key and known.whole and not config.again:
        return known.model_copy(update={"spent": known.spent.at(config.settings.prices, config.identity.model)})
    from evals.judge.client import CachedJudge

    judge = CachedJudge(config, cache)
    try:
        found = asyncio.run(_judged(run, judge, progress))
    finally:
        judge.close()
    made = JudgedScores(key=key, judge=config.identity, spent=judge.usage, whole=not judge.failures, scores=found)
    made.write(path)
    return made


def kept_judged_scores(run: EvalRun) -> JudgedScores | None:
    """What was judged of a run and is still about its answers; None where nothing is."""
    found = JudgedScores.read(run.path / JUDGEMENTS)
    return found if found and found.key == key_of(run, found.judge) else None


async def _judged(run: EvalRun, judge: "CachedJudge", progress: Progress) -> tuple[Score, ...]:
    """Every judged metric of every sample that it applies to, for each repeat of the run."""
    from evals.judge.metrics import judged_values

    values, done = judged_values(judge, scoring_vectors(judge.config.settings.cores)), count(1)
    total = len(run.repeats) * len(run.dataset.samples) * len(values)
    return await score_repeats(run, lambda _: values, lambda: progress(next(done), total))


def key_of(run: EvalRun, judge: JudgeIdentity) -> str:
    """SHA-256 over the samples, the outcomes, the judge and the code that asks it."""
    code = [code_digest(Path(__file__).parent), code_digest(Path(__file__).parents[1] / "metrics")]
    parts = [*content_of(run), judge.model_dump_json(), plugged_digest(), *code]
    return digest_of(*parts)
