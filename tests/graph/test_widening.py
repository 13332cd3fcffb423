"""The steps that fold, split and search again, in the compiled graph over a small library."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import pytest
from support import passage_of

from graph.backend import Backend, Scope
from graph.builder import build_graph
from graph.models.writers import ExtractiveWriter
from graph.release import Release, Reranking, Retrieval
from graph.state import Answer, Passage, Question, Turn

PUMP = "The warranty of the Corrento pump is five years."
FEE = "A late delivery of the Brisel fan costs a fee of 40 euros."
NOISE = [f"Garden number {number} has roses, lilies and oak trees." for number in range(8)]
JOINED = "How long is the Corrento warranty and how much does a late Brisel delivery cost?"
HISTORY: list[Turn] = [{"role": "user", "content": "How long is the warranty of the Corrento pump?"}]


def passage(text: str, title: str, score: float) -> Passage:
    whole = dict.fromkeys(("id", "document", "file", "title"), title)
    return passage_of(text, **whole, score=score, lexical=score, vector=score)


@dataclass
class Library:
    """Finds the passages of the first name that a text holds, and the same noise after them."""

    shelves: dict[str, list[str]]
    asked: list[str] = field(default_factory=list)
    snapshot: str = "snap"
    columns: dict[str, Any] = field(default_factory=dict)
    lexicon: Any = None

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        self.asked.append(text)
        name = next((name for name in self.shelves if name in text), "")
        texts = [*self.shelves.get(name, []), *NOISE]
        return [passage(each, f"{name} {number}", 1 - number / 20) for number, each in enumerate(texts)]


class Alike:
    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        return [0.9] * len(others)


def world(library: Library) -> Backend:
    return Backend(library, Alike(), {"extractive": ExtractiveWriter()})


def ask(library: Library, question: Question, release: Release | None = None) -> Answer:
    graph = build_graph(release or Release(), world(library))
    answer: Answer = asyncio.run(graph.ainvoke(question))["answer"]
    return answer


def routed(library: Library, question: str) -> dict[str, Any]:
    """What the route step leaves in the state."""

    async def run() -> dict[str, Any]:
        graph: Any = build_graph(Release(), world(library))
        async with aclosing(graph.astream(Question(question=question), stream_mode="updates")) as updates:
            found = [update["route"] async for update in updates if "route" in update]
        return dict(found[0])

    return asyncio.run(run())


def test_a_joined_question_is_searched_part_by_part_and_says_so() -> None:
    library = Library({"Corrento": [PUMP], "Brisel": [FEE]})
    answer = ask(library, Question(question=JOINED))
    parts = ["How long is the Corrento warranty?", "How much does a late Brisel delivery cost?"]
    assert (answer["route"], answer["parts"], answer["asked"]) == ("complex", parts, JOINED)
    assert library.asked[:3] == [JOINED, *parts]


def test_a_part_that_the_documents_do_not_answer_is_named_and_the_answer_is_partial() -> None:
    answer = ask(Library({"Corrento": [PUMP]}), Question(question=JOINED))
    left = "How much does a late Brisel delivery cost?"
    assert (answer["status"], [citation["quote"] for citation in answer["citations"]]) == ("partial", [PUMP])
    assert (answer["unanswered"], answer["missing"]) == ([left], ["Brisel"])
    assert answer["text"] == f"{PUMP} [1]\n\nNo answer was found to: {left}"


def test_where_no_part_is_answered_the_question_is_declined_with_all_of_them() -> None:
    answer = ask(Library({}), Question(question=JOINED))
    assert (answer["status"], answer["unanswered"]) == ("declined", answer["parts"])
    assert answer["missing"] == ["Corrento", "Brisel"]


def test_every_part_keeps_passages_in_the_budget() -> None:
    found = routed(Library({"Corrento": [PUMP], "Brisel": [FEE]}), JOINED)
    assert {PUMP, FEE} <= {each["text"] for each in found["passages"]}
    assert len(found["passages"]) == Reranking().passages


def test_every_part_is_quoted_from_a_passage_of_its_own() -> None:
    found = routed(Library({"Corrento": [PUMP], "Brisel": [FEE]}), JOINED)
    texts = [each["text"] for each in found["passages"]]
    quotes = [(each["text"], texts[each["passage"]]) for each in found["selection"]["quotes"]]
    assert quotes == [(PUMP, PUMP), (FEE, FEE)]
    assert found["selection"]["unanswered"] == []


def test_a_simple_question_is_searched_once_and_has_no_parts() -> None:
    library = Library({"Corrento": [PUMP]})
    answer = ask(library, Question(question="How long is the Corrento warranty?"))
    assert (answer["route"], answer["parts"]) == ("simple", [])
    assert library.asked == ["How long is the Corrento warranty?"]


def test_a_question_for_what_is_worked_out_goes_to_the_larger_model_without_another_search() -> None:
    library = Library({"Corrento": [PUMP]})
    question = "Is the warranty of the Corrento pump longer than that of the Brisel fan?"
    answer = ask(library, Question(question=question))
    assert (answer["route"], answer["parts"], library.asked) == ("complex", [], [question])


def test_a_turn_is_searched_with_and_without_the_topic_and_shown_with_it() -> None:
    library = Library({"Corrento": [PUMP]})
    answer = ask(library, Question(question="When does it begin?", history=HISTORY))
    assert answer["asked"] == "When does it begin? (warranty Corrento pump)"
    assert library.asked[:2] == ["When does it begin? (warranty Corrento pump)", "When does it begin?"]


def test_both_searches_of_a_turn_count() -> None:
    # Only the search with the topic finds the pump; the other one finds roses and nothing else.
    library = Library({"Corrento": [PUMP]})
    answer = ask(library, Question(question="How long is it?", history=HISTORY))
    assert [citation["quote"] for citation in answer["citations"]] == [PUMP]


@pytest.mark.parametrize("words", ["Thank you!", "ok great"])
def test_a_courtesy_is_declined_without_a_search(words: str) -> None:
    library = Library({})
    answer = ask(library, Question(question=words, history=HISTORY))
    assert (answer["status"], answer["reason"], library.asked) == ("declined", "courtesy", [])
    assert answer["detail"] == "It asks for nothing that could be looked up."
    assert answer["text"] == Release().prompts.courtesy.strip()


def test_what_both_searches_find_half_way_beats_what_one_of_them_finds_first() -> None:
    class Shared(Library):
        async def search(self, text: str, scope: Scope) -> list[Passage]:
            self.asked.append(text)
            return [passage(NOISE[0], f"first for {text}", 1.0), passage(PUMP, "shared", 0.9)]

    question = Question(question="How long is it?", history=HISTORY)
    answer = ask(Shared({}), question, Release(retrieval=Retrieval(keep=1)))
    assert [citation["quote"] for citation in answer["citations"]] == [PUMP]
