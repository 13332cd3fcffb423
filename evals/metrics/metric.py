"""What a metric is: its meaning, the bounds of its values, and how it is computed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic.dataclasses import dataclass

from evals.dataset import Sample
from evals.metrics.vectors import Vectors
from evals.runs import SampleOutcome
from graph.prices import Prices

if TYPE_CHECKING:
    from evals.metrics.from_ragas import RagasMetrics
    from evals.metrics.support import SupportMetrics

Better = Literal["higher", "lower"]
Input = Literal["", "response", "retrieved_contexts"]
Compute = Callable[[Sample, SampleOutcome], float | Awaitable[float | None] | None]
"""Computes a metric, async or not; None where it does not apply.

Raises Unscored.
"""


class Unscored(Exception):
    """There is no score; the message is the reason."""


class Untested(Unscored):
    """There is no score since the answer has nothing that the metric tests, such as claims; it is not missing."""


@dataclass(frozen=True)
class Metric:
    """What is measured: `low` and `high` bound its values, `unit` is none, `s`, `ms`, `tokens` or `USD`.

    `judged` metrics need a judge. `counted` ones are looked at sample by sample: no chance is in them, and every
    release is held to them.

    One of three computes it: the function `value`; the function that `of_run` makes of what a whole run shares; or
    `ragas`, a class of `ragas.metrics.collections`, with its `parameters`. `zero_without` is the input of ragas without
    which the value is 0, and not untested.
    """

    name: str
    about: str
    value: Compute | None = None
    of_run: "Callable[[RunContext], Compute] | None" = None
    better: Better = "higher"
    low: float = 0.0
    high: float = 1.0
    judged: bool = False
    counted: bool = False
    unit: str = ""
    ragas: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    zero_without: Input = ""

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return 1 if self.better == "higher" else -1


class RunContext(NamedTuple):
    """What the metrics of one run share: terms, for one, are weighed by all of its passages."""

    vectors: Vectors
    prices: Prices
    ragas: "RagasMetrics"
    support: "SupportMetrics"
