"""How far the verifier and a judge agree with people, and a judge with itself."""

import json
import statistics
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError
from scipy.stats import DegenerateDataWarning, bootstrap, mannwhitneyu, spearmanr

from evals.adapters import TURN, opened
from evals.dataset import Sample, StrictModel, shuffled
from evals.errors import LabelsInvalid, problems_of
from evals.judge.client import CachedJudge
from evals.judge.config import CACHE, JudgeConfig, JudgeUsage
from evals.metrics.support import SupportMetrics
from evals.metrics.vectors import scoring_vectors
from evals.runs import SampleOutcome, plain_passage
from evals.scores import MeanInterval, Score, Value, score_all

LABELS, CORPUS, QUERIES = "human_judged_answers.jsonl", "corpus.jsonl", "queries.jsonl"
WITHIN = "mtrag"
"""Where the labels are in a folder of several sets."""
PEOPLE = "reference"
FAITHFUL = 3.0
"""A median rating from which people call an answer faithful: at most details are not in its passages."""


class HumanRatings(BaseModel):
    """What people said of an answer."""

    faithfulness: list[float] = Field(min_length=1)


class LabelledLine(BaseModel):
    """An answer as the file has it; `automatic` are scores that came with the set."""

    id: str
    query_id: str
    model: str
    answer: str
    context_ids: list[str]
    human: HumanRatings
    automatic: dict[str, float] = {}


@dataclass(frozen=True)
class CorpusPassage:
    """A passage of a set with its title."""

    id: str
    title: str
    text: str


@dataclass(frozen=True)
class LabelledAnswer:
    """An answer, what it was to be written from, and what people said of it."""

    line: LabelledLine
    question: dict[str, Any]
    passages: tuple[CorpusPassage, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.line.human.faithfulness)

    @property
    def conversation(self) -> str:
        """Answers in one conversation depend on each other."""
        return self.line.query_id.partition(TURN)[0]

    @property
    def sample(self) -> Sample:
        """The question in its conversation."""
        fields = {"question": self.question["text"], "history": self.question.get("history") or []}
        return Sample.model_validate({"id": self.line.id, "answerable": True, "cluster": self.conversation, **fields})

    @property
    def outcome(self) -> SampleOutcome:
        """The answer as a run would have kept it."""
        answer = {"text": self.line.answer, "status": "answered", "citations": []}
        return SampleOutcome(
            sample=self.line.id,
            answer=answer,
            passages=[plain_passage(each.id, each.text, each.title) for each in self.passages],
            seconds=0,
        )


def read_labels(folder: Path, most: int | None = None) -> list[LabelledAnswer]:
    """The answers of models with their labels; `most` takes so many by a hash of their ids. Raises LabelsInvalid."""
    home = folder / WITHIN if (folder / WITHIN).is_dir() else folder
    texts, questions = texts_of(home), {each["id"]: each for each in _lines(home, QUERIES)}
    lines = [line for line in _parsed(home) if line.model != PEOPLE]
    if most is not None:
        lines = shuffled(lines, lambda line: line.id)[:most]
    try:
        return [
            LabelledAnswer(line, questions[line.query_id], tuple(texts[n] for n in line.context_ids)) for line in lines
        ]
    except KeyError as error:
        raise LabelsInvalid(f"{home / LABELS} names {error}, which is neither in {CORPUS} nor in {QUERIES}.") from None


def texts_of(folder: Path) -> dict[str, CorpusPassage]:
    """The passages of a set by id."""
    return {
        each["id"]: CorpusPassage(each["id"], str(each.get("title") or "").replace("_", " "), each["text"])
        for each in _lines(folder, CORPUS)
    }


def _parsed(folder: Path) -> Iterator[LabelledLine]:
    for number, each in enumerate(_lines(folder, LABELS), 1):
        try:
            yield LabelledLine.model_validate(each)
        except ValidationError as error:
            raise LabelsInvalid(f"{folder / LABELS}:{number}: {problems_of(error)[0]}.") from None


def _lines(folder: Path, name: str) -> Iterator[dict[str, Any]]:
    with opened(folder, name) as lines:
        for number, line in enumerate(lines, 1):
            try:
                yield json.loads(line)
            except ValueError as error:
                raise LabelsInvalid(f"{folder / name}:{number} is no JSON: {error}.") from None


RESAMPLES, FEWEST = 999, 3
Floats = NDArray[np.float64]
Statistic = Callable[[Floats, Floats], float | None]


class HumanAgreement(StrictModel):
    """`spearman` is with the people's median, `auroc` of telling what they call faithful; None where not to be had.

    `repeats_spearman` and `repeats_same` are a judge's agreement with itself: the mean correlation of two repeats, and
    the share of answers on which all repeats gave the same.
    """

    answers: int
    unscored: int
    reasons: dict[str, int]
    spearman: MeanInterval | None
    auroc: MeanInterval | None
    repeats_spearman: float | None = None
    repeats_same: float | None = None


async def verified(labelled: Sequence[LabelledAnswer], threads: int, on_score: Callable[[], None]) -> list[Score]:
    """The verifier's groundedness of each answer, weighed over all their passages."""
    supported = SupportMetrics(scoring_vectors(threads), [each.outcome for each in labelled])
    return await _scored(labelled, {"groundedness": supported.groundedness}, on_score)


async def judged(
    labelled: Sequence[LabelledAnswer], config: JudgeConfig, on_score: Callable[[], None], cache: Path = CACHE
) -> tuple[list[Score], JudgeUsage]:
    """The judge's faithfulness of each answer, every repeat of it, and what that took."""
    # ragas takes seconds to import.
    from evals.judge.metrics import JudgedMetrics

    judge = CachedJudge(config, cache)
    try:
        value = JudgedMetrics(judge, scoring_vectors(config.settings.cores)).values["faithfulness"]
        return await _scored(labelled, {"faithfulness": value}, on_score), judge.usage
    finally:
        judge.close()


async def _scored(
    labelled: Sequence[LabelledAnswer], values: Mapping[str, Value], on_score: Callable[[], None]
) -> list[Score]:
    outcomes = {each.line.id: each.outcome for each in labelled}
    return await score_all([each.sample for each in labelled], outcomes, values, on_score)


def agreement(
    scores: Sequence[Score], medians: Sequence[float], clusters: Sequence[str], bound: float
) -> HumanAgreement:
    """Scores against the people's medians, of which those from `bound` on are faithful; all in one order."""
    there = [place for place, score in enumerate(scores) if score.values]
    values = np.array([scores[place].value for place in there], np.float64)
    rated, groups = np.array([medians[place] for place in there], np.float64), [clusters[place] for place in there]
    without = [score.reason for score in scores if not score.values]
    same, among = with_itself([scores[place].values for place in there])
    return HumanAgreement(
        answers=len(there),
        unscored=len(without),
        reasons=dict(Counter(without).most_common()),
        spearman=estimate(spearman, values, rated, groups),
        auroc=estimate(auroc, values, (rated >= bound).astype(np.float64), groups),
        repeats_spearman=among,
        repeats_same=same,
    )


def with_itself(values: Sequence[Sequence[float]]) -> tuple[float | None, float | None]:
    """The share of answers with the same value in every repeat, and the mean Spearman of two repeats."""
    if not values or len(values[0]) < 2:
        return None, None
    table = np.array(values, np.float64)
    pairs = [spearman(table[:, one], table[:, other]) for one, other in combinations(range(table.shape[1]), 2)]
    found = [pair for pair in pairs if pair is not None]
    same = float(np.mean(np.ptp(table, axis=1) == 0))
    return same, float(np.mean(found)) if found else None


def estimate(statistic: Statistic, scores: Floats, truth: Floats, clusters: Sequence[str]) -> MeanInterval | None:
    """A statistic with the percentile interval of drawing whole clusters again."""
    value = statistic(scores, truth)
    places = [np.flatnonzero(np.array(clusters) == name) for name in dict.fromkeys(clusters)]
    if value is None or len(places) < FEWEST:
        return None if value is None else MeanInterval(value=value)

    def drawn(chosen: NDArray[np.intp]) -> float:
        index = np.concatenate([places[place] for place in chosen])
        found = statistic(scores[index], truth[index])
        return np.nan if found is None else found

    with warnings.catch_warnings():
        # A draw in which everything is alike has no correlation; it is left out below.
        warnings.simplefilter("ignore", DegenerateDataWarning)
        units = (np.arange(len(places)),)
        made = bootstrap(units, drawn, n_resamples=RESAMPLES, vectorized=False, method="percentile", rng=0)
    low, high = np.nanpercentile(made.bootstrap_distribution, [2.5, 97.5])
    return MeanInterval(value=value, low=float(low), high=float(high))


def spearman(scores: Floats, truth: Floats) -> float | None:
    """Spearman's correlation; None where one side is constant."""
    if len(scores) < FEWEST or not np.ptp(scores) or not np.ptp(truth):
        return None
    return float(spearmanr(scores, truth).statistic)


def auroc(scores: Floats, truth: Floats) -> float | None:
    """The chance that what is true scores above what is not (Hanley and McNeil, 1982); None without both."""
    right = truth > 0
    if right.all() or not right.any():
        return None
    found = mannwhitneyu(scores[right], scores[~right], method="asymptotic").statistic
    return float(found / (right.sum() * (~right).sum()))
