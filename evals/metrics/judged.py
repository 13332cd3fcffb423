"""Metrics that need a judge, through ragas: its prompts and its arithmetic, over replies that we have read first.

ragas takes any whole number for a verdict, averages what is left when one of two judges fails, and gives NaN when a
reply holds nothing; so the judge stands between ragas and the model, and what it cannot use ends the score.
"""

import warnings
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import TypeVar

from pydantic import BaseModel

from evals.judging.asking import Judge
from evals.judging.reading import read_reply, statements
from evals.judging.replies import Asked
from evals.metrics.plain import Unscored, nearest, retrieved, said
from evals.metrics.through_ragas import Embeddings
from evals.metrics.vectors import Vectors
from evals.runs import Outcome
from evals.samples import Sample

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


class Session(InstructorBaseRagasLLM):
    """The judge as ragas asks it, for one value; a reply that cannot be used ends it, whatever ragas makes of that.

    ragas' own client writes an identity for its telemetry into the home directory, even where telemetry is off.
    """

    def __init__(self, judge: Judge, repeat: int) -> None:
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
        asked = Asked(prompt, str(response_model.model_json_schema()), self._repeat, self._turns[prompt])
        self._turns[prompt] += 1
        try:
            found = await self._judge.reply(asked, lambda text: read_reply(text, response_model, self._listed))
        except Unscored as error:
            self.problem = error
            raise
        self._listed = statements(found)
        return found


class JudgedMetrics:
    """Each gives a value of one repeat; an answer that was declined has its value without a judge (decision 020)."""

    def __init__(self, judge: Judge, vectors: Vectors) -> None:
        self._judge, self._embeddings = judge, Embeddings(vectors)

    async def faithfulness(self, sample: Sample, outcome: Outcome, repeat: int) -> float:
        """Of the answer's statements, the share that follows from the passages; 1 for an answer that says nothing."""
        answer, passages = said(outcome), texts_of(outcome)
        if not answer or not passages:
            return 0.0 if answer else 1.0
        return await self.faithful(asked_of(sample), answer, passages, repeat)

    async def faithful(self, question: str, answer: str, passages: list[str], repeat: int) -> float:
        """The same of any answer."""

        async def ask(session: Session) -> MetricResult:
            return await Faithfulness(llm=session).ascore(question, answer, passages)

        return await self._value(ask, repeat)

    async def answer_relevancy(self, sample: Sample, outcome: Outcome, repeat: int) -> float:
        """How like the question those are that the judge would ask for this answer; 0 for no answer."""
        answer = said(outcome)

        async def ask(session: Session) -> MetricResult:
            return await AnswerRelevancy(llm=session, embeddings=self._embeddings).ascore(sample.question, answer)

        return min(1.0, await self._value(ask, repeat)) if answer else 0.0

    async def judged_context_precision(self, sample: Sample, outcome: Outcome, repeat: int) -> float:
        """The average precision of the passages that were of use for the right answer; 0 without passages."""
        passages = texts_of(outcome)

        async def ask(session: Session) -> MetricResult:
            metric = ContextPrecisionWithReference(llm=session)
            return await metric.ascore(asked_of(sample), sample.reference or "", passages)

        return await self._value(ask, repeat) if passages else 0.0

    async def judged_context_recall(self, sample: Sample, outcome: Outcome, repeat: int) -> float:
        """Of the right answer's statements, the share that is in the passages; 0 without passages."""
        passages = texts_of(outcome)

        async def ask(session: Session) -> MetricResult:
            return await ContextRecall(llm=session).ascore(asked_of(sample), passages, sample.reference or "")

        return await self._value(ask, repeat) if passages else 0.0

    async def factual_correctness(self, sample: Sample, outcome: Outcome, repeat: int) -> float:
        """F1 of the statements that answer and right answer have in common; 0 for no answer."""
        answer = said(outcome)

        async def ask(session: Session) -> MetricResult:
            return await FactualCorrectness(llm=session).ascore(answer, nearest(sample, answer))

        return await self._value(ask, repeat) if answer else 0.0

    async def answer_accuracy(self, sample: Sample, outcome: Outcome, repeat: int) -> float:
        """How far the answer says what the right one does, by two prompts; 0 for no answer."""
        answer = said(outcome)

        async def ask(session: Session) -> MetricResult:
            # More attempts would hide from us what the judge said first.
            metric = AnswerAccuracy(llm=session, max_retries=1)
            return await metric.ascore(asked_of(sample), answer, nearest(sample, answer))

        return await self._value(ask, repeat) if answer else 0.0

    async def _value(self, ask: Callable[[Session], Awaitable[MetricResult]], repeat: int) -> float:
        session = Session(self._judge, repeat)
        found = await ask(session)
        if session.problem:
            raise session.problem
        return float(found.value)


def applies(name: str, sample: Sample) -> bool:
    """Whether a judged metric is one of a sample: by what is known of the sample alone."""
    if name == "faithfulness":
        return True
    return sample.answerable and (name == "answer_relevancy" or sample.reference is not None)


def asked_of(sample: Sample) -> str:
    """The question, after the conversation that it stands in."""
    earlier = [f"{each.role}: {each.content}" for each in sample.history]
    return "\n".join([*earlier, f"user: {sample.question}"]) if earlier else sample.question


def texts_of(outcome: Outcome) -> list[str]:
    """The passages' texts; raises Unscored when the release does not tell them."""
    retrieved(outcome)
    return [str(passage["text"]) for passage in outcome.passages or ()]
