"""Has a run judged, every metric as often as it was asked for; what was judged and has not changed is read again."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from evals.judging.identity import Identity, Judging, Spent
from evals.judging.replies import HOME
from evals.metrics.known import JUDGED
from evals.metrics.plain import Unscored
from evals.metrics.vectors import Vectors
from evals.runs import Kept, Outcome, Run
from evals.samples import Sample
from evals.scores import Metric, Score, scored
from evals.scoring import EMBEDDING, content_of, why
from graph.backends.embedders import load_embedder
from graph.files import write_whole
from graph.registry.isolation import code_digest

if TYPE_CHECKING:
    from evals.judging.asking import Judge
    from evals.metrics.judged import JudgedMetrics

JUDGEMENTS = "judge.json"
Told = Callable[[int, int], None]
"""Hears how many values there are, and how many there will be."""


class Judgements(Kept):
    """What is in judge.json: who judged, what it took, the scores; `whole` unless the judge failed to reply."""

    key: str
    judge: Identity
    repeats: int
    spent: Spent
    whole: bool
    scores: tuple[Score, ...]

    @property
    def label(self) -> str:
        """The judge and how often it was asked."""
        return self.judge.asked(self.repeats)


@dataclass(frozen=True)
class Wanted:
    """A metric of a sample that is to be judged, and what became of the sample."""

    metric: Metric
    sample: Sample
    outcome: Outcome | None


async def judge_run(run: Run, judging: Judging, told: Told, replies: Path = HOME) -> Judgements:
    """The judged scores of a run; where the judge failed before, it is asked again. Raises RunInvalid, JudgeInvalid."""
    key, path = _key(run, judging.identity, judging.repeats), run.place / JUDGEMENTS
    known = _read(path)
    if known and known.key == key and known.whole and not judging.again:
        return known.model_copy(update={"spent": known.spent.at(judging.settings.prices, judging.identity.model)})
    from evals.judging.asking import Judge

    judge = Judge(judging, replies)
    try:
        found = await _judged(list(wanted(run)), judge, told)
    finally:
        judge.close()
    made = Judgements(
        key=key,
        judge=judging.identity,
        repeats=judging.repeats,
        spent=judge.spent,
        whole=not judge.failures,
        scores=tuple(found),
    )
    write_whole(path, made.model_dump_json(exclude_defaults=True) + "\n")
    return made


def kept_judgements(run: Run) -> Judgements | None:
    """What was judged of a run and is still about its answers; None where nothing is."""
    found = _read(run.place / JUDGEMENTS)
    return found if found and found.key == _key(run, found.judge, found.repeats) else None


def wanted(run: Run) -> Iterator[Wanted]:
    """Every judged metric of every sample that it applies to."""
    from evals.metrics.judged import applies

    outcomes = run.outcomes
    for sample in run.dataset.samples:
        for metric in JUDGED:
            if applies(metric.name, sample):
                yield Wanted(metric, sample, outcomes.get(sample.id))


async def _judged(asked: Sequence[Wanted], judge: "Judge", told: Told) -> list[Score]:
    from evals.judging.asking import together
    from evals.metrics.judged import JudgedMetrics

    metrics = JudgedMetrics(judge, Vectors(load_embedder(EMBEDDING, judge.judging.settings.cores).embed))
    done, repeats = 0, judge.judging.repeats

    async def one(each: Wanted) -> Score:
        nonlocal done
        score = await _score(metrics, each, repeats)
        done += 1
        told(done, len(asked))
        return score

    return await together(one(each) for each in asked)


async def _score(metrics: "JudgedMetrics", each: Wanted, repeats: int) -> Score:
    """The values of all repeats, or why there are none: one repeat that cannot be used leaves no score."""
    if reason := why(each.outcome):
        return Score(sample=each.sample.id, metric=each.metric.name, reason=reason)
    value = getattr(metrics, each.metric.name)
    try:
        values = [await value(each.sample, each.outcome, repeat) for repeat in range(repeats)]
    except Unscored as error:
        return Score(sample=each.sample.id, metric=each.metric.name, reason=str(error))
    return scored(each.sample.id, each.metric, values)


def _key(run: Run, judge: Identity, repeats: int) -> str:
    """SHA-256 over the samples, the outcomes, the judge and the code that asks it."""
    code = [code_digest(Path(__file__).parent), code_digest(Path(__file__).parents[1] / "metrics")]
    parts = [*content_of(run), judge.model_dump_json(), str(repeats), *code]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _read(path: Path) -> Judgements | None:
    try:
        return Judgements.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValidationError):
        return None
