"""The Model Context Protocol at /mcp: one tool answers, the other only searches.

Stateless: each request is whole in itself, so that any worker can serve it. A tool runs in the context of the request
that calls it and ends with it: whoever closes the connection stops the work. A `notifications/cancelled` arrives as a
request of its own and cannot stop another; the deadline bounds what it meant.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Annotated, Any

from anyio import BrokenResourceError, ClosedResourceError
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import McpError
from mcp.types import INTERNAL_ERROR, CallToolResult, ErrorData, TextContent, Tool, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from server.context import this_request
from server.desk import Desk
from server.doors.readable import answer_text
from server.errors import Refused, problem_of, refuse
from server.public import Item, plain
from server.schemas import SESSION, PublicAnswer, to_ask

log = logging.getLogger("warrant.mcp")
PATHS = ("/mcp", "/mcp/")
ABOUT = "Answers from an organisation's documents, each claim tied to the passage that it comes from."
ASK = (
    "Answer a question from the organisation's documents, with checked citations. Use it first for every question of "
    "fact about them. When the documents do not say, it declines: do not fill in what it leaves out."
)
SEARCH = (
    "Find the passages of the organisation's documents that fit a text, without an answer. Use it to read what the "
    "documents say on a topic, or when `ask` declined and you want to see what is near."
)
FILTERS = 'Over the documents\' metadata, such as {"region": "EU"} or {"effective_date": {"gte": "2024-01-01"}}.'
Filters = Annotated[dict[str, Any], Field(description=FILTERS)]


class AskInput(BaseModel):
    """What `ask` takes."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, Field(description="One question in plain words, understandable by itself.")]
    filters: Filters = {}
    session_id: Annotated[
        str, Field(pattern=SESSION, description="The same for all questions of one conversation that is remembered.")
    ] = ""


class SearchInput(BaseModel):
    """What `search` takes."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, Field(description="What to look for, in plain words.")]
    filters: Filters = {}
    limit: Annotated[int, Field(ge=1, le=20, description="Passages at most.")] = 8


class Found(BaseModel):
    """A passage: characters `start` to `end` of the file's text; a higher `score` fits better."""

    file: str
    title: str
    page: int | None
    start: int
    end: int
    section: str
    score: float
    text: str


class SearchOutput(BaseModel):
    """What `search` gives, best first."""

    passages: list[Found]


class McpDoor:
    """An ASGI application; `run()` is to be entered before the first request."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._tools: dict[str, Callable[[dict[str, Any]], Awaitable[CallToolResult]]] = {
            "ask": self._ask,
            "search": self._search,
        }
        self._server: Server[Any, Any] = Server("warrant", version=version("warrant-rag"), instructions=ABOUT)
        self._server.list_tools()(self._list)  # type: ignore[no-untyped-call]
        # Input is checked here, so that what is wrong with it is told as everywhere else.
        self._server.call_tool(validate_input=False)(self._call)
        # The gate has checked host and caller and has read the body within its limit.
        self._sessions = StreamableHTTPSessionManager(
            self._server, stateless=True, max_request_body_size=desk.settings.max_body
        )

    def run(self) -> AbstractAsyncContextManager[None]:
        """Serve until the end of the block; once only."""
        return self._sessions.run()

    def routes(self) -> list[Route]:
        """POST alone: without a session nothing could ever come on the stream that a GET asks for."""
        return [Route(path, self, methods=["POST"], include_in_schema=False) for path in PATHS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        whole = await receive()
        _check(whole["body"])
        coming = iter([whole])

        async def again() -> Message:
            return next(coming, None) or await receive()

        await self._sessions.handle_request(scope, again, send)

    async def _list(self) -> list[Tool]:
        try:
            columns = ", ".join((await self._desk.slot()).agent.columns)
        except Exception as error:  # noqa: BLE001 - the library would tell the client what any other error says
            raise McpError(ErrorData(code=INTERNAL_ERROR, message=_sentence(error))) from None
        return [
            _tool("ask", ASK, AskInput, PublicAnswer, columns),
            _tool("search", SEARCH, SearchInput, SearchOutput, columns),
        ]

    async def _call(self, name: str, arguments: dict[str, Any]) -> CallToolResult:
        try:
            if name not in self._tools:
                raise refuse(404, f"There is no tool {name!r:.60}; there are {', '.join(self._tools)}.")
            return await self._tools[name](arguments)
        except (BrokenResourceError, ClosedResourceError):
            raise  # the client has gone while it was told of progress
        except Exception as error:  # noqa: BLE001 - every failure becomes a result; what is not ours is logged
            return CallToolResult(content=[TextContent(type="text", text=_sentence(error))], isError=True)

    async def _ask(self, arguments: dict[str, Any]) -> CallToolResult:
        asked = AskInput.model_validate(arguments)
        ask = to_ask(question=asked.question, filters=asked.filters, session_id=asked.session_id)
        answer = await self._desk.answer(ask, self._progress())
        return _told(answer_text(answer), answer)

    async def _search(self, arguments: dict[str, Any]) -> CallToolResult:
        wanted = SearchInput.model_validate(arguments)
        slot, groups = await self._desk.slot(), list(this_request().caller.groups)
        async with asyncio.timeout(slot.agent.deadline + self._desk.settings.grace):
            found = await slot.agent.search(wanted.query, wanted.filters, groups, wanted.limit)
        passages = [{name: plain(passage[name]) for name in Found.model_fields} for passage in found]  # type: ignore[literal-required]
        text = "\n\n".join(map(_passage_text, passages)) or "Nothing in the documents fits."
        return _told(text, {"passages": passages})

    def _progress(self) -> Callable[[Item], Awaitable[None]] | None:
        """Tells the client of each step, if it asked to be told."""
        context = self._server.request_context
        token = context.meta.progressToken if context.meta else None
        if token is None:
            return None

        async def tell(item: Item) -> None:
            if item["event"] == "status":
                await context.session.send_progress_notification(
                    token, item["seq"], message=item["step"], related_request_id=str(context.request_id)
                )

        return tell


def _check(body: bytes) -> None:
    """Raises Refused (400) for JSON that the library would take for a failure of its own."""
    try:
        json.loads(body)
    except json.JSONDecodeError:
        return  # which it answers as the protocol wants it
    except (ValueError, RecursionError):
        raise refuse(400, "The body is not JSON that can be read.") from None


def _tool(name: str, purpose: str, takes: type[BaseModel], gives: type[BaseModel], columns: str) -> Tool:
    schema = takes.model_json_schema()
    schema["properties"]["filters"]["description"] = f"{FILTERS} Columns: {columns or 'none'}."
    return Tool(
        name=name,
        description=purpose,
        inputSchema=schema,
        outputSchema=gives.model_json_schema(mode="serialization"),
        annotations=ToolAnnotations(readOnlyHint=True, openWorldHint=False),
    )


def _told(text: str, structured: dict[str, Any]) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], structuredContent=structured)


def _passage_text(passage: dict[str, Any]) -> str:
    place = f", page {passage['page']}" if passage["page"] else f", characters {passage['start']}-{passage['end']}"
    section = f" · {passage['section']}" if passage["section"] else ""
    return f"{passage['title']}{section} ({passage['file']}{place})\n{passage['text']}"


def _sentence(error: Exception) -> str:
    """What every door would say of an error, with its code and the request's id."""
    name = this_request().id
    problem = problem_of(_refusal(error) if isinstance(error, ValidationError) else error)
    if problem.status >= 500 and not isinstance(error, Refused):
        log.error("a tool failed", exc_info=error, extra={"request_id": name, "code": problem.code})
    # A message may quote half a surrogate pair, which no reply can carry.
    return f"{problem.message} ({problem.code}, request {name})".encode(errors="replace").decode()


def _refusal(error: ValidationError) -> Refused:
    """Where the arguments are wrong and why, without repeating them."""
    first = error.errors(include_url=False, include_input=False)[0]
    return refuse(422, f"{'.'.join(map(str, first['loc'])) or 'the arguments'}: {first['msg']}.")
