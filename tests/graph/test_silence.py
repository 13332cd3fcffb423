"""What a caller gets says nothing of documents that it may not see, nor of what other callers asked."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from support import QUICK, run_index

from graph.agent import Agent, open_agent
from graph.settings import Settings
from graph.state import Answer, Question
from server.schemas import public_answer

PUBLIC = {
    "pump": "The warranty of the Corrento pump is five years. It begins with the date of installation.",
    "valve": "The Kesta valve is serviced every two years. Its seals are replaced by a technician.",
    "leave": "Employees have thirty days of leave. Unused days are carried over until March.",
    "travel": "Hotels cost at most EUR 120 a night. Trains are booked in second class.",
    "tank": "The tank holds 80 litres. A warranty of the tank needs a yearly inspection of its seals.",
}
OWN = {"plant": "The plant at Brumholt makes valves. Its warranty desk answers within two days."}
CLOSED = {
    "takeover": "The takeover of Nordwik Corretno closes in May. Warranty warranty of seals, pumps and leave.",
    "layoffs": "Layoffs at Brumholt begin in June: technicians, hotels, trains, tank, seals, litres of leave.",
}
QUESTIONS = (
    "How long is the warranty of the Corretno pump?",
    "When does the takeover of Nordwik close?",
    "Are there layoffs at Brumholtt?",
    "How often is the Kesta valve serviced?",
    "How many days of leave do employees have?",
    "What does the warranty of the tank need?",
    "warranty seals technician litres",
    "Who replaces the seals of the tank and the valve, and how much is a hotel?",
)
TOLD = (
    "text",
    "status",
    "confidence",
    "citations",
    "missing",
    "unanswered",
    "cached",
    "nearest",
    "asked",
    "parts",
    "route",
)


def indexed(folder: Path, closed: dict[str, str]) -> Path:
    folder.mkdir()
    groups = {"allowed_groups": ["sales"]}, {"allowed_groups": ["board"]}
    records = [
        *({"id": name, "text": text} for name, text in PUBLIC.items()),
        *({"id": name, "text": text, "metadata": groups[0]} for name, text in OWN.items()),
        *({"id": name, "text": text, "metadata": groups[1]} for name, text in closed.items()),
    ]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, records)), "utf-8")
    run_index(folder / "corpus.jsonl", folder / "store")
    return folder / "store"


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed(tmp_path_factory.mktemp("silence") / "without", {})


@pytest.fixture(scope="module")
def within(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return indexed(tmp_path_factory.mktemp("silence") / "with", CLOSED)


async def opened(store: Path) -> Agent:
    return await open_agent(Settings(index=store, threads=1), QUICK)


async def told(agent: Agent, question: str, groups: list[str], caller: str = "ann") -> dict[str, Any]:
    asked = Question(question=question, groups=groups, caller=caller)
    answer: Answer = (await agent.graph.ainvoke(asked))["answer"]
    public = public_answer(answer, "id", "", "")
    return {name: public[name] for name in TOLD}


@pytest.mark.parametrize("groups", [[], ["sales"], ["other"]], ids=str)
def test_documents_that_a_caller_may_not_see_change_nothing(without: Path, within: Path, groups: list[str]) -> None:
    async def answers(store: Path, *, board_first: bool) -> list[str]:
        agent = await opened(store)
        if board_first:
            for question in QUESTIONS:
                await told(agent, question, ["board"], "chair")
        return [json.dumps(await told(agent, question, groups)) for question in (*QUESTIONS, *QUESTIONS)]

    assert asyncio.run(answers(within, board_first=True)) == asyncio.run(answers(without, board_first=False))


def test_what_is_found_is_scored_the_same_whatever_others_may_see(without: Path, within: Path) -> None:
    async def scores(store: Path) -> list[Any]:
        agent = await opened(store)
        found = [await agent.search(question, {}, ["sales"], 20) for question in QUESTIONS]
        return [[(each["id"], each["score"], each["lexical"], each["vector"]) for each in one] for one in found]

    assert asyncio.run(scores(within)) == asyncio.run(scores(without))


def test_who_may_see_a_document_finds_it_by_its_words(within: Path) -> None:
    async def run() -> tuple[dict[str, Any], dict[str, Any]]:
        agent = await opened(within)
        question = "When does the takeover of Nordwik Corretno close?"
        return await told(agent, question, ["board"]), await told(agent, question, ["sales"])

    theirs, outside = asyncio.run(run())
    assert ("May" in theirs["text"], theirs["missing"]) == (True, [])
    assert (outside["status"], outside["missing"]) == ("declined", ["Nordwik Corretno"])


def test_a_cache_tells_of_one_s_own_questions_alone(within: Path) -> None:
    async def run() -> list[list[str]]:
        agent = await opened(within)
        callers = ("ann", "ann", "bob", "bob")
        return [(await told(agent, QUESTIONS[3], [], caller))["cached"] for caller in callers]

    assert asyncio.run(run()) == [[], ["answer"], [], ["answer"]]
