"""A candidate answers beside production: unseen, off the request path, and never in its way."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from support import QUICK

import warrant
from graph.agent import Agent, open_agent
from graph.errors import RetrievalUnavailable
from graph.safety.sensitive import policy_of
from graph.settings import Settings
from graph.state import Question
from server.context import RequestContext
from server.observability.answer_store import AnswerStore
from server.observability.observers import QuestionRecord
from server.observability.shadow import QUEUE_SIZE, ShadowObserver
from server.releases.deployments import Deployment, ShadowCandidate, hash_fraction
from server.schemas import QuestionRequest
from server.sensitive import AnswerFilter
from server.settings import ServerSettings

HOTEL = Question(question="What is the hotel limit in the EU?")


class Kept:
    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.counts: list[str] = []

    def add_shadow(self, row: dict[str, Any]) -> None:
        self.rows.append(row)


class Broken:
    """An agent whose index is away."""

    deadline = 5.0

    async def items(self, question: Question) -> AsyncIterator[Any]:
        yield {"event": "error", "error": RetrievalUnavailable("away")}


@pytest.fixture
async def agent(quick_handbook: Path) -> Agent:
    return await open_agent(Settings(index=quick_handbook, threads=1), QUICK)


def record(agent: Any, name: str = "request-1", public: dict[str, Any] | None = None) -> QuestionRecord:
    submitted = QuestionRequest(question=HOTEL["question"])
    seen = AnswerFilter(policy_of([], {}))
    found = QuestionRecord(name, RequestContext(name), submitted, HOTEL, Deployment("", agent), 0.0, seen)
    found.public = public if public is not None else {"status": "answered", "text": "EUR 145 [1]"}
    return found


async def said_by(agent: Agent) -> str:
    """The agent's own answer to HOTEL."""
    state = await agent.graph.ainvoke(HOTEL)
    return str(state["answer"]["text"])


async def until(kept: Kept, count: int) -> None:
    async with asyncio.timeout(60):
        while len(kept.counts) < count:
            await asyncio.sleep(0.01)


@pytest.mark.anyio
async def test_a_candidate_answers_what_was_answered_and_its_answer_is_kept(agent: Agent) -> None:
    kept = Kept()
    shadow = ShadowObserver(kept, lambda: ShadowCandidate("7", agent, 1.0), kept.counts.append)
    async with shadow.run():
        shadow.question_started()
        shadow.question_ended(record(agent))
        await until(kept, 1)
    row = kept.rows[0]
    assert (row["request_id"], row["version"], row["status"], row["rung"]) == ("request-1", "7", "answered", "primary")
    assert json.loads(row["answered"])["text"] == await said_by(agent)
    assert row["ms"] > 0
    assert kept.counts == ["asked"]


@pytest.mark.anyio
async def test_it_waits_while_people_are_being_answered(agent: Agent) -> None:
    kept = Kept()
    shadow = ShadowObserver(kept, lambda: ShadowCandidate("7", agent, 1.0), kept.counts.append)
    async with shadow.run():
        shadow.question_started()
        shadow.question_started()
        shadow.question_ended(record(agent))
        await asyncio.sleep(0.3)
        assert kept.rows == []
        shadow.question_ended(record(agent, "request-2", {}))
        await until(kept, 2)


@pytest.mark.anyio
async def test_a_candidate_that_fails_harms_nobody_and_is_told(agent: Agent) -> None:
    kept = Kept()
    shadow = ShadowObserver(kept, lambda: ShadowCandidate("7", Broken(), 1.0), kept.counts.append)  # type: ignore[arg-type]
    async with shadow.run():
        shadow.question_ended(record(agent))
        shadow.question_ended(record(agent, "request-2"))
        await until(kept, 2)
    assert [row["status"] for row in kept.rows] == ["retrieval_unavailable"] * 2
    assert kept.counts == ["failed"] * 2


@pytest.mark.anyio
async def test_only_its_share_is_asked_and_always_the_same_questions(agent: Agent) -> None:
    kept = Kept()
    shadow = ShadowObserver(kept, lambda: ShadowCandidate("7", agent, 0.25), kept.counts.append)
    names = [f"request-{number}" for number in range(200)]
    for name in names:
        shadow.question_ended(record(agent, name))
    taken = [shadow._queue.get_nowait()[0] for _ in range(shadow._queue.qsize())]
    assert taken == [name for name in names if hash_fraction(name) < 0.25]
    assert 25 < len(taken) < 75


@pytest.mark.anyio
async def test_questions_without_an_answer_are_not_asked(agent: Agent) -> None:
    kept = Kept()
    shadow = ShadowObserver(kept, lambda: ShadowCandidate("7", agent, 1.0), kept.counts.append)
    failed = record(agent)
    failed.public = None
    shadow.question_ended(failed)
    assert shadow._queue.empty()


@pytest.mark.anyio
async def test_what_does_not_fit_into_the_queue_is_dropped_and_counted(agent: Agent) -> None:
    kept = Kept()
    shadow = ShadowObserver(kept, lambda: ShadowCandidate("7", agent, 1.0), kept.counts.append)
    for number in range(QUEUE_SIZE + 3):
        shadow.question_ended(record(agent, f"request-{number}"))
    assert kept.counts == ["dropped"] * 3


@pytest.mark.anyio
async def test_without_a_candidate_nothing_waits(agent: Agent) -> None:
    kept = Kept()
    shadow = ShadowObserver(kept, lambda: None, kept.counts.append)
    shadow.question_ended(record(agent))
    assert shadow._queue.empty()


@pytest.mark.anyio
async def test_both_answers_to_a_question_are_compared(
    agent: Agent, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with AnswerStore(ServerSettings(state=tmp_path)) as store:
        counts: list[str] = []
        shadow = ShadowObserver(store, lambda: ShadowCandidate("2", agent, 1.0), counts.append)
        async with shadow.run():
            said = await said_by(agent)
            for number, text in enumerate([said, said, "something else"]):
                answered = record(agent, f"request-{number}", {"status": "answered", "text": text, "version": "1"})
                answered.code, answered.ended = "answered", time.time()
                store.question_ended(answered)
                shadow.question_ended(answered)
            async with asyncio.timeout(60):
                while len(counts) < 3:
                    await asyncio.sleep(0.01)
    arguments = ["release", "compare", "v1", "v2", "--shadow", "--days", "1", "--state", str(tmp_path), "--json"]
    assert await asyncio.to_thread(warrant.main, arguments) in (0, None)
    report = json.loads(capsys.readouterr().out)
    assert report["questions"] == {"v1": 3, "v2": 3}
    assert report["same text"]["value"] == pytest.approx(200 / 3)
