"""Draft samples: rated answers, probes of access, and questions that a model writes; a person checks each.

Questions are written by ragas' TestsetGenerator over passages of a Snapshot. The model is the judge's: its settings,
limits, retries and cached replies.
"""

import json
import random
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from evals.dataset import DRAFT, Sample, digest_of, shuffled
from evals.documents import SourceDocument
from evals.errors import DatasetInvalid, JudgeInvalid, problems_of
from evals.judge.client import CachedJudge, JudgeCall
from evals.judge.config import JudgeConfig
from evals.judge.metrics import JudgeSession, read_reply
from evals.metrics.from_ragas import Embeddings
from evals.metrics.metric import Unscored
from evals.metrics.vectors import scoring_vectors
from graph.text.sentences import units

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
LIKED = "draft: the answer was liked; check that the reference is right and whole, and that the quotes hold it."
DISLIKED = (
    "draft: the answer was disliked; write the right one with its documents and quotes, or say that none answers."
)
DECLINED = "draft: it was declined, and somebody minded; find the answer, or let it be unanswerable."
PERSONAS = [
    Persona(name="New employee", role_description="Joined recently and looks up how things are done here."),
    Persona(name="Expert", role_description="Knows the field and asks for exact figures, limits and exceptions."),
    Persona(name="Customer", role_description="Knows the product from using it and asks in everyday words."),
]


def read_feedback(path: Path, documents: Mapping[str, SourceDocument]) -> list[Sample]:
    """What `warrant feedback export` wrote as drafts; raises DatasetInvalid that names the line."""
    if path.is_dir():
        raise DatasetInvalid(
            f"{path} is a folder; write the ratings with `warrant feedback export --state {path} --out FILE` first."
        )
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetInvalid(f"The feedback {path} cannot be read: {error}.") from None
    return [_rated(path, number, line, documents) for number, line in enumerate(lines, 1) if line.strip()]


def verbatim(answer: str, texts: list[str]) -> list[str]:
    """The sentences of an answer that stand in one of the texts word for word."""
    sentences = [answer[unit.start : unit.end] for unit in units(answer)]
    return [sentence for sentence in sentences if any(sentence in text for text in texts)]


def _rated(path: Path, number: int, line: str, documents: Mapping[str, SourceDocument]) -> Sample:
    try:
        return Sample.model_validate(_drafted(json.loads(line), documents))
    except ValidationError as error:
        problem = problems_of(error)[0]
    except (ValueError, KeyError, TypeError) as error:
        problem = f"it has no {error}" if isinstance(error, KeyError) else f"it must be a JSON object ({error})"
    raise DatasetInvalid(f"{path}:{number}: this is no line of `warrant feedback export`: {problem}.")


def _drafted(fields: dict[str, Any], documents: Mapping[str, SourceDocument]) -> dict[str, Any]:
    """A rating as a sample: the quotes are what of a liked answer stands in a document word for word."""
    liked = fields["answerable"] is not None
    declined = "declined" in fields["tags"] or not fields["origin"]["answer"]
    named = fields["documents"] if fields["answerable"] else []
    note = LIKED if liked else DECLINED if declined else DISLIKED
    return {
        **fields,
        "answerable": bool(fields["answerable"]) if liked else not declined,
        "documents": named,
        "quotes": verbatim(fields["reference"] or "", [documents[name].text for name in named if name in documents]),
        "tags": [DRAFT, *fields["tags"]],
        "note": f"{note} {fields['note']}".strip(),
    }


def probes(documents: Iterable[SourceDocument]) -> list[Sample]:
    """A sample for each restricted document, that asks for it with every group but its own."""
    restricted = [document for document in documents if document.groups]
    everyone = {group for document in restricted for group in document.groups}
    return [
        Sample(
            id=f"access-{document.name.replace('/', '-')}"[:200],
            question=f"What does {document.title or document.name} say?",
            groups=tuple(sorted(everyone - set(document.groups))),
            answerable=False,
            withheld=(document.name,),
            tags=(DRAFT, "access"),
            cluster=document.name,
            note="draft: check that a caller with these groups may not read the document.",
        )
        for document in restricted
    ]


def generate(documents: Mapping[str, SourceDocument], count: int, config: JudgeConfig) -> list[Sample]:
    """At most `count` drafts; a question that the model fails to write is left out.

    To be called inside of the event loop that uses the judge. Raises JudgeInvalid where no question can be asked.
    """
    random.seed(0)
    chosen = choose_passages(documents.values(), PASSAGES_FOR_EACH * count)
    judge = CachedJudge(config)
    writer, embeddings = _Writer(judge, 0), Embeddings(scoring_vectors(config.settings.cores))
    generator = TestsetGenerator(writer, embeddings, persona_list=list(PERSONAS))  # type: ignore[arg-type]
    transforms = _transforms(writer, embeddings)
    try:
        # The executor is asked for, so that one question that fails does not lose the others.
        executor: Any = generator.generate_with_chunks(list(chosen), count, transforms, return_executor=True)
        executor.raise_exceptions = False
        made = executor.results()
    except (Unscored, ValueError) as error:
        raise JudgeInvalid(f"No questions could be written: {error}.") from error
    finally:
        judge.close()
    drafts = [_draft(each, chosen, documents) for each in made if hasattr(each, "user_input")]
    return list({draft.id: draft for draft in drafts}.values())


def choose_passages(documents: Iterable[SourceDocument], count: int) -> dict[str, str]:
    """Texts of passages and the documents that they are from: one of each document in turn, by a hash."""
    columns = [
        [(text, document.name) for text in shuffled(document.passages, str)]
        for document in shuffled(documents, lambda document: document.name)
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
        groups=tuple(dict.fromkeys(group for document in found for group in document.groups[:1])),
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
