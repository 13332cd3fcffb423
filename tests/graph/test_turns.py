"""Turns of a conversation in the compiled graph: what is searched for them, by which words and after what was said."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from support import passage_of

from benchmarks.halfway import state_after
from graph.backends import Backend, Scope
from graph.builder import build_graph
from graph.caching.cache import Caches, Copies
from graph.models.writers import ExtractiveWriter
from graph.question.conversation import HEARD_WEIGHT, TOPIC_WEIGHT
from graph.release import Release
from graph.state import Passage, Question, Turn

SAID = "How long is the warranty of the Corrento pump?"
FAN = "The warranty of the fan is two years."
PUMP = "The warranty of the pump is five years."


def passage(text: str, score: float) -> Passage:
    return passage_of(text, id=text, document=text, score=score)


@dataclass
class Shelf:
    """Finds the fan by words; listening, it finds the pump."""

    snapshot: str = "snap"
    columns: dict[str, Any] = field(default_factory=dict)
    lexicon: Any = None
    searched: list[str] = field(default_factory=list)
    listened: list[tuple[str, str, Scope]] = field(default_factory=list)

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        self.searched.append(text)
        return [passage(FAN, 1.0)]

    async def listen(self, text: str, heard: str, scope: Scope) -> list[Passage]:
        self.listened.append((text, heard, scope))
        return [passage(PUMP, 0.5)]


class Alike:
    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        return [0.9] * len(others)


def world(shelf: Shelf, *, listens: bool = True, keep: int = 0) -> Backend:
    caches, listener = Caches(retrieval=Copies(keep, 60.0)), shelf if listens else None
    return Backend(shelf, Alike(), {"extractive": ExtractiveWriter(2)}, caches, listener=listener)


def turn(said: str = SAID) -> Question:
    return Question(question="How long is it?", history=[Turn(role="user", content=said)], groups=["staff"])


def found(backend: Backend, *questions: Question) -> list[list[Passage]]:
    graph = build_graph(Release(), backend)

    async def ask() -> list[list[Passage]]:
        return [(await state_after(graph, "retrieve", question))["candidates"] for question in questions]

    return asyncio.run(ask())


def test_a_turn_is_sought_alone_with_its_topic_and_by_what_it_means_after_what_was_said() -> None:
    shelf = Shelf()
    [candidates] = found(world(shelf), turn())
    assert shelf.searched == ["How long is it? (warranty Corrento pump)", "How long is it?"]
    assert shelf.listened == [("How long is it?", SAID, Scope({}, ["staff"], Release().retrieval.pool))]
    whole = 1 + TOPIC_WEIGHT + HEARD_WEIGHT
    scores = {each["text"]: each["score"] for each in candidates}
    assert scores == {FAN: (1 + TOPIC_WEIGHT) / whole, PUMP: HEARD_WEIGHT * 0.5 / whole}


def test_where_a_turn_means_the_same_whatever_was_said_its_words_alone_are_sought() -> None:
    shelf = Shelf()
    [candidates] = found(world(shelf, listens=False), turn())
    assert (len(shelf.searched), shelf.listened) == (2, [])
    assert [(each["text"], each["score"]) for each in candidates] == [(FAN, 1.0)]


def test_a_question_that_stands_alone_is_not_listened_to() -> None:
    shelf = Shelf()
    found(world(shelf), Question(question=SAID))
    assert (shelf.searched, shelf.listened) == ([SAID], [])


def test_what_was_found_is_kept_for_the_same_turn_after_the_same_words_alone() -> None:
    shelf = Shelf()
    backend = world(shelf, keep=100)
    found(backend, turn(), turn(), turn(f"{SAID} Tell me."))
    assert [heard for _, heard, _ in shelf.listened] == [SAID, f"{SAID} Tell me."]
