"""Chooses the threshold of a release by a forced run, in which nothing is declined for its confidence.

The result is written as calibration.json, format 2.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal

from evals.calibration.cases import ACCURACY, CalibrationCase, cases_of
from evals.calibration.release_file import with_fields
from evals.calibration.selection import Aim, curve, in_fitting_half, refused
from evals.curves import area
from evals.dataset import StrictModel
from evals.errors import RunInvalid
from evals.gate.stats import share_bounds
from evals.judge.scores import kept_judged_scores
from evals.runs import EvalRun
from graph.release import Release

Field = Literal["answer_from", "read_from"]


class ThresholdResult(StrictModel):
    """What a half would have come to under a threshold.

    `low` and `high` bound the risk, each with the certainty that was asked for. `refused` are the answerable questions
    that are declined, `let_through` the unanswerable ones that are answered.
    """

    answered: int
    wrong: int
    coverage: float
    risk: float | None
    low: float
    high: float
    refused: int
    let_through: int


class HalfResult(StrictModel):
    """One half of the dataset: as the release is, as it is calibrated, and the curve; `aurc` is its mean risk."""

    samples: int
    clusters: int
    answerable: int
    before: ThresholdResult
    after: ThresholdResult | None
    aurc: float | None
    risk_coverage: tuple[dict[str, float], ...]


class RunAgreement(StrictModel):
    """Of the samples of the release's own run, how many were declined or not as the forced run says."""

    samples: int
    declined: int


class Calibration(StrictModel):
    """Everything that was chosen, what it was chosen by, and what it is worth on samples that did not choose it.

    `threshold` is the field of `routing` that was chosen, `after` is None where no value holds.
    """

    format: Literal[2] = 2
    dataset: str
    dataset_digest: str
    label: str
    release: str
    snapshot: str
    run: str
    split: str
    left_out: dict[str, str]
    aim: str
    certainty: float
    threshold: Field
    before: float
    after: float | None
    after_label: str | None
    why: str
    agreement: RunAgreement
    fitting: HalfResult
    reporting: HalfResult
    made: str


@dataclass(frozen=True)
class CalibrationTarget:
    """How the threshold is chosen, in words too, and how certain its bounds are."""

    aim: Aim
    description: str
    certainty: float

    @property
    def alpha(self) -> float:
        return 1 - self.certainty


def threshold_of(release: Release) -> Field:
    """The threshold that decides whether a simple question is answered: another where a model reads."""
    return "answer_from" if release.models.simple == "extractive" else "read_from"


def routes_of(release: Release) -> list[str]:
    """The routes that keep to the threshold: both, unless one quotes and a model reads on the other."""
    models = {"simple": release.models.simple, "complex": release.models.complex}
    quoted = models["simple"] == "extractive"
    return [route for route, writer in models.items() if (writer == "extractive") == quoted]


def forced(release: Release) -> Release:
    """The release with no question declined for its confidence."""
    return with_fields(release, {"routing": {threshold_of(release): 0.0}})


def calibrate(run: EvalRun, release: Release, forced_run: EvalRun, target: CalibrationTarget) -> Calibration:
    """Choose on one half and measure on both; raises RunInvalid when a half is empty or has nothing to answer.

    `run` is the release's own, `forced_run` the one of `forced`.
    """
    found = cases_of(run.dataset.samples, forced_run.outcomes, routes_of(release), accuracies(forced_run))
    fitting, reporting = halves(found.cases)
    threshold = threshold_of(release)
    before, choice = float(getattr(release.routing, threshold)), target.aim(fitting)
    return Calibration(
        dataset=run.info.dataset,
        dataset_digest=run.info.dataset_digest,
        label=run.info.label,
        release=run.info.release,
        snapshot=run.info.snapshot,
        run=forced_run.path.name,
        split="by the SHA-256 of each cluster's name",
        left_out=found.left_out,
        aim=target.description,
        certainty=target.certainty,
        threshold=threshold,
        before=before,
        after=choice.threshold,
        after_label=None,
        why=choice.why,
        agreement=agreement(run, found.cases, before),
        fitting=half(fitting, before, choice.threshold, target.alpha),
        reporting=half(reporting, before, choice.threshold, target.alpha),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def halves(cases: Sequence[CalibrationCase]) -> tuple[list[CalibrationCase], list[CalibrationCase]]:
    """The fitting and the reporting half; raises RunInvalid when one of them has nothing to answer."""
    fitting = [case for case in cases if in_fitting_half(case.cluster)]
    reporting = [case for case in cases if not in_fitting_half(case.cluster)]
    for name, side in (("fitting", fitting), ("reporting", reporting)):
        if not any(case.answerable for case in side):
            raise RunInvalid(
                f"The {name} half has no answerable sample: {len(cases)} samples in "
                f"{len({case.cluster for case in cases})} clusters are too few. Add samples on other documents."
            )
    return fitting, reporting


def agreement(run: EvalRun, cases: Sequence[CalibrationCase], threshold: float) -> RunAgreement:
    """Whether the release's own run declines the samples that the forced run says it would."""
    statuses = {name: outcome.answer["status"] for name, outcome in run.outcomes.items() if outcome.answer}
    asked = [case for case in cases if case.sample in statuses]
    same = sum((statuses[case.sample] == "declined") == (case.confidence < threshold) for case in asked)
    return RunAgreement(samples=len(asked), declined=same)


def accuracies(run: EvalRun) -> dict[str, float]:
    """A judge's accuracy of each sample, where the run was judged and has not changed since."""
    judged = kept_judged_scores(run)
    found = judged.scores if judged else ()
    return {each.sample: each.value for each in found if each.metric == ACCURACY and each.value is not None}


def half(cases: Sequence[CalibrationCase], before: float, after: float | None, alpha: float) -> HalfResult:
    """One half under both thresholds."""
    points = curve(cases)
    return HalfResult(
        samples=len(cases),
        clusters=len({case.cluster for case in cases}),
        answerable=sum(case.answerable for case in cases),
        before=measured(cases, before, alpha),
        after=None if after is None else measured(cases, after, alpha),
        aurc=area(points),
        risk_coverage=tuple(asdict(point) for point in points),
    )


def measured(cases: Sequence[CalibrationCase], threshold: float, alpha: float) -> ThresholdResult:
    """What a threshold comes to."""
    inside = [case for case in cases if case.confidence >= threshold]
    found = share_bounds([not case.right for case in inside], [case.cluster for case in inside], alpha)
    return ThresholdResult(
        answered=len(inside),
        wrong=sum(not case.right for case in inside),
        coverage=len(inside) / len(cases),
        risk=found.value if inside else None,
        low=found.low,
        high=found.high,
        refused=refused(cases, threshold),
        let_through=sum(not case.answerable for case in inside),
    )
