"""The graph with its caches: who gets a kept answer, who must not, and what the first of equal questions does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support import QUICK, run_index

from graph.backend import Backend, Brief, Scope
from graph.builder import build_graph
from graph.caching.cache import Caches
from graph.connect import connect
from graph.errors import FilterInvalid, ModelFailed, RetrievalUnavailable
from graph.nodes import after_preprocess
from graph.release import Models, Release, Routing
from graph.settings import Settings
from graph.state import Answer, Passage, Question, State, Usage
from graph.stream_items import public_items
from graph.sync import Graph

PUBLIC = "The warranty of the Corrento pump is five years. It begins with the date of installation."
SECRET = "The goodwill warranty of the Corrento pump is nine years for partners of Orbexa."
GOOD = "The warranty of the Corrento pump is five years. [1]"
ASKED = Question(question="How long is the warranty of the Corrento pump?")
CHOSEN = QUICK.model_copy(
    update={
        "models": Models(simple="openai:small", complex="openai:small"),
        "routing": Routing(answer_from=0.0, read_from=0.0),
    }
)


class Author:
    """Writes what it is told, one reply a call; `held` keeps each back until it is let go."""

    name = "openai:small"

    def __init__(self, *replies: str | Exception, held: asyncio.Event | None = None) -> None:
        self.replies, self.held, self.begun = replies or (GOOD,), held, asyncio.Event()
        self.calls = 0

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        reply = self.replies[min(self.calls, len(self.replies) - 1)]
        self.calls += 1
        usage["calls"] += 1
        self.begun.set()
        if self.held:
            await self.held.wait()
        if isinstance(reply, Exception):
            raise reply
        yield reply


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("caching")
    records = [
        {"id": "public", "title": "Warranty", "text": PUBLIC, "metadata": {"region": "EU"}},
        {"id": "secret", "title": "Goodwill", "text": SECRET, "metadata": {"allowed_groups": ["partners"]}},
    ]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, records)), "utf-8")
    run_index(folder / "corpus.jsonl", folder / "store")
    return folder / "store"


async def world(store: Path, author: Author, release: Release = CHOSEN, **sizes: Any) -> Backend:
    """The embedded world with one author for every model."""
    opened = await connect(Settings(index=store, threads=1, **sizes), QUICK)
    return replace(opened, writers={**opened.writers, "openai:small": author})


async def told(graph: Graph, **changes: Any) -> Answer:
    answer: Answer = (await graph.ainvoke({**ASKED, **changes}))["answer"]
    return answer


def asked_twice(store: Path, author: Author, first: dict[str, Any], second: dict[str, Any], **sizes: Any) -> Any:
    async def run() -> tuple[Answer, Answer]:
        graph = build_graph(CHOSEN, await world(store, author, **sizes))
        return await told(graph, **first), await told(graph, **second)

    return asyncio.run(run())


def test_the_same_question_is_answered_from_the_cache(store: Path) -> None:
    author = Author()
    first, second = asked_twice(store, author, {}, {})
    assert (first["cached"], second["cached"], author.calls) == ([], ["answer"], 1)
    own = {"cached", "timings", "usage"}
    assert {k: v for k, v in second.items() if k not in own} == {k: v for k, v in first.items() if k not in own}
    assert (list(second["timings"]), second["usage"]["calls"]) == (["preprocess"], 0)


@pytest.mark.parametrize(
    "other",
    [
        {"groups": ["partners"]},
        {"filters": {"region": "EU"}},
        {"question": "How long is the warranty of the corrento pump?"},
        {"history": [{"role": "user", "content": "Hello there, pumps."}]},
    ],
    ids=str,
)
def test_what_may_have_another_answer_is_never_answered_from_the_cache(store: Path, other: dict[str, Any]) -> None:
    author = Author()
    for first, second in (({}, other), (other, {})):
        answers = asked_twice(store, author, first, second)
        assert [answer["cached"] for answer in answers] == [[], []] or answers[1]["cached"] != ["answer"]
    assert author.calls == 4


def test_a_caller_without_the_group_never_gets_what_the_group_was_told(store: Path) -> None:
    question = {"question": "How long is the goodwill warranty for partners of Orbexa?"}
    author = Author("The goodwill warranty of the Corrento pump is nine years. [1]", GOOD)
    inside, outside = asked_twice(store, author, {**question, "groups": ["partners"]}, question)
    assert "nine years" in inside["text"]
    assert "nine" not in json.dumps(outside)
    assert "secret" not in json.dumps(outside)


def test_the_order_of_groups_and_the_spaces_of_a_question_do_not_count(store: Path) -> None:
    first = {"groups": ["partners", "staff"]}
    second = {"groups": ["staff", "partners"], "question": "  " + ASKED["question"].replace(" ", "  ")}
    assert asked_twice(store, Author(), first, second)[1]["cached"] == ["answer"]


def test_another_filter_over_the_same_question_reuses_its_vector_only(store: Path) -> None:
    assert asked_twice(store, Author(), {}, {"filters": {"region": "EU"}})[1]["cached"] == ["embedding"]


def test_without_a_cache_of_answers_what_was_found_is_reused(store: Path) -> None:
    author = Author()
    first, second = asked_twice(store, author, {}, {}, cache_answers=0)
    assert (first["cached"], second["cached"], author.calls) == ([], ["retrieval"], 2)
    assert second["citations"] == first["citations"]


def test_without_caches_everything_is_done_again(store: Path) -> None:
    author = Author()
    first, second = asked_twice(store, author, {}, {}, cache_seconds=0)
    assert (first["cached"], second["cached"], author.calls) == ([], [], 2)


@pytest.mark.parametrize(
    "trouble",
    [
        ModelFailed("error", "the endpoint is away", transient=True),
        ModelFailed("timeout", "it took too long", transient=True),
        ModelFailed("content_policy", "refused"),
        "Nothing that any passage says. [1]",
    ],
    ids=lambda trouble: str(trouble)[:12],
)
def test_only_an_answer_of_the_first_rung_is_kept(store: Path, trouble: str | Exception) -> None:
    author = Author(trouble, trouble, GOOD)
    first, second = asked_twice(store, author, {}, {})
    assert first["rung"] != "primary" or first["status"] == "declined"
    assert "answer" not in second["cached"]


def test_a_decline_is_not_kept(store: Path) -> None:
    strict = CHOSEN.model_copy(update={"routing": Routing(read_from=1.0)})

    async def run() -> list[Answer]:
        graph = build_graph(strict, await world(store, Author()))
        return [await told(graph) for _ in range(2)]

    assert [(answer["status"], answer["cached"]) for answer in asyncio.run(run())] == [
        ("declined", []),
        ("declined", ["retrieval"]),
    ]


def test_what_a_caller_does_to_an_answer_reaches_nobody_else(store: Path) -> None:
    async def run() -> tuple[Answer, Answer]:
        graph = build_graph(CHOSEN, await world(store, Author()))
        first = await told(graph)
        for spoiled in (first, await told(graph)):
            spoiled["text"] = "spoiled"
            spoiled["citations"].clear()
        return first, await told(graph)

    spoiled, clean = asyncio.run(run())
    assert (clean["text"], len(clean["citations"]), clean["cached"]) == (GOOD, 1, ["answer"])
    assert spoiled["citations"] == []


def test_a_hit_streams_items_that_a_client_uses_like_any_other(store: Path) -> None:
    async def run() -> list[Any]:
        graph = build_graph(CHOSEN, await world(store, Author()))
        await told(graph)
        return [item async for item in public_items(graph, ASKED)]

    items = asyncio.run(run())
    assert [item["event"] for item in items] == ["status", "token", "citation", "final"]
    assert items[1]["text"] == items[3]["answer"]["text"] == GOOD
    assert [items[2]["citation"]] == items[3]["answer"]["citations"]


def test_a_filter_that_is_refused_is_refused_before_any_cache(store: Path) -> None:
    with pytest.raises(FilterInvalid, match="no column 'colour'"):
        asked_twice(store, Author(), {}, {"filters": {"colour": "red"}})


def test_the_last_turns_hit_does_not_end_the_next_turn() -> None:
    assert after_preprocess(State(cached=["answer"])) == "__end__"
    last_turns = State(cached=[], answer={"text": "of the last turn"})  # type: ignore[typeddict-item]
    assert after_preprocess(last_turns) == "retrieve"


def together(store: Path, author: Author, ways: int) -> list[Answer]:
    async def run() -> list[Answer]:
        assert author.held
        graph = build_graph(CHOSEN, await world(store, author))
        asking = [asyncio.create_task(told(graph)) for _ in range(ways)]
        await asyncio.wait_for(author.begun.wait(), 60)
        author.held.set()
        return await asyncio.gather(*asking)

    return asyncio.run(run())


def test_equal_questions_at_one_moment_are_answered_by_one(store: Path) -> None:
    author = Author(held=asyncio.Event())
    answers = together(store, author, 4)
    assert author.calls == 1
    assert sorted(answer["cached"] for answer in answers) == [[], ["answer"], ["answer"], ["answer"]]
    assert {answer["text"] for answer in answers} == {GOOD}


def test_those_who_waited_for_an_answer_that_is_not_kept_make_their_own(store: Path) -> None:
    author = Author(ModelFailed("content_policy", "refused"), GOOD, held=asyncio.Event())
    answers = together(store, author, 3)
    assert sorted(answer["rung"] for answer in answers).count("primary") == 2
    assert not any("answer" in answer["cached"] for answer in answers)


def cut_off(store: Path, leave: Any) -> tuple[Answer, int]:
    """The second of two equal questions, when `leave` ends the first while its author writes."""

    async def run() -> tuple[Answer, int]:
        author = Author(held=asyncio.Event())
        graph = build_graph(CHOSEN, await world(store, author))
        first = asyncio.create_task(leave(graph, author))
        await asyncio.wait_for(author.begun.wait(), 60)
        second = asyncio.create_task(told(graph))
        while not second.done() and author.calls < 2:
            if not first.done():
                first.cancel()
            await asyncio.sleep(0.01)
        assert author.held
        author.held.set()
        return await asyncio.wait_for(second, 30), author.calls

    return asyncio.run(run())


def test_the_first_may_be_cancelled_and_the_second_is_answered(store: Path) -> None:
    async def cancelled(graph: Graph, author: Author) -> None:
        await told(graph)

    answer, calls = cut_off(store, cancelled)
    assert (answer["text"], answer["cached"], calls) == (GOOD, ["retrieval"], 2)


def test_who_stops_reading_a_stream_does_not_keep_the_next_waiting(store: Path) -> None:
    async def run() -> Answer:
        graph = build_graph(CHOSEN, await world(store, Author()))
        async with aclosing(graph.astream(ASKED, stream_mode="values")) as chunks:  # type: ignore[type-var]
            async for chunk in chunks:
                if "standalone" in chunk:
                    break
        return await asyncio.wait_for(told(graph), 30)

    assert asyncio.run(run())["cached"] == []


def test_a_first_that_fails_does_not_fail_the_second(store: Path) -> None:
    class Away:
        """A retriever that fails once."""

        def __init__(self, real: Any) -> None:
            self.real, self.calls = real, 0
            self.snapshot, self.columns, self.lexicon = real.snapshot, real.columns, real.lexicon

        async def search(self, text: str, scope: Scope) -> list[Passage]:
            self.calls += 1
            if self.calls == 1:
                await asyncio.sleep(0)
                raise RetrievalUnavailable("The Snapshot does not answer.")
            found: list[Passage] = await self.real.search(text, scope)
            return found

    async def run() -> tuple[Answer | BaseException, Answer | BaseException]:
        backend = await world(store, Author())
        graph = build_graph(CHOSEN, replace(backend, retriever=Away(backend.retriever)))
        return await asyncio.gather(told(graph), told(graph), return_exceptions=True)

    first, second = asyncio.run(run())
    assert isinstance(first, RetrievalUnavailable)
    assert isinstance(second, dict)
    assert second["text"] == GOOD


def test_a_world_without_a_lexicon_answers(store: Path) -> None:
    class Plain:
        def __init__(self, real: Any) -> None:
            self.snapshot, self.columns, self.search, self.lexicon = real.snapshot, real.columns, real.search, None

    async def run() -> Answer:
        backend = await world(store, Author())
        graph = build_graph(CHOSEN, replace(backend, retriever=Plain(backend.retriever), caches=Caches()))
        return await told(graph)

    answer = asyncio.run(run())
    assert (answer["status"], answer["text"], answer["language"]) == ("answered", GOOD, "en")
