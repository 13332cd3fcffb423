"""What a calibration found, as calibration.json has it, format 2."""

from typing import Literal

from evals.dataset import StrictModel

Field = Literal["answer_from", "read_from"]
"""The threshold of a release that is chosen."""


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
    left_out: dict[str, str]
    aim: str
    threshold: Field
    before: float
    after: float | None
    after_label: str | None = None
    why: str
    agreement: RunAgreement
    fitting: HalfResult
    reporting: HalfResult
    made: str
