"""Draft samples that a model writes: ragas' TestsetGenerator over passages of a Snapshot.

The model is the judge's: its settings, limits, retries and cached replies. A draft is a proposal: a person checks it.
"""

import random
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest
from typing import Any, TypeVar

from pydantic import BaseModel

from evals.dataset import DRAFT, Sample, digest_of, shuffled
from evals.documents import SourceDocument
from evals.errors import JudgeInvalid
from evals.feedback import verbatim
from evals.judge.client import CachedJudge, JudgeCall
from evals.judge.metrics import JudgeSession, read_reply
from evals.metrics.catalog import Unscored
from evals.metrics.from_ragas import Embeddings
from evals.metrics.vectors import Vectors

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import ragas._analytics
    from ragas.testset import TestsetGenerator
    from ragas.testset.persona import Persona
    from ragas.testset.transforms.default import default_transforms_for_prechunked
    from ragas.tokenizers import BaseTokenizer

# ragas writes an identity for its telemetry into the home directory, even where telemetry is off.
ragas._analytics.user_data_dir = lambda **_: tempfile.gettempdir()  # type: ignore[attr-defined]

Form = TypeVar("Form", bound=BaseModel)
PASSAGES_FOR_EACH = 2
"""Passages that are read for each question that is wanted; ragas asks the model four times about each."""
NOTE = "draft: check the question and the reference, and add quotes."
PERSONAS = [
    Persona(name="New employee", role_description="Joined recently and looks up how things are done here."),
    Persona(name="Expert", role_description="Knows the field and asks for exact figures, limits and exceptions."),
    Persona(name="Customer", role_description="Knows the product from using it and asks in everyday words."),
]


def generate(
    documents: Mapping[str, SourceDocument], count: int, seed: int, judge: CachedJudge, vectors: Vectors
) -> list[Sample]:
    """At most `count` drafts; a question that the model fails to write is left out.

    To be called inside of the event loop that uses the judge. Raises JudgeInvalid where no question can be asked.
    """
    random.seed(seed)
    chosen = choose_passages(list(documents.values()), PASSAGES_FOR_EACH * count, seed)
    writer, embeddings = _Writer(judge, 0), Embeddings(vectors)
    generator = TestsetGenerator(writer, embeddings, persona_list=list(PERSONAS))  # type: ignore[arg-type]
    transforms = _transforms(writer, embeddings)
    try:
        # The executor is asked for, so that one question that fails does not lose the others.
        executor: Any = generator.generate_with_chunks(list(chosen), count, transforms, return_executor=True)
        executor.raise_exceptions = False
        made = executor.results()
    except (Unscored, ValueError) as error:
        raise JudgeInvalid(f"No questions could be written: {error}.") from error
    drafts = [_draft(each, chosen, documents) for each in made if hasattr(each, "user_input")]
    return list({draft.id: draft for draft in drafts}.values())


def choose_passages(documents: Sequence[SourceDocument], count: int, seed: int) -> dict[str, str]:
    """Texts of passages and the documents that they are from: one of each document in turn, in the seed's order."""
    columns = [
        [(text, document.name) for text in shuffled(document.passages, lambda text: f"{seed} {text}")]
        for document in shuffled(documents, lambda document: f"{seed} {document.name}")
    ]
    turns = chain.from_iterable(zip_longest(*columns))
    return dict([each for each in turns if each is not None][:count])


def _draft(made: Any, chosen: Mapping[str, str], documents: Mapping[str, SourceDocument]) -> Sample:
    # ragas writes `<1-hop>` and a blank line before the passages of a question over several.
    texts = [text.partition("-hop>\n\n")[2] or text for text in made.reference_contexts or ()]
    names = list(dict.fromkeys(chosen[text] for text in texts if text in chosen))
    found = [documents[name] for name in names]
    question = str(made.user_input).strip()
    return Sample(
        id=f"d-{digest_of(question, *names)[:12]}",
        question=question,
        groups=tuple(dict.fromkeys(group for document in found for group in document.groups)),
        answerable=True,
        reference=str(made.reference).strip(),
        documents=tuple(names),
        quotes=tuple(verbatim(str(made.reference), [document.text for document in found])),
        tags=(DRAFT, "multi_document" if len(names) > 1 else "single_document"),
        note=NOTE,
    )


def _transforms(writer: "_Writer", embeddings: Embeddings) -> list[Any]:
    found: list[Any] = default_transforms_for_prechunked(writer, embeddings)  # type: ignore[arg-type, assignment]
    for step in found:
        for each in getattr(step, "transformations", [step]):
            if hasattr(each, "tokenizer"):
                each.tokenizer = _Characters()
    return found


class _Characters(BaseTokenizer):
    """Characters as tokens, to cut what is too long; ragas' own tokenizer is fetched from the internet."""

    def encode(self, text: str) -> list[int]:
        return [ord(letter) for letter in text]

    def decode(self, tokens: list[int]) -> str:
        return "".join(map(chr, tokens))


class _Writer(JudgeSession):
    """The judge's model as ragas asks it to write: a reply that is of no use ends nothing but its question."""

    is_async = True

    async def agenerate(self, prompt: str, response_model: type[Form]) -> Form:
        """What the model replies, in its form; raises Unscored."""
        call = JudgeCall(prompt, str(response_model.model_json_schema()), 0)
        return await self._judge.reply(call, lambda text: read_reply(text, response_model))
