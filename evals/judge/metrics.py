"""Metrics that need a judge, through ragas: its prompts and its arithmetic, over replies that we have read first.

ragas takes any whole number for a verdict, averages what is left when one of two judges fails, and gives NaN when a
reply holds nothing; so the judge stands between ragas and the model, and what it cannot use ends the score.
"""

import warnings
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from evals.dataset import Sample
from evals.judge.client import CachedJudge, JudgeCall
from evals.metrics.catalog import Unscored
from evals.metrics.from_ragas import Embeddings
from evals.metrics.keyless import nearest, retrieved, said
from evals.metrics.vectors import Vectors
from evals.runs import SampleOutcome

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from ragas.llms.base import InstructorBaseRagasLLM
    from ragas.metrics.collections import (
        AnswerAccuracy,
        AnswerRelevancy,
        ContextPrecisionWithReference,
        ContextRecall,
        FactualCorrectness,
        Faithfulness,
    )
    from ragas.metrics.result import MetricResult

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


class JudgedMetrics:
    """Each gives a value of one repeat; an answer that was declined has its value without a judge (decision 020)."""

    def __init__(self, judge: CachedJudge, vectors: Vectors) -> None:
        self._judge, self._embeddings = judge, Embeddings(vectors)

    async def faithfulness(self, sample: Sample, outcome: SampleOutcome, repeat: int) -> float:
        """Of the answer's statements, the share that follows from the passages; 1 for an answer that says nothing."""
        answer, passages = said(outcome), texts_of(outcome)
        if not answer or not passages:
            return 0.0 if answer else 1.0
        return await self.faithful(conversation_of(sample), answer, passages, repeat)

    async def faithful(self, question: str, answer: str, passages: list[str], repeat: int) -> float:
        """The same of any answer."""

        async def ask(session: JudgeSession) -> MetricResult:
            return await Faithfulness(llm=session).ascore(question, answer, passages)

        return await self._value(ask, repeat)

    async def answer_relevancy(self, sample: Sample, outcome: SampleOutcome, repeat: int) -> float:
        """How like the question those are that the judge would ask for this answer; 0 for no answer."""
        answer = said(outcome)

        async def ask(session: JudgeSession) -> MetricResult:
            return await AnswerRelevancy(llm=session, embeddings=self._embeddings).ascore(sample.question, answer)

        return min(1.0, await self._value(ask, repeat)) if answer else 0.0

    async def judged_context_precision(self, sample: Sample, outcome: SampleOutcome, repeat: int) -> float:
        """The average precision of the passages that were of use for the right answer; 0 without passages."""
        passages = texts_of(outcome)

        async def ask(session: JudgeSession) -> MetricResult:
            metric = ContextPrecisionWithReference(llm=session)
            return await metric.ascore(conversation_of(sample), sample.reference or "", passages)

        return await self._value(ask, repeat) if passages else 0.0

    async def judged_context_recall(self, sample: Sample, outcome: SampleOutcome, repeat: int) -> float:
        """Of the right answer's statements, the share that is in the passages; 0 without passages."""
        passages = texts_of(outcome)

        async def ask(session: JudgeSession) -> MetricResult:
            return await ContextRecall(llm=session).ascore(conversation_of(sample), passages, sample.reference or "")

        return await self._value(ask, repeat) if passages else 0.0

    async def factual_correctness(self, sample: Sample, outcome: SampleOutcome, repeat: int) -> float:
        """F1 of the statements that answer and right answer have in common; 0 for no answer."""
        answer = said(outcome)

        async def ask(session: JudgeSession) -> MetricResult:
            return await FactualCorrectness(llm=session).ascore(answer, nearest(sample, answer))

        return await self._value(ask, repeat) if answer else 0.0

    async def answer_accuracy(self, sample: Sample, outcome: SampleOutcome, repeat: int) -> float:
        """How far the answer says what the right one does, by two prompts; 0 for no answer."""
        answer = said(outcome)

        async def ask(session: JudgeSession) -> MetricResult:
            # More attempts would hide from us what the judge said first.
            metric = AnswerAccuracy(llm=session, max_retries=1)
            return await metric.ascore(conversation_of(sample), answer, nearest(sample, answer))

        return await self._value(ask, repeat) if answer else 0.0

    async def _value(self, ask: Callable[[JudgeSession], Awaitable[MetricResult]], repeat: int) -> float:
        session = JudgeSession(self._judge, repeat)
        found = await ask(session)
        if session.problem:
            raise session.problem
        return float(found.value)


def conversation_of(sample: Sample) -> str:
    """The question, after the conversation that it stands in."""
    earlier = [f"{each.role}: {each.content}" for each in sample.history]
    return "\n".join([*earlier, f"user: {sample.question}"]) if earlier else sample.question


def texts_of(outcome: SampleOutcome) -> list[str]:
    """The passages' texts; raises Unscored when the release does not give them."""
    retrieved(outcome)
    return [str(passage["text"]) for passage in outcome.passages or ()]


def read_reply(text: str, form: type[Form], length: int | None = None) -> Form:
    """The reply in its form; `length` is how many verdicts were asked for. Raises Unscored with what is wrong."""
    try:
        # Models put a fence or a word around their JSON, whatever the prompt says.
        found = form.model_validate_json(text[text.find("{") : text.rfind("}") + 1])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Unscored(
            f"the judge's reply is not what was asked for: {place or excerpt(text)}: {first['msg']}"
        ) from None
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
