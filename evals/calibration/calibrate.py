"""A forced run of a release becomes a Calibration."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import ValidationError

from evals.calibration.calibrated import Agreement, Calibration, Field, half
from evals.calibration.cases import cases_of
from evals.calibration.choosing import Aim, Case, fits
from evals.calibration.rewriting import with_fields
from evals.calibration.rightness import ACCURACY
from evals.errors import RunInvalid
from evals.runs import Run
from evals.scoring import SCORES, Scores, key_of
from graph.prices import Prices
from graph.release import Release


@dataclass(frozen=True)
class Wanted:
    """What a calibration keeps to: how the threshold is chosen, in words too, and how certain its bounds are."""

    aim: Aim
    told: str
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


def calibrate(run: Run, release: Release, whole: Run, wanted: Wanted, prices: Prices) -> Calibration:
    """Choose on one half and measure on both; raises RunInvalid when a half is empty or has nothing to answer.

    `run` is the release's own, `whole` the forced one.
    """
    found = cases_of(run.dataset.samples, whole.outcomes, routes_of(release), accuracies(whole, prices))
    fitting, reporting = halves(found.cases)
    threshold = threshold_of(release)
    before, choice = float(getattr(release.routing, threshold)), wanted.aim(fitting)
    return Calibration(
        dataset=run.about.dataset,
        dataset_digest=run.about.dataset_digest,
        label=run.about.label,
        release=run.about.release,
        snapshot=run.about.snapshot,
        run=whole.place.name,
        split="by the SHA-256 of each cluster's name",
        left_out=found.left_out,
        aim=wanted.told,
        certainty=wanted.certainty,
        threshold=threshold,
        before=before,
        after=choice.threshold,
        after_label=None,
        why=choice.why,
        agreement=agreement(run, found.cases, before),
        fitting=half(fitting, before, choice.threshold, wanted.alpha),
        reporting=half(reporting, before, choice.threshold, wanted.alpha),
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def halves(cases: Sequence[Case]) -> tuple[list[Case], list[Case]]:
    """The fitting and the reporting half; raises RunInvalid when one of them has nothing to answer."""
    told = [case for case in cases if fits(case.cluster)], [case for case in cases if not fits(case.cluster)]
    for name, side in zip(("fitting", "reporting"), told, strict=True):
        if not any(case.answerable for case in side):
            raise RunInvalid(
                f"The {name} half has no answerable sample: {len(cases)} samples in "
                f"{len({case.cluster for case in cases})} clusters are too few. Add samples on other documents."
            )
    return told


def agreement(run: Run, cases: Sequence[Case], threshold: float) -> Agreement:
    """What was reckoned of the release as it is, beside what its own run shows."""
    seen = {name: outcome.answer["status"] for name, outcome in run.outcomes.items() if outcome.answer}
    asked = [case for case in cases if case.sample in seen]
    same = sum((seen[case.sample] == "declined") == (case.confidence < threshold) for case in asked)
    return Agreement(samples=len(asked), declined=same)


def accuracies(run: Run, prices: Prices) -> dict[str, float]:
    """A judge's accuracy of each sample, where the run was judged and has not changed since."""
    try:
        known = Scores.model_validate_json((run.place / SCORES).read_text("utf-8"))
    except (OSError, ValidationError):
        return {}
    if known.key != key_of(run, prices):
        return {}
    return {each.sample: each.value for each in known.scores if each.metric == ACCURACY and each.value is not None}
