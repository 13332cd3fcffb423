"""Builds the application: middleware, answer service, and a router for each API."""

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
from server.audit import Audit
from server.auth.authentication import Authenticator
from server.conversations import Conversations
from server.errors import ERRORS, add_error_handlers
from server.files import set_private_umask
from server.limits.limiter import Limiter
from server.middleware import RequestMiddleware
from server.observability.answer_store import AnswerStore
from server.observability.logs import LogObserver, configure_logging
from server.observability.metrics import Metrics
from server.observability.observers import Observers
from server.observability.shadow import ShadowObserver
from server.observability.trace_export import TraceExporter
from server.processes import background_task, end_with_parent, freeze_imports, trim_memory_regularly
from server.releases.deployments import Deployments
from server.releases.index import IndexDeployments
from server.releases.registry import RegistryDeployments
from server.routes.admin import admin_routes
from server.routes.conversations import conversation_routes
from server.routes.documents import document_routes
from server.routes.feedback import feedback_routes
from server.routes.health import health_routes
from server.routes.langserve import add_langserve_routes
from server.routes.mcp import McpEndpoint
from server.routes.openai_chat import chat_routes
from server.routes.openai_responses import responses_routes
from server.routes.pages import add_pages
from server.routes.verify import verify_routes
from server.service import AnswerService
from server.settings import ServerSettings, load_server_settings

log = logging.getLogger("warrant.server")
DESCRIPTION = "Answers from an organisation's documents, with every claim checked against the passage that it cites."


@dataclass
class ServerComponents:
    """The parts that are opened at start-up, in `app.state.server`."""

    settings: ServerSettings
    callers: Authenticator
    deployments: Deployments
    conversations: Conversations
    service: AnswerService
    limiter: Limiter
    answers: AnswerStore
    mcp: McpEndpoint
    metrics: Metrics
    traces: TraceExporter
    shadow: ShadowObserver


def make_app() -> FastAPI:
    """The application that the environment describes; raises SettingsInvalid when it may not be served."""
    quiet_libraries()
    settings = load_server_settings()
    configure_logging(settings)
    end_with_parent()
    set_private_umask()
    freeze_imports()
    return assemble(settings, deployments_of(settings))


def deployments_of(settings: ServerSettings) -> Deployments:
    """What is to be served: the environment's release, or what a registry's aliases name."""
    if settings.registry is None:
        return IndexDeployments(settings)
    uri, model = settings.registry, settings.registered_model

    def registry() -> RegistryReader:
        # MLflow takes seconds to import, and a server without a registry never needs it.
        from graph.registry.client import open_registry

        bound_mlflow(seconds=5, retries=1)
        return open_registry(uri, model)

    return RegistryDeployments(registry, open_package, settings)


def assemble(settings: ServerSettings, deployments: Deployments) -> FastAPI:
    """The application over some deployments; raises SettingsInvalid when it may not be served."""
    limiter = Limiter(settings)
    callers, audit, metrics = Authenticator(settings), Audit(settings), Metrics(settings)
    conversations = Conversations(settings, lambda: metrics.not_stored("conversations"))
    answers = AnswerStore(settings, lambda: metrics.not_stored("feedback"))
    traces = TraceExporter(settings, metrics.trace)
    shadow = ShadowObserver(answers, deployments.candidate, metrics.shadow)
    observers = Observers(LogObserver(settings), answers, metrics, traces, shadow)
    service = AnswerService(deployments, settings, conversations, observers, audit, limiter)
    mcp = McpEndpoint(service)
    app = FastAPI(
        title="Warrant", description=DESCRIPTION, lifespan=_lifespan, docs_url=None, redoc_url=None, responses=ERRORS
    )
    app.state.server = ServerComponents(
        settings, callers, deployments, conversations, service, limiter, answers, mcp, metrics, traces, shadow
    )
    app.add_middleware(RequestMiddleware, callers=callers, settings=settings, observers=observers, audit=audit)
    if settings.origins:
        app.add_middleware(CORSMiddleware, allow_origins=settings.origins, allow_methods=["*"], allow_headers=["*"])
    add_error_handlers(app)
    add_langserve_routes(app, service)
    app.router.routes.extend(mcp.routes())
    for routes in (
        chat_routes(service),
        responses_routes(service),
        conversation_routes(conversations),
        document_routes(service),
        feedback_routes(answers, traces),
        health_routes(deployments, traces, metrics, (conversations, answers)),
        admin_routes(deployments, audit, settings.webhook_secret),
        verify_routes(service.count),
    ):
        app.include_router(routes)
    add_pages(app, service, callers)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    server: ServerComponents = app.state.server
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(server.conversations)
            stack.enter_context(server.answers)
            stack.enter_context(server.limiter)
            stack.enter_context(server.metrics)
            await server.deployments.open()
            stack.enter_context(server.traces)
            await stack.enter_async_context(server.mcp.run())
            await stack.enter_async_context(server.deployments.run())
            await stack.enter_async_context(server.shadow.run())
            await stack.enter_async_context(server.metrics.run(server.deployments))
            await stack.enter_async_context(background_task(trim_memory_regularly))
        except Exception as error:
            app.state.failure = error
            _log_failed_start(error)
            raise
        yield


def _log_failed_start(failure: Exception) -> None:
    """Log one sentence in a worker process; without workers the command prints it."""
    if parent_process() and isinstance(failure, WarrantError):
        log.critical(str(failure))
        # uvicorn would repeat it with its traceback.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
