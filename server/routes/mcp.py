"""The Model Context Protocol at /mcp: one tool answers, the other only searches.

Stateless: any worker can serve any request. A tool call runs in the context of its HTTP request and is cancelled when
the connection closes. A `notifications/cancelled` arrives as a request of its own and cannot cancel another one, which
then runs until its deadline.
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

from graph.invalid import problem
from graph.safety.sensitive import mask, policy_of
from server.context import this_request
from server.errors import RequestRefused, error_response, refuse
from server.routes.plain_text import answer_text
from server.schemas import SESSION, Item, PublicAnswer, plain, question_request
from server.service import AnswerService

log = logging.getLogger("warrant.mcp")
PATHS = ("/mcp", "/mcp/")
INSTRUCTIONS = "Answers from an organisation's documents, each claim tied to the passage that it comes from."
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
    """Arguments of `ask`."""

    model_config = ConfigDict(extra="forbid")

    question: Annotated[str, Field(description="One question in plain words, understandable by itself.")]
    filters: Filters = {}
    session_id: Annotated[
        str, Field(pattern=SESSION, description="The same for all questions of one conversation that is remembered.")
    ] = ""


class SearchInput(BaseModel):
    """Arguments of `search`."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, Field(description="What to look for, in plain words.")]
    filters: Filters = {}
    limit: Annotated[int, Field(ge=1, le=20, description="Passages at most.")] = 8


class FoundPassage(BaseModel):
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
    """The result of `search`, best first."""

    passages: list[FoundPassage]


class McpEndpoint:
    """An ASGI application; `run()` is to be entered before the first request."""

    def __init__(self, service: AnswerService) -> None:
        self._service = service
        self._tools: dict[str, Callable[[dict[str, Any]], Awaitable[CallToolResult]]] = {
            "ask": self._ask,
            "search": self._search,
        }
        self._server: Server[Any, Any] = Server("warrant", version=version("warrant-rag"), instructions=INSTRUCTIONS)
        self._server.list_tools()(self._list)  # type: ignore[no-untyped-call]
        # Input is validated here, so that errors have the same form as in every other API.
        self._server.call_tool(validate_input=False)(self._call)
        # The middleware has checked host, key and size.
        self._sessions = StreamableHTTPSessionManager(
            self._server, stateless=True, max_request_body_size=service.settings.max_body
        )

    def run(self) -> AbstractAsyncContextManager[None]:
        """Serve until the end of the block; once only."""
        return self._sessions.run()

    def routes(self) -> list[Route]:
        """POST only: without a session there is nothing to stream to a GET."""
        return [Route(path, self, methods=["POST"], include_in_schema=False) for path in PATHS]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        _check(message["body"])
        messages = iter([message])

        async def replay() -> Message:
            return next(messages, None) or await receive()

        await self._sessions.handle_request(scope, replay, send)

    async def _list(self) -> list[Tool]:
        try:
            columns = ", ".join((await self._service.deployment()).agent.columns)
        except Exception as error:  # noqa: BLE001 - the library would send the error's own text
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
            raise  # the client disconnected during a progress notification
        except Exception as error:  # noqa: BLE001 - every failure becomes a result; unexpected ones are logged
            return CallToolResult(content=[TextContent(type="text", text=_sentence(error))], isError=True)

    async def _ask(self, arguments: dict[str, Any]) -> CallToolResult:
        given = AskInput.model_validate(arguments)
        question = question_request(question=given.question, filters=given.filters, session_id=given.session_id)
        answer = await self._service.answer(question, self._progress())
        return _result(answer_text(answer), answer)

    async def _search(self, arguments: dict[str, Any]) -> CallToolResult:
        given = SearchInput.model_validate(arguments)
        await self._service.count("search")
        deployment, groups = await self._service.deployment(), list(this_request().caller.groups)
        async with asyncio.timeout(deployment.agent.deadline + self._service.settings.grace):
            found = await deployment.agent.search(given.query, given.filters, groups, given.limit)
        policy = policy_of(this_request().caller.roles, self._service.settings.sensitive)
        passages = [
            {name: plain(each[name]) for name in FoundPassage.model_fields}  # type: ignore[literal-required]
            | {"title": policy.blot(each["title"]), "section": policy.blot(each["section"])}
            | {"text": policy.blot(each["text"])}
            for each in found
        ]
        text = "\n\n".join(map(_passage_text, passages)) or "Nothing in the documents fits."
        return _result(text, {"passages": passages})

    def _progress(self) -> Callable[[Item], Awaitable[None]] | None:
        """Sends progress notifications for each step, if the client asked for them."""
        context = self._server.request_context
        token = context.meta.progressToken if context.meta else None
        if token is None:
            return None

        async def notify(item: Item) -> None:
            if item["event"] == "status":
                await context.session.send_progress_notification(
                    token, item["seq"], message=item["step"], related_request_id=str(context.request_id)
                )

        return notify


def _check(body: bytes) -> None:
    """Refuse (400) JSON on which the library would fail with an internal error."""
    try:
        json.loads(body)
    except json.JSONDecodeError:
        return  # the library answers it as the protocol demands
    except (ValueError, RecursionError):
        raise refuse(400, "The body is not JSON that can be read.") from None


def _tool(name: str, purpose: str, input: type[BaseModel], output: type[BaseModel], columns: str) -> Tool:
    schema = input.model_json_schema()
    schema["properties"]["filters"]["description"] = f"{FILTERS} Columns: {columns or 'none'}."
    return Tool(
        name=name,
        description=purpose,
        inputSchema=schema,
        outputSchema=output.model_json_schema(mode="serialization"),
        annotations=ToolAnnotations(readOnlyHint=True, openWorldHint=False),
    )


def _result(text: str, structured: dict[str, Any]) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], structuredContent=structured)


def _passage_text(passage: dict[str, Any]) -> str:
    place = f", page {passage['page']}" if passage["page"] else f", characters {passage['start']}-{passage['end']}"
    section = f" · {passage['section']}" if passage["section"] else ""
    return f"{passage['title']}{section} ({passage['file']}{place})\n{passage['text']}"


def _sentence(error: Exception) -> str:
    """The message of an error, with its code and the request's id."""
    request_id = this_request().id
    response = error_response(_invalid_arguments(error) if isinstance(error, ValidationError) else error)
    if response.status >= 500 and not isinstance(error, RequestRefused):
        log.error("a tool failed", exc_info=error, extra={"request_id": request_id, "code": response.code})
    # A message may quote half a surrogate pair, which JSON cannot carry.
    return f"{mask(response.message)} ({response.code}, request {request_id})".encode(errors="replace").decode()


def _invalid_arguments(error: ValidationError) -> RequestRefused:
    """Where the arguments are wrong and why, without repeating them."""
    return refuse(422, f"{problem(error.errors()[0], 'the arguments', show=False)}.")
