"""/mcp by the official client: two tools, the same checks as in every other API."""

import http.client
import json
import logging
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import anyio
import httpx
import pytest
from mcp import McpError, types
from mcp_under_test import call, structured, talking
from server_under_test import app_over, key_file, scripted, serving, until, wait_until_begun
from support import QUICK

pytestmark = pytest.mark.anyio
HOTEL = {"question": "What is the hotel limit in the EU?"}
SALARY = "What is the pay range of a firmware engineer?"
HEADERS = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@pytest.fixture(scope="module")
def locked(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with keys: ann is in no group, hanna in the one that may see salaries."""
    state = tmp_path_factory.mktemp("locked")
    keys = key_file(state / "keys.yaml", ann="key-of-ann", hanna__hr="key-of-hanna")
    with serving(app_over(quick_handbook, state, QUICK, keys=keys)) as url:
        yield url


@pytest.fixture(scope="module")
def slow(quick_handbook: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose model takes some ten seconds to say a sentence."""
    folder = tmp_path_factory.mktemp("slow")
    reply = "Laptops are replaced every 4 years and telephones every 3 years [1]."
    with serving(app_over(quick_handbook, folder, scripted(folder, {"reply": reply, "seconds_per_token": 0.8}))) as url:
        yield url


def text_of(result: types.CallToolResult) -> str:
    assert isinstance(result.content[0], types.TextContent)
    return result.content[0].text


async def test_the_tools_say_what_they_take_and_give(server: str) -> None:
    async with talking(server) as session:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
    assert set(tools) == {"ask", "search"}
    assert tools["ask"].inputSchema["required"] == ["question"]
    assert "region" in tools["ask"].inputSchema["properties"]["filters"]["description"]
    for tool in tools.values():
        assert tool.outputSchema is not None
        assert tool.annotations is not None
        assert tool.annotations.readOnlyHint


async def test_ask_gives_text_with_citations_and_the_public_answer(server: str) -> None:
    async with talking(server) as session:
        result = await call(session, "ask", **HOTEL)
    answer = structured(result)
    assert "EUR 145" in answer["text"]
    assert answer["text"] in text_of(result)
    assert answer["citations"][0]["quote"] in text_of(result)
    assert answer["citations"][0]["file"] == "handbook/policies/travel-expenses-2024.html"
    assert (
        httpx.post(f"{server}/rag/invoke", timeout=60, json={"input": HOTEL}).json()["output"].keys() == answer.keys()
    )


async def test_search_gives_passages_and_no_answer(server: str) -> None:
    async with talking(server) as session:
        result = await call(session, "search", query="hotel limit", limit=3)
    passages = structured(result)["passages"]
    assert len(passages) == 3
    assert [each["score"] for each in passages] == sorted((each["score"] for each in passages), reverse=True)
    assert passages[0]["file"].startswith("handbook/policies/travel-expenses")
    assert passages[0]["end"] - passages[0]["start"] == len(passages[0]["text"])
    assert passages[0]["text"] in text_of(result)


async def test_filters_hold_in_both_tools(server: str) -> None:
    filters = {"product_line": "Corrento"}
    async with talking(server) as session:
        answer = structured(await call(session, "ask", question="What does error E12 mean?", filters=filters))
        found = structured(await call(session, "search", query="error E12", filters=filters))
    assert {each["file"] for each in answer["citations"]} == {"handbook/reference/corrento-error-codes.csv"}
    assert all("corrento" in each["file"] for each in found["passages"])


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "named"),
    [
        ("ask", {"question": "Why?", "filters": {"nowhere": 1}}, "filter_invalid", "nowhere"),
        ("search", {"query": "Why?", "filters": {"nowhere": 1}}, "filter_invalid", "nowhere"),
        ("ask", {}, "invalid", "question"),
        ("ask", {"question": "?"}, "question_invalid", "letter"),
        ("ask", {"question": "Why?", "groups": ["hr"]}, "invalid", "groups"),
        ("ask", {"question": "Why?", "session_id": "../x"}, "invalid", "session_id"),
        ("search", {"query": "Why?", "limit": 21}, "invalid", "limit"),
        ("guess", {}, "not_found", "guess"),
    ],
)
async def test_a_tool_s_error_is_a_sentence_with_the_request_s_id(
    server: str, tool: str, arguments: dict[str, Any], code: str, named: str
) -> None:
    call_tool = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}
    reply = httpx.post(f"{server}/mcp", timeout=60, json=call_tool, headers=HEADERS)
    result = next(json.loads(line[5:]) for line in reply.text.splitlines() if line.startswith("data:"))["result"]
    text = result["content"][0]["text"]
    assert result["isError"]
    assert named in text
    assert text.endswith(f"({code}, request {reply.headers['x-request-id']})")
    assert "pydantic" not in text


async def test_what_breaks_inside_is_told_without_its_secrets(quick_handbook: Path, tmp_path: Path) -> None:
    app = app_over(quick_handbook, tmp_path, QUICK)
    with serving(app) as url:
        async with talking(url) as session:
            await session.list_tools()
            object.__setattr__(app.state.server.deployments.agent, "backend", None)
            message = text_of(await call(session, "search", query="hotel"))
            with pytest.raises(McpError) as listing:
                await session.list_tools()
    for each in (message, str(listing.value)):
        assert "(internal, request " in each
        assert "NoneType" not in each


async def test_the_caller_and_its_groups_are_those_of_each_request(locked: str) -> None:
    files: dict[str, set[str]] = {"key-of-ann": set(), "key-of-hanna": set()}

    async def look(key: str) -> None:
        async with talking(locked, key) as session:
            for _ in range(3):
                found = structured(await call(session, "search", query=SALARY, limit=20))
                answer = structured(await call(session, "ask", question=SALARY))
                files[key] |= {each["file"] for each in (*found["passages"], *answer["citations"])}

    async with anyio.create_task_group() as tasks:
        for key in (*files, *files):
            tasks.start_soon(look, key)
    assert "handbook/hr/salary-bands.docx" in files["key-of-hanna"]
    assert "handbook/hr/salary-bands.docx" not in files["key-of-ann"]


async def test_a_conversation_is_remembered(server: str) -> None:
    async with talking(server) as session:
        structured(await call(session, "ask", **HOTEL, session_id="by-mcp"))
        answer = structured(await call(session, "ask", question="And in Switzerland?", session_id="by-mcp"))
    assert "hotel" in answer["asked"]


async def test_steps_are_told_to_whoever_asks_for_progress(server: str) -> None:
    steps: list[tuple[float, str | None]] = []

    async def on_progress(progress: float, total: float | None, message: str | None) -> None:
        steps.append((progress, message))

    async with talking(server) as session:
        question = {"question": "Can a customer vacuum the Brisel filters?"}
        structured(await session.call_tool("ask", question, progress_callback=on_progress))
    assert [message for _, message in steps][:3] == ["begun", "preprocess", "retrieve"]
    assert steps == sorted(set(steps), key=lambda step: step[0])


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
async def test_both_spellings_of_the_path_take_a_body(server: str, path: str) -> None:
    listing = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    assert httpx.post(f"{server}{path}", timeout=60, json=listing, headers=HEADERS).status_code == 200
    async with talking(server, path=path) as session:
        assert structured(await call(session, "search", query="hotel", limit=1))


@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_there_is_no_session_to_listen_to_or_to_end(server: str, method: str) -> None:
    reply = httpx.request(method, f"{server}/mcp", headers={"accept": "text/event-stream"})
    assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
    assert reply.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[1]", 400),
        (b"[" * 100_000, 400),
        (b'{"jsonrpc": "\xff"}', 400),
        (b'{"id": ' + b"1" * 5000 + b"}", 400),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "no/such"}', 200),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": 3}}', 200),
        (
            b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "ask", "arguments": '
            b'{"question": "Why?", "filters": {"\\ud800": 1}}}}',
            200,
        ),
    ],
)
async def test_what_is_no_request_is_an_error_and_no_failure(
    server: str, body: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    reply = httpx.post(f"{server}/mcp", timeout=60, content=body, headers=HEADERS)
    assert reply.status_code == status
    assert "rror" in reply.text
    assert "Traceback" not in reply.text
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


async def test_no_page_of_another_site_gets_in(server: str) -> None:
    listing = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
    assert (
        httpx.post(f"{server}/mcp", timeout=60, content=listing, headers={"content-type": "text/plain"}).status_code
        == 415
    )
    assert (
        httpx.post(
            f"{server}/mcp", timeout=60, content=listing, headers={**HEADERS, "host": "evil.example"}
        ).status_code
        == 421
    )


async def test_work_stops_when_the_client_leaves(slow: str, caplog: pytest.LogCaptureFixture) -> None:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
    body["params"] = {"name": "ask", "arguments": {"question": "After how many years are laptops replaced?"}}
    with caplog.at_level(logging.INFO, "warrant.questions"):
        with closing(http.client.HTTPConnection(urlsplit(slow).netloc)) as connection:
            connection.request("POST", "/mcp", json.dumps(body), HEADERS)
            wait_until_begun(slow)
        ended = until(lambda: [r for r in caplog.records if r.name == "warrant.questions"])
    assert [record.__dict__["code"] for record in ended] == ["cancelled"]
    async with talking(slow) as session:
        assert structured(await call(session, "search", query="laptops", limit=1))
