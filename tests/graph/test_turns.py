"""Turns of a conversation in the compiled graph: what is searched for them, and by which words."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from graph.question.conversation import TOPIC_WEIGHT
from support import passage_of

from benchmarks.halfway import state_after
from graph.backends import Backend, Scope
from graph.backends.writers import ExtractiveWriter
from graph.builder import build_graph
from graph.caching.cache import Caches, Copies
from graph.finding.searching import DEPTH
from graph.release import Release
from graph.state import Passage, Question, Turn

SAID = "How long is the warranty of the Corrento pump?"
FAN = "The warranty of the fan is two years."
PUMP = "The warranty of the pump is five years."
KEEP = Release().retrieval.keep


def passage(text: str, score: float) -> Passage:
    return passage_of(text, id=text, document=text, score=score)


@dataclass
class Shelf:
    """Finds the fan, and the pump too where it is named."""

    snapshot: str = "snap"
    columns: dict[str, Any] = field(default_factory=dict)
    lexicon: Any = None
    searched: list[tuple[str, Scope]] = field(default_factory=list)

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        self.searched.append((text, scope))
        return [passage(FAN, 1.0), *([passage(PUMP, 0.5)] if "pump" in text else [])]


class Alike:
    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        return [0.9] * len(others)


def world(shelf: Shelf, *, keep: int = 0) -> Backend:
    caches = Caches(retrieval=Copies(keep, 60.0))
    return Backend(shelf, Alike(), {"extractive": ExtractiveWriter(2)}, caches)


def turn(said: str = SAID) -> Question:
    return Question(question="How long is it?", history=[Turn(role="user", content=said)], groups=["staff"])


def found(backend: Backend, *questions: Question) -> list[list[Passage]]:
    graph = build_graph(Release(), backend)

    async def ask() -> list[list[Passage]]:
        return [(await state_after(graph, "retrieve", question))["candidates"] for question in questions]

    return asyncio.run(ask())


def test_a_turn_is_searched_with_its_topic_and_alone() -> None:
    shelf = Shelf()
    [candidates] = found(world(shelf), turn())
    scope = Scope({}, ["staff"], Release().retrieval.pool, DEPTH * KEEP)
    assert shelf.searched == [("How long is it? (warranty Corrento pump)", scope), ("How long is it?", scope)]
    scores = {each["text"]: each["score"] for each in candidates}
    assert scores == {FAN: 1.0, PUMP: TOPIC_WEIGHT * 0.5 / (1 + TOPIC_WEIGHT)}


def test_for_a_question_that_stands_alone_no_more_is_read_than_is_kept() -> None:
    shelf = Shelf()
    found(world(shelf), Question(question=SAID))
    assert shelf.searched == [(SAID, Scope({}, [], Release().retrieval.pool, KEEP))]


def test_what_was_found_is_kept_for_the_same_turn_on_the_same_topic_alone() -> None:
    shelf = Shelf()
    found(world(shelf, keep=100), turn(), turn(), turn("How long is the warranty of the fan?"))
    topics = ["How long is it? (warranty Corrento pump)", "How long is it?", "How long is it? (warranty fan)"]
    assert [text for text, _ in shelf.searched] == topics
