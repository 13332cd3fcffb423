"""Puts the server together: the gate, the desk, and a door for each kind of client."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from multiprocessing import parent_process

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from graph.errors import WarrantError
from graph.registry import RegistryReader
from graph.registry.package import open_package
from graph.settings import bound_mlflow, quiet_libraries
from server.background import beside
from server.books import Books
from server.callers import Callers, load_callers
from server.conversations import Conversations
from server.desk import Desk
from server.doors.admin import admin_routes
from server.doors.feedback import feedback_routes
from server.doors.health import health_routes
from server.doors.mcp import McpDoor
from server.doors.metrics import metrics_routes
from server.doors.openai_chat import chat_routes
from server.doors.openai_responses import responses_routes
from server.doors.pages import add_pages
from server.doors.rag import add_rag_routes
from server.doors.streams import stream_routes
from server.doors.talks import talk_routes
from server.doors.verify import verify_routes
from server.failures import ERRORS, add_error_bodies
from server.gate import Gate
from server.live import Live
from server.private import write_privately
from server.processes import end_with_parent, keep_memory_level, spare_libraries
from server.releases.followed import Followed
from server.releases.indexed import FollowedIndex
from server.settings import ServerSettings, load_server_settings
from server.shadow import Shadow
from server.watching.diary import Diary
from server.watching.logs import Logs, set_up_logs
from server.watching.metrics import Metrics
from server.watching.tracing import Traces

log = logging.getLogger("warrant.server")
ABOUT = "Answers from an organisation's documents, each claim tied to the span that it comes from."


@dataclass
class Server:
    """The parts that are opened when the server starts, and what the doors share."""

    settings: ServerSettings
    callers: Callers
    live: Live
    conversations: Conversations
    desk: Desk
    diary: Diary
    mcp: McpDoor
    metrics: Metrics
    traces: Traces
    shadow: Shadow


def make_app() -> FastAPI:
    """The application that the environment describes; raises SettingsInvalid when it may not be served."""
    quiet_libraries()
    settings = load_server_settings()
    set_up_logs(settings)
    end_with_parent()
    write_privately()
    spare_libraries()
    return assemble(settings, live_of(settings))


def live_of(settings: ServerSettings) -> Live:
    """What is to be served: the environment's release, or what a registry's aliases name."""
    if settings.registry is None:
        return FollowedIndex(settings)
    uri, model = settings.registry, settings.model

    def registry() -> RegistryReader:
        # MLflow takes seconds to import, and a server without a registry never needs it.
        from graph.registry.client import open_registry

        bound_mlflow(seconds=5, retries=1)
        return open_registry(uri, model)

    return Followed(registry, open_package, settings)


def assemble(settings: ServerSettings, live: Live) -> FastAPI:
    """The application over what is live; raises SettingsInvalid when it may not be served."""
    callers, metrics = load_callers(settings), Metrics(settings)
    talks = Conversations(settings, lambda: metrics.not_kept("conversations"))
    diary = Diary(settings, lambda: metrics.not_kept("feedback"))
    traces = Traces(settings, metrics.trace)
    shadow = Shadow(diary, live.candidate, metrics.shadow)
    books = Books(Logs(settings), diary, metrics, traces, shadow)
    desk = Desk(live, settings, talks, books)
    app = FastAPI(
        title="Warrant", description=ABOUT, lifespan=_lifespan, docs_url=None, redoc_url=None, responses=ERRORS
    )
    app.state.server = Server(settings, callers, live, talks, desk, diary, McpDoor(desk), metrics, traces, shadow)
    app.add_middleware(Gate, callers=callers, settings=settings, books=books)
    if settings.origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.origins, allow_methods=["*"], allow_headers=["*"])
    add_error_bodies(app)
    app.include_router(stream_routes(desk))
    add_rag_routes(app, desk)
    app.router.routes.extend(app.state.server.mcp.routes())
    for routes in (
        chat_routes(desk),
        responses_routes(desk),
        talk_routes(talks),
        feedback_routes(diary, traces),
        health_routes(live, traces, lambda: [each.trouble for each in (talks, diary) if each.trouble]),
        admin_routes(live, settings.webhook_secret),
        metrics_routes(metrics, live),
        verify_routes(),
    ):
        app.include_router(routes)
    add_pages(app, live, callers)
    return app


def _tell(failure: Exception) -> None:
    """A worker says in its log what keeps it from starting, in a sentence where that is told on purpose."""
    if parent_process() and isinstance(failure, WarrantError):
        log.critical(str(failure))
        # Which would repeat it with its traceback.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    server: Server = app.state.server
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(server.conversations)
            stack.enter_context(server.diary)
            stack.enter_context(server.metrics)
            await server.live.open()
            stack.enter_context(server.traces)
            await stack.enter_async_context(server.mcp.run())
            await stack.enter_async_context(server.live.run())
            await stack.enter_async_context(server.shadow.run())
            await stack.enter_async_context(server.metrics.run(server.live))
            await stack.enter_async_context(beside(keep_memory_level))
        except Exception as error:
            app.state.failure = error
            _tell(error)
            raise
        yield
