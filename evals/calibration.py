"""Chooses from which confidence on a release answers, and measures what that is worth (docs/decisions/021).

In a forced run every question was answered whatever its confidence; what any threshold does with it follows from that.
One half of the clusters chooses, the other is only measured. The result is written as calibration.json, format 2.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from math import ceil, inf, log
from typing import Literal

from evals.dataset import Sample, StrictModel
from evals.errors import RunInvalid
from evals.gate.stats import Interval, Levels, interval
from evals.judge.scores import kept_judged_scores
from evals.metrics.keyless import is_right
from evals.report.curves import Point, mean_risk, risk_coverage
from evals.runs import EvalRun, SampleOutcome
from evals.scores import missing_reason
from graph.release import Release

Field = Literal["answer_from", "read_from"]
"""The threshold of a release that is chosen."""
RUNGS = 10
"""Coverages that are tried, tenths of the largest; each has its share of what may go wrong (Bonferroni)."""
ALPHA = 0.05


@dataclass(frozen=True)
class CalibrationCase:
    """A sample and what the release made of it; a confidence of minus infinity where it declines at any threshold.

    A question of several parts of which some are surer is answered in part by the release, here it is declined.
    """

    sample: str
    cluster: str
    answerable: bool
    confidence: float
    right: bool


Cases = Sequence[CalibrationCase]


@dataclass(frozen=True)
class ThresholdChoice:
    """A threshold, None where there is none that holds; `why` says what it keeps to, or what is missing."""

    threshold: float | None
    why: str


class ThresholdResult(StrictModel):
    """What a half would have come to under a threshold; `low` and `high` bound the risk, each 95 % certain.

    `refused` are the answerable questions that are declined, `let_through` the unanswerable ones that are answered.
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


class Calibration(StrictModel):
    """Everything that was chosen, what it was chosen by, and what it is worth on samples that did not choose it.

    `threshold` is the field of `routing` that was chosen, `after` is None where no value holds. `agreed`: of how many
    of the samples the release's own run declines what the forced run says it would.
    """

    format: Literal[2] = 2
    dataset: str
    dataset_digest: str
    label: str
    release: str
    snapshot: str
    run: str
    left_out: dict[str, str]
    threshold: Field
    before: float
    after: float | None
    after_label: str | None = None
    why: str
    agreed: int
    fitting: HalfResult
    reporting: HalfResult
    made: str


def threshold_of(release: Release) -> Field:
    """The threshold that decides whether a simple question is answered: another where a model reads."""
    return "answer_from" if release.models.simple == "extractive" else "read_from"


def routes_of(release: Release) -> list[str]:
    """The routes that keep to the threshold: both, unless one quotes and a model reads on the other."""
    models = {"simple": release.models.simple, "complex": release.models.complex}
    quoted = models["simple"] == "extractive"
    return [route for route, writer in models.items() if (writer == "extractive") == quoted]


def with_threshold(release: Release, value: float) -> Release:
    """The release with another threshold; at 0 no question is declined for its confidence."""
    return release.model_copy(update={"routing": release.routing.model_copy(update={threshold_of(release): value})})


def calibrate(run: EvalRun, release: Release, forced_run: EvalRun, target: float) -> Calibration:
    """Choose on one half by the largest risk and measure on both; raises RunInvalid when a half has nothing to answer.

    `run` is the release's own, `forced_run` the one with the threshold at 0.
    """
    judged = kept_judged_scores(forced_run)
    accuracies = {
        each.sample: each.value
        for each in (judged.scores if judged else ())
        if each.metric == "answer_accuracy" and each.value is not None
    }
    cases, left_out = cases_of(run.dataset.samples, forced_run.outcomes, routes_of(release), accuracies)
    halves = [[case for case in cases if in_fitting_half(case.cluster) == fits] for fits in (True, False)]
    if not all(any(case.answerable for case in half) for half in halves):
        raise RunInvalid(
            f"One half has no answerable sample: {len(cases)} samples in {len({case.cluster for case in cases})} "
            "clusters are too few. Add samples on other documents."
        )
    threshold, choice = threshold_of(release), at_risk(halves[0], target)
    before = float(getattr(release.routing, threshold))
    fitting, reporting = (_half(half, before, choice.threshold) for half in halves)
    statuses = {name: outcome.answer["status"] for name, outcome in run.outcomes.items() if outcome.answer}
    return Calibration(
        dataset=run.info.dataset,
        dataset_digest=run.info.dataset_digest,
        label=run.info.label,
        release=run.info.release,
        snapshot=run.info.snapshot,
        run=forced_run.path.name,
        left_out=left_out,
        threshold=threshold,
        before=before,
        after=choice.threshold,
        why=choice.why,
        agreed=sum((statuses.get(case.sample) == "declined") == (case.confidence < before) for case in cases),
        fitting=fitting,
        reporting=reporting,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def cases_of(
    samples: Sequence[Sample],
    outcomes: Mapping[str, SampleOutcome],
    routes: Collection[str],
    accuracies: Mapping[str, float],
) -> tuple[list[CalibrationCase], dict[str, str]]:
    """Each sample that was answered or declined on one of the `routes`; and why the others are left out, by id.

    `routes` are those whose answers depend on the threshold; `accuracies` are a judge's, by sample, where there is one.
    """
    cases, left_out = [], {}
    for sample in samples:
        outcome = outcomes.get(sample.id)
        if outcome is None or outcome.answer is None:
            left_out[sample.id] = missing_reason(outcome)
        elif (route := outcome.answer["route"]) not in routes:
            left_out[sample.id] = f"its route is {route}, which another threshold decides"
        elif (right := is_right(sample, outcome, accuracies.get(sample.id))) is None:
            left_out[sample.id] = "it has neither a right answer nor quotes nor documents"
        else:
            sure = -inf if outcome.answer["status"] == "declined" else float(outcome.answer["confidence"])
            cases.append(CalibrationCase(sample.id, sample.depends_on, sample.answerable, sure, right))
    return cases, left_out


def in_fitting_half(cluster: str) -> bool:
    """Whether a cluster is in the fitting half: by its name alone, so that it stays there when samples are added."""
    return sha256(f"calibrate {cluster}".encode()).digest()[0] % 2 == 0


def at_risk(cases: Cases, target: float) -> ThresholdChoice:
    """The largest coverage whose risk is at most `target` with the certainty 1 - ALPHA.

    Selection with guaranteed risk (Geifman and El-Yaniv, 2017): a bound over the risk in place of the risk. Their
    bisection misses coverages where the bound goes up and down; here RUNGS coverages, which are fixed before any label
    is looked at, are all tested at ALPHA over their number, as Learn then Test does (Angelopoulos and others, 2021).
    """
    points = curve(cases)
    most = points[-1].answered if points else 0
    wanted = [ceil(most * rung / RUNGS) for rung in range(1, RUNGS + 1)]
    tried = list(dict.fromkeys(next(point for point in points if point.answered >= least) for least in wanted if most))
    found = [(point, risk_of(_inside(cases, point.threshold), ALPHA / len(tried)).high) for point in tried]
    if held := [point for point, bound in found if bound <= target]:
        why = f"the largest of {len(tried)} coverages whose risk is at most {target:g}, {1 - ALPHA:.0%} certain"
        return ThresholdChoice(_cut(points, held[-1]), why)
    problem = f"a risk of {target:g} cannot be reached with {len(cases)} samples"
    if not found:
        return ThresholdChoice(None, f"{problem}: none was answered")
    point, bound = min(found, key=lambda pair: pair[1])
    least = ceil(log(ALPHA / RUNGS) / log(1 - target)) if 0 < target < 1 else inf
    return ThresholdChoice(
        None,
        f"{problem}: nearest comes a coverage of {point.coverage:.2f}, where {point.wrong} of {point.answered} answers "
        f"are wrong and the risk may be {bound:.2f}; to show {target:g} takes {least} answers of which none is wrong",
    )


def curve(cases: Cases) -> tuple[Point, ...]:
    """The risk at every coverage."""
    return risk_coverage([case.confidence for case in cases], [not case.right for case in cases])


def risk_of(cases: Cases, alpha: float) -> Interval:
    """The share of wrong answers with its bounds, each at the level 1 - alpha; nothing is known of no answer."""
    if not cases:
        return Interval(0.0, 0.0, 1.0, 0, 0)
    wrong, clusters = [float(not case.right) for case in cases], [case.cluster for case in cases]
    return interval(wrong, clusters, Levels(alpha, alpha), (0.0, 1.0))


def _inside(cases: Cases, threshold: float) -> list[CalibrationCase]:
    return [case for case in cases if case.confidence >= threshold]


def _refused(cases: Cases, threshold: float) -> int:
    return sum(case.answerable and case.confidence < threshold for case in cases)


def _cut(points: Sequence[Point], chosen: Point) -> float:
    """A threshold that answers what a point answers, and nothing below it: half way to the next confidence."""
    below = next((point.threshold for point in points if point.threshold < chosen.threshold), None)
    return between(max(0.0, chosen.threshold - 0.01) if below is None else below, chosen.threshold)


def between(low: float, high: float) -> float:
    """The shortest decimal near the middle that is between both, or `high` where there is none."""
    middle = (low + high) / 2
    rounded = (round(middle, digits) for digits in range(2, 17))
    return next((value for value in rounded if low < value < high), high)


def _half(cases: Cases, before: float, after: float | None) -> HalfResult:
    """One half under both thresholds."""
    points = curve(cases)
    return HalfResult(
        samples=len(cases),
        clusters=len({case.cluster for case in cases}),
        answerable=sum(case.answerable for case in cases),
        before=_measured(cases, before),
        after=None if after is None else _measured(cases, after),
        aurc=mean_risk([(point.coverage, point.risk) for point in points]),
        risk_coverage=tuple(asdict(point) for point in points),
    )


def _measured(cases: Cases, threshold: float) -> ThresholdResult:
    """What a threshold comes to."""
    inside = _inside(cases, threshold)
    found = risk_of(inside, ALPHA)
    return ThresholdResult(
        answered=len(inside),
        wrong=sum(not case.right for case in inside),
        coverage=len(inside) / len(cases),
        risk=found.value if inside else None,
        low=found.low,
        high=found.high,
        refused=_refused(cases, threshold),
        let_through=sum(not case.answerable for case in inside),
    )
