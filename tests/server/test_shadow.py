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
from graph.settings import Settings
from graph.state import Question
from server.context import Request
from server.desk import Record
from server.releases.slots import Candidate, Slot, place_of
from server.schemas import Ask
from server.settings import ServerSettings
from server.shadow import WAITING, Shadow
from server.watching.diary import Diary

HOTEL = Question(question="What is the hotel limit in the EU?")


class Kept:
    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.counts: list[str] = []

    def keep_shadow(self, row: dict[str, Any]) -> None:
        self.rows.append(row)


class Broken:
    """An agent whose index is away."""

    deadline = 5.0

    async def items(self, question: Question) -> AsyncIterator[Any]:
        yield {"event": "error", "error": RetrievalUnavailable("away")}


@pytest.fixture
async def agent(quick_handbook: Path) -> Agent:
    return await open_agent(Settings(index=quick_handbook, threads=1), QUICK)


def record(agent: Any, name: str = "request-1", public: dict[str, Any] | None = None) -> Record:
    found = Record(name, Request(name), Ask(question=HOTEL["question"]), HOTEL, Slot("", agent), 0.0)
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
    shadow = Shadow(kept, lambda: Candidate("7", agent, 1.0), kept.counts.append)
    async with shadow.run():
        shadow.question_begun()
        shadow.observe(record(agent))
        await until(kept, 1)
    row = kept.rows[0]
    assert (row["request_id"], row["version"], row["status"], row["rung"]) == ("request-1", "7", "answered", "primary")
    assert json.loads(row["answered"])["text"] == await said_by(agent)
    assert row["ms"] > 0
    assert kept.counts == ["asked"]


@pytest.mark.anyio
async def test_it_waits_while_people_are_being_answered(agent: Agent) -> None:
    kept = Kept()
    shadow = Shadow(kept, lambda: Candidate("7", agent, 1.0), kept.counts.append)
    async with shadow.run():
        shadow.question_begun()
        shadow.question_begun()
        shadow.observe(record(agent))
        await asyncio.sleep(0.3)
        assert kept.rows == []
        shadow.observe(record(agent, "request-2", {}))
        await until(kept, 2)


@pytest.mark.anyio
async def test_a_candidate_that_fails_harms_nobody_and_is_told(agent: Agent) -> None:
    kept = Kept()
    shadow = Shadow(kept, lambda: Candidate("7", Broken(), 1.0), kept.counts.append)  # type: ignore[arg-type]
    async with shadow.run():
        shadow.observe(record(agent))
        shadow.observe(record(agent, "request-2"))
        await until(kept, 2)
    assert [row["status"] for row in kept.rows] == ["retrieval_unavailable"] * 2
    assert kept.counts == ["failed"] * 2


@pytest.mark.anyio
async def test_only_its_share_is_asked_and_always_the_same_questions(agent: Agent) -> None:
    kept = Kept()
    shadow = Shadow(kept, lambda: Candidate("7", agent, 0.25), kept.counts.append)
    names = [f"request-{number}" for number in range(200)]
    for name in names:
        shadow.observe(record(agent, name))
    taken = [shadow._waiting.get_nowait()[0] for _ in range(shadow._waiting.qsize())]
    assert taken == [name for name in names if place_of(name) < 0.25]
    assert 25 < len(taken) < 75


@pytest.mark.anyio
async def test_questions_without_an_answer_are_not_asked(agent: Agent) -> None:
    kept = Kept()
    shadow = Shadow(kept, lambda: Candidate("7", agent, 1.0), kept.counts.append)
    failed = record(agent)
    failed.public = None
    shadow.observe(failed)
    assert shadow._waiting.empty()


@pytest.mark.anyio
async def test_what_does_not_fit_into_the_queue_is_dropped_and_counted(agent: Agent) -> None:
    kept = Kept()
    shadow = Shadow(kept, lambda: Candidate("7", agent, 1.0), kept.counts.append)
    for number in range(WAITING + 3):
        shadow.observe(record(agent, f"request-{number}"))
    assert kept.counts == ["dropped"] * 3


@pytest.mark.anyio
async def test_without_a_candidate_nothing_waits(agent: Agent) -> None:
    kept = Kept()
    shadow = Shadow(kept, lambda: None, kept.counts.append)
    shadow.observe(record(agent))
    assert shadow._waiting.empty()


@pytest.mark.anyio
async def test_both_answers_to_a_question_are_compared(
    agent: Agent, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Diary(ServerSettings(state=tmp_path)) as diary:
        counts: list[str] = []
        shadow = Shadow(diary, lambda: Candidate("2", agent, 1.0), counts.append)
        async with shadow.run():
            said = await said_by(agent)
            for number, text in enumerate([said, said, "something else"]):
                live = record(agent, f"request-{number}", {"status": "answered", "text": text, "version": "1"})
                live.code, live.ended = "answered", time.time()
                diary.observe(live)
                shadow.observe(live)
            async with asyncio.timeout(60):
                while len(counts) < 3:
                    await asyncio.sleep(0.01)
    arguments = ["release", "compare", "v1", "v2", "--shadow", "--days", "1", "--state", str(tmp_path), "--json"]
    assert await asyncio.to_thread(warrant.main, arguments) in (0, None)
    told = json.loads(capsys.readouterr().out)
    assert told["questions"] == {"v1": 3, "v2": 3}
    assert told["same text"]["value"] == pytest.approx(200 / 3)
