"""One question, one answer: through every API, and on the command line, the same text and the same citations."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from langserve import RemoteRunnable
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from server_under_test import key_file, opening, serving
from support import QUICK

from graph.cli.ask import ask as ask_command
from server.app import assemble
from server.releases.deployments import Deployments
from server.settings import ServerSettings

KEY = {"authorization": "Bearer key-of-hanna"}
CITED = ("marker", "file", "page", "start", "end", "quote", "verdict")
Question = dict[str, Any]
Answer = dict[str, Any]
Remote = RemoteRunnable[Question, Any]
QUESTIONS: dict[str, Question] = {
    "simple": {"question": "After how many years do I get a new laptop?"},
    "short": {"question": "hotel limit EU"},
    "two documents": {"question": "After how many years are laptops replaced and what is the hotel limit in the EU?"},
    "partial": {"question": "After how many years are laptops replaced, and what is the hotel limit in Zanzibar?"},
    "paged": {"question": "What precharge does the expansion vessel of the heat pump need?"},
    "declined": {"question": "Do penguins like music?"},
    "courtesy": {"question": "Thank you!"},
    "filtered": {
        "question": "How long is the warranty on the pump?",
        "filters": {"region": "US", "product_line": "Corrento"},
    },
    "restricted": {"question": "What is the midpoint of salary band T4?"},
}


@pytest.fixture(scope="module")
def url(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server without caches, so that each API has the question answered anew; hanna is in the group hr."""
    state = tmp_path_factory.mktemp("contract")
    settings = ServerSettings(state=state, keys=key_file(state / "keys.yaml", hanna__hr="key-of-hanna"))
    deployments = Deployments(opening(quick_handbook, QUICK, cache_answers=0, cache_retrieval=0, cache_embeddings=0))
    with serving(assemble(settings, deployments)) as address:
        yield address


@pytest.fixture(scope="module")
def answer_of(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Question], Answer]:
    """What `warrant ask --json` prints."""
    release = tmp_path_factory.mktemp("release") / "release.yaml"
    release.write_text(json.dumps(QUICK.model_dump(mode="json")), "utf-8")

    def command(question: Question) -> Answer:
        options = [f"--filter={name}={value}" for name, value in question.get("filters", {}).items()]
        arguments = ["-i", str(quick_handbook), "-r", str(release), "--group", "hr", "--json", *options]
        done = CliRunner().invoke(ask_command, [question["question"], *arguments], catch_exceptions=False)
        answer: Answer = json.loads(done.stdout)
        return answer

    return command


@pytest.fixture(scope="module")
def expected(answer_of: Callable[[Question], Answer]) -> dict[str, Answer]:
    return {kind: answer_of(question) for kind, question in QUESTIONS.items()}


def by_invoke(url: str, question: Question) -> Answer:
    remote: Remote = RemoteRunnable(f"{url}/rag", headers=KEY)
    answer: Answer = remote.invoke(question)
    return answer


def by_stream(url: str, question: Question) -> Answer:
    remote: Remote = RemoteRunnable(f"{url}/rag", headers=KEY)
    *before, last = remote.stream(question)
    assert [item["citation"] for item in before if item["event"] == "citation"] == last["answer"]["citations"]
    answer: Answer = last["answer"]
    return answer


def by_mcp(url: str, question: Question) -> Answer:
    async def call() -> Answer:
        async with (
            httpx.AsyncClient(headers=KEY, timeout=60) as http,
            streamable_http_client(f"{url}/mcp", http_client=http) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            answer = (await session.call_tool("ask", question)).structuredContent
            assert answer is not None
            return answer

    return asyncio.run(call())


def by_chat(url: str, question: Question) -> Answer:
    body = {"model": "warrant", "messages": [{"role": "user", "content": question["question"]}]}
    reply = _posted(f"{url}/v1/chat/completions", body, question)
    assert reply["choices"][0]["message"]["content"] == reply["warrant"]["text"]
    answer: Answer = reply["warrant"]
    return answer


def by_responses(url: str, question: Question) -> Answer:
    reply = _posted(f"{url}/v1/responses", {"model": "warrant", "input": question["question"]}, question)
    message = next(each for each in reply["output"] if each["type"] == "message")
    assert "".join(part["text"] for part in message["content"]) == reply["warrant"]["text"]
    answer: Answer = reply["warrant"]
    return answer


def _posted(url: str, body: dict[str, Any], question: Question) -> dict[str, Any]:
    """A reply of the OpenAI routes; filters go along under `warrant`, where OpenAI's clients put an extra_body."""
    if "filters" in question:
        body["warrant"] = {"filters": question["filters"]}
    reply = httpx.post(url, json=body, headers=KEY, timeout=60)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


APIS = {"invoke": by_invoke, "stream": by_stream, "mcp": by_mcp, "chat": by_chat, "responses": by_responses}


@pytest.mark.parametrize("kind", QUESTIONS)
@pytest.mark.parametrize("api", APIS)
def test_every_api_gives_what_the_command_line_gives(
    url: str, expected: dict[str, Answer], api: str, kind: str
) -> None:
    answer = APIS[api](url, QUESTIONS[kind])
    assert seen(answer) == seen(expected[kind])
    assert answer["cached"] == []


def seen(answer: Answer) -> tuple[str, str, str | None, list[str], list[str], list[tuple[Any, ...]]]:
    cited = [tuple(citation[name] for name in CITED) for citation in answer["citations"]]
    return answer["text"], answer["status"], answer["reason"], answer["unanswered"], answer["missing"], cited


def test_the_questions_are_of_the_kinds_that_they_are_said_to_be(expected: dict[str, Answer]) -> None:
    declined = {kind: answer["reason"] for kind, answer in expected.items() if answer["status"] == "declined"}
    assert declined == {"declined": "no_evidence", "courtesy": "courtesy"}
    assert {kind for kind, answer in expected.items() if not answer["citations"]} == declined.keys()
    assert {citation["file"] for citation in expected["filtered"]["citations"]} == {
        "handbook/warranty/corrento-warranty-us.pdf"
    }
    assert len({citation["file"] for citation in expected["two documents"]["citations"]}) > 1
    assert expected["partial"]["status"] == "partial"
    assert expected["partial"]["unanswered"] == ["What is the hotel limit in Zanzibar?"]
    assert expected["paged"]["citations"][0]["page"]
    assert expected["restricted"]["citations"][0]["file"] == "handbook/hr/salary-bands.docx"
