"""What a calibration found: written as calibration.json, format 1."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

from evals.calibration import curves
from evals.calibration.cases import Unit
from evals.calibration.choosing import Case, Choice, mean_risk, routed
from evals.calibration.routes import at_route, cost_quality
from evals.runs import Kept


class Thresholds(Kept):
    """The two thresholds of a release; `answer_from` is None where none holds."""

    answer_from: float | None
    complex_from: float


class Measured(Kept):
    """What a half would have come to under a pair of thresholds.

    `low` and `high` bound the risk, each with the certainty that was asked for. `refused` are the answerable questions
    that are declined, `let_through` the unanswerable ones that are answered. `quality` and `cost` are those of routing
    alone, over answerable questions and with every one of them answered.
    """

    answered: int
    wrong: int
    coverage: float
    risk: float | None
    low: float
    high: float
    refused: int
    let_through: int
    complex: float
    quality: float
    cost: float


class Half(Kept):
    """One half of the dataset: as the release is, as it is calibrated, and the curves.

    `sent` is what the chosen routing gives. `aurc`, the mean risk over all coverages, and `risk_coverage` are under it.
    """

    samples: int
    clusters: int
    answerable: int
    before: Measured
    after: Measured | None
    sent: dict[str, float]
    aurc: float | None
    risk_coverage: tuple[dict[str, float], ...]
    cost_quality: tuple[dict[str, float], ...]


class Agreement(Kept):
    """Of the samples of the release's own run, how many took the route, and were declined or not, as is reckoned."""

    samples: int
    route: int
    declined: int


class Calibration(Kept):
    """Everything that was chosen, what it was chosen by, and what it is worth on samples that did not choose it."""

    format: Literal[1] = 1
    dataset: str
    dataset_digest: str
    label: str
    release: str
    snapshot: str
    runs: tuple[str, str]
    split: str
    left_out: dict[str, str]
    aim: str
    certainty: float
    margin: float
    cost_unit: Unit
    before: Thresholds
    after: Thresholds
    after_label: str | None
    why: str
    agreement: Agreement
    fitting: Half
    reporting: Half
    made: str


def half(cases: Sequence[Case], before: Thresholds, after: Thresholds, alpha: float) -> Half:
    """One half under both pairs of thresholds; it has an answerable case."""
    route = routed(cases, after.complex_from)
    return Half(
        samples=len(cases),
        clusters=len({case.cluster for case in cases}),
        answerable=sum(case.answerable for case in cases),
        before=measured(cases, before, alpha),
        after=measured(cases, after, alpha) if after.answer_from is not None else None,
        sent=asdict(at_route(cases, after.complex_from)),
        aurc=mean_risk(route),
        risk_coverage=tuple(asdict(point) for point in route.points),
        cost_quality=tuple(asdict(point) for point in cost_quality(cases)),
    )


def measured(cases: Sequence[Case], told: Thresholds, alpha: float) -> Measured:
    """What a pair of thresholds comes to."""
    route, sent = routed(cases, told.complex_from), at_route(cases, told.complex_from)
    least = 1.0 if told.answer_from is None else told.answer_from
    inside = [place for place, sure in enumerate(route.confidences) if sure >= least]
    wrong = [route.wrong[place] for place in inside]
    found = curves.bounds(wrong, [route.clusters[place] for place in inside], alpha)
    return Measured(
        answered=len(inside),
        wrong=sum(wrong),
        coverage=len(inside) / len(cases),
        risk=found.value if inside else None,
        low=found.low,
        high=found.high,
        refused=sum(route.answerable) - sum(route.answerable[place] for place in inside),
        let_through=sum(not route.answerable[place] for place in inside),
        complex=sent.complex,
        quality=sent.quality,
        cost=sent.cost,
    )


def thresholds(choice: Choice, complex_from: float) -> Thresholds:
    """What was chosen."""
    return Thresholds(answer_from=choice.threshold, complex_from=complex_from)
