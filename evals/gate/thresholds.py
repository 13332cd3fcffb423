"""Thresholds: what is good enough to be promoted, as TOML in git."""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from evals.dataset import StrictModel, digest_of
from evals.errors import ThresholdsInvalid, problems_of
from evals.metrics.catalog import METRICS

DEFAULT = Path(__file__).parent.parent / "thresholds.toml"
Kind = Literal["floor", "ceiling", "margin"]


class Threshold(StrictModel):
    """What a metric has to reach, over all samples or over a `slice` of them: those with a tag.

    `floor` (`ceiling` where lower is better) is the least that the mean may be; `margin` is how much worse than the
    champion's, on the same questions, still counts as no worse. All are in the metric's unit.
    """

    metric: str
    slice: str = ""
    floor: float | None = None
    ceiling: float | None = None
    margin: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None

    @model_validator(mode="after")
    def _sound(self) -> "Threshold":
        known = METRICS.get(self.metric)
        if known is None:
            raise ValueError(f"there is no metric {self.metric!r}; there are {', '.join(METRICS)}")
        if self.floor is None and self.ceiling is None and self.margin is None:
            raise ValueError(f"{self.metric} has neither floor nor ceiling nor margin; give at least one")
        if known.counted:
            raise ValueError(f"{self.metric} is asked of every release; it is no threshold")
        if self.metric == "latency_ms" and self.margin is not None:
            raise ValueError("latency_ms depends on what else the machine does; compare cpu_ms and waiting_ms")
        wrong, right = ("floor", "ceiling") if known.better == "lower" else ("ceiling", "floor")
        if getattr(self, wrong) is not None:
            raise ValueError(f"{self.metric} is better when {known.better}; give it a {right}, not a {wrong}")
        if self.margin is not None and self.margin >= known.high - known.low:
            scale = f"{self.metric} is from {known.low:g} to {known.high:g}"
            raise ValueError(f"{scale}; a margin of {self.margin:g} bounds nothing")
        bound = getattr(self, right)
        if bound is not None and not known.low < bound <= known.high:
            raise ValueError(f"{self.metric} is above {known.low:g} and up to {known.high:g}; {bound:g} bounds nothing")
        return self

    @property
    def kinds(self) -> dict[Kind, float]:
        """What is asked, and its bound."""
        bounds: dict[Kind, float | None] = {"floor": self.floor, "ceiling": self.ceiling, "margin": self.margin}
        return {kind: bound for kind, bound in bounds.items() if bound is not None}


class Thresholds(StrictModel):
    """All that a release has to reach; `alpha` is the chance, 0 to 0.2, of passing what is just below one of them.

    `two_persons`: who promotes to production is not who approved it. `failed` is the largest share of the samples that
    may fail. No answer may show what its caller may not read, whatever is asked here: by the groups of the champion's
    Snapshot, but for the documents in `opened`, and by what the dataset withholds.
    """

    alpha: Annotated[float, Field(gt=0, le=0.2)] = 0.05
    two_persons: bool = False
    failed: Annotated[float, Field(ge=0, lt=1)] = 0.02
    opened: tuple[str, ...] = ()
    threshold: Annotated[tuple[Threshold, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _once(self) -> "Thresholds":
        seen: set[tuple[str, str]] = set()
        for each in self.threshold:
            if (each.metric, each.slice) in seen:
                where = f" of {each.slice}" if each.slice else ""
                raise ValueError(
                    f"{each.metric}{where} stands there twice; write it once, with all that it has to reach"
                )
            seen.add((each.metric, each.slice))
        return self

    @property
    def digest(self) -> str:
        """SHA-256 over what is asked, whatever the comments."""
        return digest_of(self.model_dump_json())


def read_thresholds(path: Path = DEFAULT) -> Thresholds:
    """Read a file of thresholds; raises ThresholdsInvalid, which says what is wrong and where."""
    try:
        fields = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ThresholdsInvalid(f"The thresholds {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ThresholdsInvalid(f"The thresholds {path} are no TOML: {error}.") from None
    if not fields.get("threshold"):
        raise ThresholdsInvalid(f"The thresholds {path} are empty: nothing would be asked. Write a [[threshold]].")
    try:
        return Thresholds.model_validate(fields)
    except ValidationError as error:
        raise ThresholdsInvalid(
            f"The thresholds {path} are wrong: {'; '.join(map(_plain, problems_of(error)))}."
        ) from None


def _plain(problem: str) -> str:
    """A problem whose place in the list of thresholds is counted as people count."""
    return re.sub(r"^threshold\.(\d+)\.?", lambda found: f"threshold number {int(found[1]) + 1} ", problem)
