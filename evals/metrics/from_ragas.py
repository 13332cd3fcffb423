"""Metrics of ragas: the keyless ones, and any by its class. Its telemetry is off unless the user turned it on."""

import inspect
import warnings
from functools import cached_property
from pathlib import Path
from typing import Any

from evals.dataset import Sample
from evals.errors import JudgeInvalid, MetricInvalid
from evals.metrics.catalog import PROMPTS
from evals.metrics.keyless import nearest, normalised, retrieved, said
from evals.metrics.metric import Metric, Untested
from evals.metrics.vectors import Vectors
from evals.runs import SampleOutcome
from graph.settings import quiet_libraries

quiet_libraries()
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from ragas import SingleTurnSample
    from ragas.embeddings.base import BaseRagasEmbedding
    from ragas.metrics import IDBasedContextPrecision, IDBasedContextRecall, collections
    from ragas.metrics.collections import ExactMatch, SemanticSimilarity
    from ragas.prompt.metrics.base_prompt import BasePrompt

INPUTS = ("user_input", "response", "retrieved_contexts", "reference", "reference_contexts")
"""What ragas calls what a sample and its outcome have."""
ROUNDING = 1e-6


class Embeddings(BaseRagasEmbedding):
    """Our vectors as ragas asks for them."""

    is_async = True

    def __init__(self, vectors: Vectors) -> None:
        super().__init__()
        self._vectors = vectors

    def embed_text(self, text: str, **_: Any) -> list[float]:
        return [float(each) for each in self._vectors.of([text])[0]]

    async def aembed_text(self, text: str, **_: Any) -> list[float]:
        return self.embed_text(text)


class RagasMetric:
    """A metric of ragas by its class and parameters, for samples one by one."""

    def __init__(self, metric: Metric, vectors: Vectors, folder: Path | None = None) -> None:
        """`folder` may hold files in place of PROMPTS; raises MetricInvalid when ragas cannot compute the metric."""
        made = getattr(collections, metric.ragas, None)
        if made is None:
            raise MetricInvalid(f"The metric {metric.name} is wrong: ragas has no {metric.ragas!r}.")
        self.metric, self._class, self._folder = metric, made, folder
        self._embeddings = Embeddings(vectors)
        self._options = inspect.signature(made.__init__).parameters
        self._inputs = inspect.signature(made.ascore).parameters
        if lacking := [name for name in self._needed if name not in INPUTS]:
            raise MetricInvalid(f"{metric.name}: {metric.ragas} needs {', '.join(lacking)}, which samples do not have.")
        # ragas takes any further argument, and does nothing with it.
        if odd := sorted(set(metric.parameters) - set(self._options)):
            raise MetricInvalid(f"{metric.name}: {metric.ragas} has no parameter {odd[0]!r}.")
        if ("llm" in self._options) != metric.judged:
            raise MetricInvalid(f"{metric.name}: set judged to {str(not metric.judged).lower()} for {metric.ragas}.")

    def applies(self, sample: Sample) -> bool:
        """Whether a sample has what the metric needs: by what is known of the sample alone."""
        if "reference" in self._needed:
            return sample.answerable and sample.reference is not None
        return "retrieved_contexts" in self._needed or sample.answerable

    async def value(self, sample: Sample, outcome: SampleOutcome, llm: Any = None) -> float | None:
        """The value; None where the metric does not apply. Raises Unscored, and what `llm` does.

        An answer that says nothing, or has no passages, has its value without a judge (decision 020).
        """
        if not self.applies(sample):
            return None
        answer, passages = said(outcome), texts_of(outcome) if "retrieved_contexts" in self._needed else []
        if "response" in self._needed and not answer:
            return self._zero("response", "it says nothing")
        if "retrieved_contexts" in self._needed and not passages:
            return self._zero("retrieved_contexts", "it has no passages")
        found = {
            # Vectors compare the question alone.
            "user_input": sample.question if "embeddings" in self._options else conversation_of(sample),
            "response": answer,
            "retrieved_contexts": passages,
            "reference": nearest(sample, answer) if "response" in self._needed and sample.answers else sample.reference,
            "reference_contexts": list(sample.quotes),
        }
        try:
            result = await self._made(llm).ascore(**{name: found[name] for name in self._needed})
        except ImportError as error:
            raise MetricInvalid(f"{self.metric.name} cannot be computed: {error}.") from error
        value = float(result.value)
        return min(value, self.metric.high) if value < self.metric.high + ROUNDING else value

    @cached_property
    def _needed(self) -> list[str]:
        """What it is given: what it must have, and what of the rest is known."""
        named = [each for each in self._inputs.values() if each.name != "self"]
        return [each.name for each in named if each.default is each.empty or each.name in INPUTS]

    def _zero(self, lacking: str, why: str) -> float:
        """0 where lacking an input is wrong; raises Untested for any other metric."""
        if self.metric.zero_without != lacking:
            raise Untested(why)
        return 0.0

    def _made(self, llm: Any) -> Any:
        # More attempts would hide from us what the judge said first.
        given = {"llm": llm, "embeddings": self._embeddings, "max_retries": 1}
        options = {name: value for name, value in given.items() if name in self._options}
        try:
            made = self._class(**options | dict(self.metric.parameters))
        except (TypeError, ValueError) as error:
            raise MetricInvalid(f"{self.metric.name} does not take its parameters: {error}.") from error
        for prompt in vars(made).values():
            if isinstance(prompt, BasePrompt) and (text := prompt_text(type(prompt).__name__, self._folder)):
                prompt.instruction = text
        return made


def prompt_text(name: str, folder: Path | None = None) -> str:
    """The instruction of a prompt from its file; empty where there is none."""
    paths = [home / f"{name}.md" for home in (folder, PROMPTS) if home]
    return next((path.read_text("utf-8").removesuffix("\n") for path in paths if path.exists()), "")


def check_prompts(folder: Path | None) -> None:
    """Raises JudgeInvalid for a file that stands for none of the prompts that ragas' metrics have."""
    known = {each.__name__ for each in BasePrompt.__subclasses__()}
    if odd := sorted({path.stem for path in folder.glob("*.md")} - known) if folder else ():
        raise JudgeInvalid(f"{folder} has {odd[0]}.md, but ragas' prompts are {', '.join(sorted(known))}.")


def conversation_of(sample: Sample) -> str:
    """The question, after the conversation that it stands in."""
    earlier = [f"{each.role}: {each.content}" for each in sample.history]
    return "\n".join([*earlier, f"user: {sample.question}"]) if earlier else sample.question


def texts_of(outcome: SampleOutcome) -> list[str]:
    """The passages' texts; raises Unscored when the release does not give them."""
    retrieved(outcome)
    return [str(passage["text"]) for passage in outcome.passages or ()]


class RagasMetrics:
    """The keyless metrics of ragas, each with the sample's own rule for when it applies."""

    def __init__(self, vectors: Vectors) -> None:
        self._recall, self._precision = IDBasedContextRecall(), IDBasedContextPrecision()
        self._exact, self._similar = ExactMatch(), SemanticSimilarity(embeddings=Embeddings(vectors))

    async def context_recall(self, sample: Sample, outcome: SampleOutcome) -> float | None:
        """Of the documents that hold the answer, the share that was retrieved."""
        return await _by_ids(self._recall, sample, outcome)

    async def context_precision(self, sample: Sample, outcome: SampleOutcome) -> float | None:
        """Of the retrieved documents, the share that holds the answer; 0 when none was retrieved."""
        return await _by_ids(self._precision, sample, outcome)

    async def exact_match(self, sample: Sample, outcome: SampleOutcome) -> float | None:
        """Whether the answer is one of the right ones, both normalised as SQuAD does."""
        answer = " ".join(normalised(said(outcome)))
        found = [await self._exact.ascore(reference=" ".join(normalised(r)), response=answer) for r in sample.answers]
        return max((float(each.value) for each in found), default=None)

    async def semantic_similarity(self, sample: Sample, outcome: SampleOutcome) -> float | None:
        """The cosine to the nearest right answer; 0 where nothing was said."""
        answer = said(outcome)
        if not answer:
            return 0.0 if sample.answers else None
        found = [await self._similar.ascore(reference=right, response=answer) for right in sample.answers]
        return max((min(1.0, float(each.value)) for each in found), default=None)


async def _by_ids(metric: Any, sample: Sample, outcome: SampleOutcome) -> float | None:
    if not sample.documents:
        return None
    found = retrieved(outcome)
    if not found:
        return 0.0
    row = SingleTurnSample(retrieved_context_ids=found, reference_context_ids=list(sample.documents))
    # The public method writes an identity for its telemetry to the home directory, even where that is off.
    return float(await metric._single_turn_ascore(row, []))
