"""Two forced runs of a release become a Calibration."""

from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from evals.calibration.calibrated import Agreement, Calibration, Thresholds, half, thresholds
from evals.calibration.cases import Accuracies, Cases, cases_of
from evals.calibration.choosing import Aim, Case, fits, routed
from evals.calibration.rewriting import with_fields
from evals.calibration.rightness import ACCURACY
from evals.calibration.routes import choose_route
from evals.errors import RunInvalid
from evals.runs import Run
from evals.scoring import SCORES, Scores, key_of
from graph.prices import Prices
from graph.release import Release

NEVER, ALWAYS = 1.0, 0.0
"""Routing thresholds: no probability reaches 1, and each reaches 0."""


@dataclass(frozen=True)
class Wanted:
    """What a calibration keeps to: how `answer_from` is chosen, in words too, and how far routing may fall short."""

    aim: Aim
    told: str
    certainty: float
    margin: float

    @property
    def alpha(self) -> float:
        return 1 - self.certainty


def forced(release: Release, complex_from: float) -> Release:
    """The release with every question on one route and none declined for its confidence."""
    return with_fields(release, {"routing": {"answer_from": 0.0, "complex_from": complex_from}})


def calibrate(run: Run, release: Release, routes: tuple[Run, Run], wanted: Wanted, prices: Prices) -> Calibration:
    """Choose on one half and measure on both; raises RunInvalid when a half is empty or has nothing to answer."""
    simple, whole = routes
    judged = accuracies(simple, prices), accuracies(whole, prices)
    found = cases_of(run.dataset.samples, (simple.outcomes, whole.outcomes), prices, judged)
    fitting, reporting = halves(found.cases)
    before = Thresholds(answer_from=release.routing.answer_from, complex_from=release.routing.complex_from)
    sent = choose_route(fitting, before.complex_from, wanted.margin, wanted.alpha)
    choice = wanted.aim(routed(fitting, sent.threshold))
    after = thresholds(choice, sent.threshold)
    return Calibration(
        dataset=run.about.dataset,
        dataset_digest=run.about.dataset_digest,
        label=run.about.label,
        release=run.about.release,
        snapshot=run.about.snapshot,
        runs=(routes[0].place.name, routes[1].place.name),
        split="by the SHA-256 of each cluster's name",
        left_out=found.left_out,
        aim=wanted.told,
        certainty=wanted.certainty,
        margin=wanted.margin,
        cost_unit=found.unit,
        before=before,
        after=after,
        after_label=None,
        why=choice.why,
        agreement=agreement(run, found, before),
        fitting=half(fitting, before, after, wanted.alpha),
        reporting=half(reporting, before, after, wanted.alpha),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def halves(cases: tuple[Case, ...]) -> tuple[list[Case], list[Case]]:
    """The fitting and the reporting half; raises RunInvalid when one of them has nothing to answer."""
    told = [case for case in cases if fits(case.cluster)], [case for case in cases if not fits(case.cluster)]
    for name, side in zip(("fitting", "reporting"), told, strict=True):
        if not any(case.answerable for case in side):
            raise RunInvalid(
                f"The {name} half has no answerable sample: {len(cases)} samples in "
                f"{len({case.cluster for case in cases})} clusters are too few. Add samples on other documents."
            )
    return told


def agreement(run: Run, found: Cases, told: Thresholds) -> Agreement:
    """What was reckoned of the release as it is, beside what its own run shows."""
    seen = {name: outcome.answer for name, outcome in run.outcomes.items() if outcome.answer}
    asked = [case for case in found.cases if case.sample in seen]
    least = told.answer_from or 0.0
    routes = [case.complexity >= told.complex_from for case in asked]
    declined = [case.on(told.complex_from).confidence < least for case in asked]
    answers = [seen[case.sample] for case in asked]
    return Agreement(
        samples=len(asked),
        route=sum((each["route"] == "complex") == own for each, own in zip(answers, routes, strict=True)),
        declined=sum((each["status"] == "declined") == own for each, own in zip(answers, declined, strict=True)),
    )


def accuracies(run: Run, prices: Prices) -> Accuracies:
    """A judge's accuracy of each sample, where the run was judged and has not changed since."""
    try:
        known = Scores.model_validate_json((run.place / SCORES).read_text("utf-8"))
    except (OSError, ValidationError):
        return {}
    if known.key != key_of(run, prices):
        return {}
    return {each.sample: each.value for each in known.scores if each.metric == ACCURACY and each.value is not None}
