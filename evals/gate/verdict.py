"""A Verdict: whether a release is good enough, criterion by criterion, with the figures that it rests on."""

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from evals.dataset import StrictModel, digest_of
from evals.errors import VerdictInvalid, problems_of
from evals.gate.thresholds import Kind
from evals.metrics.catalog import METRICS, figure, span
from evals.runs import EvaluatedRelease
from evals.scores import MeanInterval

Says = Literal["pass", "fail", "cannot tell"]
CODES: dict[Says, int] = {"pass": 0, "fail": 1, "cannot tell": 3}
"""Exit codes; 2 is wrong use."""
KEYLESS = "keyless"


class Measure(StrictModel):
    """A metric's mean over the samples that have a score; `without` counts those whose score is missing.

    `champion` is the champion's mean over the samples that both have, `difference` the release's minus it.
    """

    metric: str
    slice: str = ""
    samples: int
    without: int = 0
    mean: MeanInterval | None = None
    champion: MeanInterval | None = None
    difference: MeanInterval | None = None


class CriterionResult(StrictModel):
    """What became of one criterion.

    `value`, `low` and `high` are the mean's, or for a margin those of the difference to the champion, in the metric's
    unit, positive where the release has more. `more` is how many further samples of their kind would settle it.
    `worse` and `better` are how many samples a margin's metric moved which way.
    """

    metric: str
    slice: str = ""
    kind: Kind
    bound: float
    says: Says
    why: str
    samples: int = 0
    clusters: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    more: int | None = None
    worse: int = 0
    better: int = 0

    @property
    def is_worse(self) -> bool:
        """Whether the whole interval of a difference lies on the side of the champion."""
        better_end = self.high if METRICS[self.metric].sign > 0 else self.low
        return self.kind == "margin" and METRICS[self.metric].sign * (better_end or 0.0) < 0

    @property
    def is_met(self) -> bool:
        """Whether its own figures show that it is met: the whole interval lies on the right side of the bound."""
        metric = METRICS[self.metric]
        if metric.counted:
            return self.value == 0
        worse_end = self.low if metric.sign > 0 else self.high
        bound = -self.bound if self.kind == "margin" else metric.sign * self.bound
        return worse_end is not None and metric.sign * worse_end >= bound

    @property
    def name(self) -> str:
        """The criterion as people say it."""
        return f"{self.metric}, {self.slice}: {self.kind}" if self.slice else f"{self.metric}: {self.kind}"

    @property
    def required(self) -> str:
        """What is asked, in a few words."""
        limit = f"{self.bound:,g} {METRICS[self.metric].unit}".strip()
        if self.kind == "margin":
            return f"at most {limit} worse"
        return f"at {'least' if self.kind == 'floor' else 'most'} {limit}"

    @property
    def found(self) -> str:
        """The mean, or how it differs from the champion's, with its interval."""
        if self.value is None:
            return "no value"
        margin = self.kind == "margin"
        mean = figure(abs(self.value) if margin else self.value, self.metric)
        if margin:
            way = "lower" if self.value < 0 else "higher"
            mean = f"{mean} {way} than the champion's" if self.value else "the same as the champion's"
        ends = span(self.low, self.high, self.metric, sign=margin)
        return mean if self.low is None else f"{mean} (interval {ends})"


class Verdict(StrictModel):
    """`dataset`, `release` and `thresholds` are digests; `judge` is who judged, `keyless` where nobody had to.

    `two_persons`: who promotes to production by it may not be who approved it. The worse end of each interval is a
    bound at the level `alpha`, the better end at `alpha_missed`: corrected for how many criteria look missed.
    """

    format: Literal[1] = 1
    says: Says
    why: tuple[str, ...]
    release: EvaluatedRelease
    champion: EvaluatedRelease | None = None
    dataset: str
    dataset_name: str
    samples: int
    thresholds: str
    two_persons: bool = False
    alpha: float
    alpha_missed: float
    judge: str = KEYLESS
    findings: tuple[CriterionResult, ...]
    measures: tuple[Measure, ...] = ()
    made: str = ""

    @property
    def code(self) -> int:
        """The exit code."""
        return CODES[self.says]

    @property
    def champion_means(self) -> dict[tuple[str, str], float]:
        """The champion's means by metric and slice."""
        return {(each.metric, each.slice): each.champion.value for each in self.measures if each.champion}

    @property
    def levels(self) -> str:
        """What the ends of all its intervals are, for people."""
        looks = round(self.alpha / (2 * self.alpha_missed))
        corrected = f", corrected for the {looks} criteria that look missed" if looks > 1 else ""
        return (
            f"Intervals: the worse end decides what is met (one-sided, {1 - self.alpha:.2%}), the better end what is "
            f"missed ({1 - self.alpha_missed:.2%}{corrected})."
        )

    @property
    def digest(self) -> str:
        """SHA-256 of its text."""
        return digest_of(self.text())

    def text(self) -> str:
        """Its canonical JSON."""
        return self.model_dump_json(indent=1, exclude_none=True) + "\n"


def read_verdict(path: Path) -> Verdict:
    """Read a verdict; raises VerdictInvalid that says which field is wrong."""
    try:
        return Verdict.model_validate_json(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise VerdictInvalid(f"The verdict {path} cannot be read: {error}.") from None
    except ValidationError as error:
        raise VerdictInvalid(f"{path} is no verdict of `warrant eval gate`: {problems_of(error)[0]}.") from None
