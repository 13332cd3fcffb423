"""What a calibration found: written as calibration.json, format 2."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

from evals.calibration.choosing import Case, curve, refused
from evals.calibration.curves import area, bounds
from evals.runs import Kept

Field = Literal["answer_from", "read_from"]


class Measured(Kept):
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


class Half(Kept):
    """One half of the dataset: as the release is, as it is calibrated, and the curve; `aurc` is its mean risk."""

    samples: int
    clusters: int
    answerable: int
    before: Measured
    after: Measured | None
    aurc: float | None
    risk_coverage: tuple[dict[str, float], ...]


class Agreement(Kept):
    """Of the samples of the release's own run, how many were declined or not as is reckoned."""

    samples: int
    declined: int


class Calibration(Kept):
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
    agreement: Agreement
    fitting: Half
    reporting: Half
    made: str


def half(cases: Sequence[Case], before: float, after: float | None, alpha: float) -> Half:
    """One half under both thresholds."""
    points = curve(cases)
    return Half(
        samples=len(cases),
        clusters=len({case.cluster for case in cases}),
        answerable=sum(case.answerable for case in cases),
        before=measured(cases, before, alpha),
        after=None if after is None else measured(cases, after, alpha),
        aurc=area(points),
        risk_coverage=tuple(asdict(point) for point in points),
    )


def measured(cases: Sequence[Case], threshold: float, alpha: float) -> Measured:
    """What a threshold comes to."""
    inside = [case for case in cases if case.confidence >= threshold]
    found = bounds([not case.right for case in inside], [case.cluster for case in inside], alpha)
    return Measured(
        answered=len(inside),
        wrong=sum(not case.right for case in inside),
        coverage=len(inside) / len(cases),
        risk=found.value if inside else None,
        low=found.low,
        high=found.high,
        refused=refused(cases, threshold),
        let_through=sum(not case.answerable for case in inside),
    )
