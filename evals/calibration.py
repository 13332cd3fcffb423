"""Chooses from which confidence on a release answers, and measures what that is worth (docs/decisions/021).

In a forced run every question was answered whatever its confidence; what any threshold does with it follows from that.
One half of the clusters chooses, the other is only measured. The result is written as calibration.json, format 2.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from math import ceil, inf, log
from typing import TYPE_CHECKING, Literal

from evals.calibration_results import Calibration, Field, HalfResult, RunAgreement, ThresholdResult
from evals.dataset import Sample
from evals.errors import RunInvalid
from evals.gate.stats import Interval, Levels, interval
from evals.judge.scores import kept_judged_scores
from evals.metrics.keyless import is_right
from evals.release_fields import with_fields
from evals.report.curves import Point, between, mean_risk, risk_coverage
from evals.runs import EvalRun, SampleOutcome
from evals.scores import missing_reason
from graph.release import Release

if TYPE_CHECKING:
    pass


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


RUNGS = 10
"""Coverages that are tried, tenths of the largest; each has its share of what may go wrong (Bonferroni)."""
ALPHA = 0.05
Cases = Sequence[CalibrationCase]


@dataclass(frozen=True)
class Aim:
    """What a threshold is chosen for: the largest coverage within a `risk`, a `coverage`, or the least `cost`.

    Of a cost, `value` is that of a wrong answer in needless refusals.
    """

    kind: Literal["risk", "coverage", "cost"]
    value: float

    def __str__(self) -> str:
        if self.kind == "cost":
            return f"the least cost at {self.value:g} needless refusals for a wrong answer"
        return f"a {self.kind} of {self.value:g}"


@dataclass(frozen=True)
class ThresholdChoice:
    """A threshold, None where there is none that holds; `why` says what it keeps to, or what is missing."""

    threshold: float | None
    why: str


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


def calibrate(run: EvalRun, release: Release, forced_run: EvalRun, aim: Aim) -> Calibration:
    """Choose on one half and measure on both; raises RunInvalid when a half has nothing to answer.

    `run` is the release's own, `forced_run` the one of `forced`.
    """
    judged = kept_judged_scores(forced_run)
    accuracies = {
        each.sample: each.value
        for each in (judged.scores if judged else ())
        if each.metric == "answer_accuracy" and each.value is not None
    }
    cases, left_out = cases_of(run.dataset.samples, forced_run.outcomes, routes_of(release), accuracies)
    fitting = [case for case in cases if in_fitting_half(case.cluster)]
    reporting = [case for case in cases if not in_fitting_half(case.cluster)]
    if not all(any(case.answerable for case in half) for half in (fitting, reporting)):
        raise RunInvalid(
            f"One half has no answerable sample: {len(cases)} samples in {len({case.cluster for case in cases})} "
            "clusters are too few. Add samples on other documents."
        )
    threshold, choice = threshold_of(release), choose(fitting, aim)
    before = float(getattr(release.routing, threshold))
    return Calibration(
        dataset=run.info.dataset,
        dataset_digest=run.info.dataset_digest,
        label=run.info.label,
        release=run.info.release,
        snapshot=run.info.snapshot,
        run=forced_run.path.name,
        left_out=left_out,
        aim=str(aim),
        threshold=threshold,
        before=before,
        after=choice.threshold,
        why=choice.why,
        agreement=_agreement(run, cases, before),
        fitting=_half(fitting, before, choice.threshold),
        reporting=_half(reporting, before, choice.threshold),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def in_fitting_half(cluster: str) -> bool:
    """Whether a cluster is in the fitting half: by its name alone, so that it stays there when samples are added."""
    return sha256(f"calibrate {cluster}".encode()).digest()[0] % 2 == 0


def choose(cases: Cases, aim: Aim) -> ThresholdChoice:
    """The threshold that reaches an aim on some cases."""
    return {"risk": _at_risk, "coverage": _at_coverage, "cost": _at_cost}[aim.kind](cases, aim.value)


def _at_risk(cases: Cases, target: float) -> ThresholdChoice:
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


def _at_coverage(cases: Cases, target: float) -> ThresholdChoice:
    """The highest threshold that answers a share of `target` at least; its risk is whatever it is."""
    points = curve(cases)
    held = next((point for point in points if point.coverage >= target - 1e-12), None)
    if held is None:
        most = points[-1].coverage if points else 0.0
        return ThresholdChoice(
            None, f"a coverage of {target:g} cannot be reached: at no threshold more than {most:.3f}"
        )
    return ThresholdChoice(_cut(points, held), f"the highest threshold that answers {target:g} of the questions")


def _at_cost(cases: Cases, wrong: float) -> ThresholdChoice:
    """The least cost (Chow, 1970); of thresholds that cost the same, the one that answers most."""
    points = curve(cases)
    costs = [point.wrong * wrong + _refused(cases, point.threshold) for point in points]
    why = f"the least cost at {wrong:g} for a wrong answer and 1 for a needless refusal"
    if not points or sum(case.answerable for case in cases) < min(costs):
        return ThresholdChoice(1.0, f"{why}: declining everything")
    best = max(place for place, cost in enumerate(costs) if cost <= min(costs) + 1e-12)
    return ThresholdChoice(_cut(points, points[best]), why)


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


def _agreement(run: EvalRun, cases: Cases, threshold: float) -> RunAgreement:
    """Whether the release's own run declines the samples that the forced run says it would."""
    statuses = {name: outcome.answer["status"] for name, outcome in run.outcomes.items() if outcome.answer}
    asked = [case for case in cases if case.sample in statuses]
    same = sum((statuses[case.sample] == "declined") == (case.confidence < threshold) for case in asked)
    return RunAgreement(samples=len(asked), declined=same)


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
