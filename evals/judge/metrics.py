"""Metrics that need a judge, through ragas: its prompts and its arithmetic, over replies that we have read first.

ragas takes any whole number for a verdict, averages what is left when one of two judges fails, and gives NaN when a
reply holds nothing; so the judge stands between ragas and the model, and what it cannot use ends the score.
"""

import warnings
from collections import Counter
from functools import partial
from math import nan
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from evals.dataset import Sample
from evals.errors import problems_of
from evals.judge.client import CachedJudge, JudgeCall
from evals.metrics.catalog import METRICS
from evals.metrics.from_ragas import RagasMetric, check_prompts
from evals.metrics.metric import Compute, Unscored
from evals.metrics.vectors import Vectors
from evals.runs import SampleOutcome

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from ragas.llms.base import InstructorBaseRagasLLM

Form = TypeVar("Form", bound=BaseModel)
OFFERED = {"verdict": (0, 1), "attributed": (0, 1), "noncommittal": (0, 1), "rating": (0, 2, 4)}
"""What the prompts offer for a field of that name; ragas takes any whole number there and averages it."""
NEEDED = ("question", "statements", "claims", "classifications")
"""Fields of which something is made: one that is blank or empty is no reply."""
EXCERPT = 60


class JudgeSession(InstructorBaseRagasLLM):
    """The judge as ragas asks it, for one value; an unusable reply ends the session, whatever ragas makes of it.

    ragas' own client writes an identity for its telemetry into the home directory, even where telemetry is off.
    """

    def __init__(self, judge: CachedJudge, repeat: int) -> None:
        self._judge, self._repeat = judge, repeat
        self._turns: Counter[str] = Counter()
        self._listed: int | None = None
        self.problem: Unscored | None = None

    def generate(self, prompt: str, response_model: type[Form]) -> Form:
        """Not there: a judge is asked many things at once."""
        raise NotImplementedError("A judge is asked by agenerate.")

    async def agenerate(self, prompt: str, response_model: type[Form]) -> Form:
        """What the judge replies; raises Unscored."""
        if self.problem:
            raise self.problem
        call = JudgeCall(prompt, str(response_model.model_json_schema()), self._repeat, self._turns[prompt])
        self._turns[prompt] += 1
        try:
            found = await self._judge.reply(call, lambda text: read_reply(text, response_model, self._listed))
        except Unscored as error:
            self.problem = error
            raise
        self._listed = statements(found)
        return found


def judged_values(judge: CachedJudge, vectors: Vectors) -> dict[str, Compute]:
    """How each judged metric is computed, by name: as ragas does, with a judge as its model.

    Raises MetricInvalid for a metric from outside that cannot be computed, JudgeInvalid for an odd prompt.
    """
    folder = judge.config.prompts
    check_prompts(folder)
    metrics = [RagasMetric(metric, vectors, folder) for metric in METRICS.values() if metric.judged]
    return {each.metric.name: partial(_value, judge, each) for each in metrics}


async def _value(judge: CachedJudge, metric: RagasMetric, sample: Sample, outcome: SampleOutcome) -> float | None:
    """The value, of which each repeat of an answer is asked anew; None where it does not apply. Raises Unscored."""
    if not metric.applies(sample):
        return None
    if outcome.sample != sample.id:
        return nan  # Nobody is asked about what stands in for a missing outcome.
    session = JudgeSession(judge, outcome.repeat)
    found = await metric.value(sample, outcome, session)
    if session.problem:
        raise session.problem
    return found


def read_reply(text: str, form: type[Form], length: int | None = None) -> Form:
    """The reply in its form; `length` is how many verdicts were asked for. Raises Unscored with what is wrong."""
    try:
        # Models put a fence or a word around their JSON, whatever the prompt says.
        found = form.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
    except ValidationError as error:
        raise Unscored(f"the judge's reply is not what was asked for: {problems_of(error)[0]}") from None
    _check(found)
    if length is not None and (given := verdicts(found)) not in (None, length):
        raise Unscored(f"the judge gave {given} verdicts on {length} statements")
    return found


def statements(found: BaseModel) -> int | None:
    """How many statements a reply lists for the next question; None when it lists none."""
    return next((len(value) for _, value in found if isinstance(value, list) and isinstance(value[0], str)), None)


def verdicts(found: BaseModel) -> int | None:
    """How many statements a reply decides about; None when it is not about statements."""
    return next((len(value) for _, value in found if isinstance(value, list) and hasattr(value[0], "verdict")), None)


def excerpt(text: str) -> str:
    """The beginning of a text on one line."""
    flat = " ".join(text.split())
    return repr(flat[:EXCERPT] + "…" if len(flat) > EXCERPT else flat)


def _check(found: BaseModel) -> None:
    for name, value in found:
        if name in OFFERED and value not in OFFERED[name]:
            choice = ", ".join(map(str, OFFERED[name]))
            raise Unscored(f"the judge gave {name} {_figure(value)}; {choice} were offered")
        if name in NEEDED and not (value.strip() if isinstance(value, str) else value):
            raise Unscored(f"the judge's reply has no {name}")
        for each in value if isinstance(value, list) else ():
            if isinstance(each, BaseModel):
                _check(each)
            elif not each.strip():
                raise Unscored(f"the judge's reply has a blank one among its {name}")


def _figure(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else excerpt(str(value))
