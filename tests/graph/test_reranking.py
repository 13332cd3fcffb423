"""The compiled graph with rerankers: what they are asked, what their order changes, and how their trouble is told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from support import passage_of

from graph.backend import Backend, Brief, Ranked, Scope
from graph.builder import build_graph
from graph.caching.cache import Caches, JsonCache
from graph.release import Generation, Models, Release, Reranking
from graph.state import Answer, Passage, Question, Turn, Usage

PUMP = "The warranty of the Corrento pump is five years."
FAN = "The warranty of the Brisel fan is two years."
QUESTION = "How long is the warranty of the Corrento pump?"
JOINED = "How long is the warranty of the Corrento pump and how long is the warranty of the Brisel fan?"
RELEASE = Release(models=Models(simple="openai:m", complex="openai:m"))


def passage(text: str, score: float) -> Passage:
    named = dict.fromkeys(("id", "document", "file"), text)
    return passage_of(text, **named, title="Fees", score=score, lexical=score, vector=score)


@dataclass
class Shelf:
    """Finds the fan before the pump."""

    snapshot: str = "snap"
    columns: dict[str, Any] = field(default_factory=dict)
    lexicon: Any = None

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        return [passage(FAN, 1.0), passage(PUMP, 0.4)]


class Same:
    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        return [0.9 for _ in others]


@dataclass
class Reader:
    """A writer that cites its first passage and remembers what it was given."""

    name: str = "openai:m"
    given: list[list[str]] = field(default_factory=list)

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        self.given.append([each["text"] for each in brief.passages])
        yield f"{brief.passages[0]['text']} [1]"


@dataclass
class Holding:
    """Ranks passages that hold a word first, in trouble or not, and remembers what it was asked."""

    word: str = "Corrento"
    trouble: str = ""
    asked: list[tuple[list[str], list[str], float]] = field(default_factory=list)

    async def rank(self, readings: Sequence[str], passages: Sequence[Passage], seconds: float) -> Ranked:
        self.asked.append((list(readings), [each["text"] for each in passages], seconds))
        return Ranked([float(self.word in each["text"]) for each in passages], self.trouble)


def ask(reranker: Holding | None, release: Release = RELEASE, text: str = QUESTION) -> tuple[Answer, Reader, Caches]:
    reader, caches = Reader(), Caches(answers=JsonCache(10, 60.0))
    world = Backend(Shelf(), Same(), {"openai:m": reader, "extractive": reader}, caches, reranker=reranker)
    answer: Answer = asyncio.run(build_graph(release, world).ainvoke({"question": text}))["answer"]
    return answer, reader, caches


def test_the_writer_is_given_the_passages_in_the_rerankers_order() -> None:
    answer, reader, _ = ask(Holding())
    assert reader.given == [[PUMP, FAN]]
    assert answer["citations"][0]["quote"] == PUMP


def test_without_a_reranker_the_fused_order_stands() -> None:
    assert ask(None)[1].given == [[FAN, PUMP]]


def test_the_reranker_is_asked_the_question_with_the_candidates_and_the_releases_seconds() -> None:
    reranker = Holding()
    ask(reranker)
    assert reranker.asked == [([QUESTION], [FAN, PUMP], 3.0)]


def test_a_turn_of_a_conversation_is_ranked_by_its_topic_and_by_what_it_says_itself() -> None:
    reranker = Holding()
    world = Backend(Shelf(), Same(), {"extractive": Reader()}, reranker=reranker)
    turn = Question(question="How long is it?", history=[Turn(role="user", content=QUESTION)])
    asyncio.run(build_graph(Release(), world).ainvoke(turn))
    assert reranker.asked[0][0] == ["How long is it? (warranty Corrento pump)", "How long is it?"]


def test_what_the_reranker_puts_last_is_what_is_not_kept() -> None:
    release = RELEASE.model_copy(update={"reranking": Reranking(passages=1)})
    assert ask(Holding(), release)[1].given == [[PUMP]]


def test_a_reranker_gets_no_more_than_half_of_what_is_left_of_the_deadline() -> None:
    reranker = Holding()
    ask(reranker, RELEASE.model_copy(update={"generation": Generation(deadline=4.0)}))
    assert 1.0 < reranker.asked[0][2] <= 2.0


def test_the_answer_tells_of_the_rerankers_trouble_and_is_not_kept() -> None:
    answer, _, caches = ask(Holding(trouble="the reranker could not be asked: far: 503"))
    assert (answer["status"], answer["reason"]) == ("answered", None)
    assert answer["detail"] == "the reranker could not be asked: far: 503"
    assert len(caches.answers) == 0


def test_an_answer_without_trouble_has_no_detail_and_is_kept() -> None:
    answer, _, caches = ask(Holding())
    assert (answer["detail"], len(caches.answers)) == (None, 1)


@pytest.mark.parametrize("trouble", ["", "far: 503"])
def test_each_part_of_a_complex_question_is_ranked_for_itself_and_trouble_is_told_once(trouble: str) -> None:
    reranker = Holding(trouble=trouble)
    answer, _, _ = ask(reranker, RELEASE, JOINED)
    assert {question for [question], _, _ in reranker.asked} >= {JOINED, *answer["parts"]}
    assert len(answer["parts"]) == 2
    assert answer["detail"] == (trouble or None)
