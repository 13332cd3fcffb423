"""Asks a few questions of a release before and after it was logged, and compares."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import mlflow

from ..agent import Agent
from ..errors import PackageBroken
from .logged import open_logged
from .logging import tracking
from .packing import Packed

WORDS = 12
"""Common words by which documents are found to ask about."""
COMPARED = ("text", "status", "citations", "release", "snapshot")


@dataclass(frozen=True)
class Difference:
    """A question that is answered otherwise once the release was logged."""

    question: str
    before: str
    after: str


async def some_questions(agent: Agent, most: int) -> list[str]:
    """Questions about documents that everybody may see, found by their commonest words; raises PackageBroken."""
    lexicon = agent.backend.retriever.lexicon
    titles: dict[str, None] = {}
    for word in lexicon.commonest(WORDS) if lexicon else []:
        found = await agent.search(word, {}, [], 1)
        titles.update({passage["title"]: None for passage in found})
    if not titles:
        raise PackageBroken("The Snapshot has nothing that everybody may see; name a question with --question.")
    return [f"What does {title} say?" for title in list(titles)[:most]]


def answers_before(packed: Packed, questions: Sequence[str]) -> list[dict[str, Any]]:
    """What the package answers before it is logged."""
    graph = open_logged(packed.root)
    return [graph.invoke({"question": question}) for question in questions]


def differences(
    uri: str, model_uri: str, questions: Sequence[str], before: Iterable[dict[str, Any]]
) -> list[Difference]:
    """Where the logged model, loaded anew as any user of MLflow does, answers otherwise."""
    with tracking(uri):
        after = mlflow.pyfunc.load_model(model_uri).predict([{"question": question} for question in questions])
    pairs = zip(questions, map(_compared, before), map(_compared, after), strict=True)
    return [Difference(question, str(was), str(now)) for question, was, now in pairs if was != now]


def _compared(reply: dict[str, Any]) -> Any:
    answer = reply["answer"]
    return {name: answer[name] for name in COMPARED} if answer else reply["error"]
