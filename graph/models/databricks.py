"""Chat models and embeddings of Databricks, and the workspace that they and AI Search sign in to.

DATABRICKS_HOST, DATABRICKS_TOKEN, DATABRICKS_CLIENT_ID and the SDK's other variables are read by the SDK. The clients
retry for minutes and print what they like: here they neither retry nor say where the workspace is.

On behalf of a user, searches and model calls are sent with the user's token. It is in a context variable alone: what is
in the graph's state or configuration gets into traces and keys.
"""

import asyncio
import re
import weakref
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextvars import ContextVar
from functools import cache
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from ..errors import AccessRefused, ExtraMissing, ModelFailed, SettingsInvalid
from .failures import message_excerpt, to_model_failure

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient
    from langchain_core.embeddings import Embeddings
    from langchain_core.language_models import BaseChatModel

SECONDS = 20
"""Seconds for one request of the SDK, and for a token."""
CONFIGURATION = re.compile(r"[.;]? *\b(?:Config|Env): .*", re.DOTALL)
"""What the SDK adds to its errors: the configuration with the host, and the names of variables."""
ADDRESS = re.compile(r"\bhttps?://[^\s'\")]+|\bhost=['\"]?[^\s'\"),]+['\"]?(?:, port=\d+)?")
REFUSED = (401, 403)
ON_BEHALF = "WARRANT_ON_BEHALF_OF_USER"
"""The variable that is set where users are acted for."""
USER_SCOPES = ("vectorsearch.vector-search-indexes", "serving.serving-endpoints")
"""What is done on behalf of users."""
EXTRA = "Databricks needs databricks-langchain; pip install 'warrant-rag[databricks]'."


_user: ContextVar[str] = ContextVar("databricks_user_token", default="")


def act_for(token: str) -> None:
    """Search and ask models as the user of a token in this context and the tasks of it; empty: as ourselves."""
    _user.set(token)


def acts_for_user() -> bool:
    """Whether what is done in this context is done on behalf of a user."""
    return bool(_user.get())


def caller_token() -> str:
    """In Model Serving the token of whoever asks the endpoint, elsewhere our own; raises AccessRefused."""
    try:
        from databricks_ai_bridge import ModelServingUserCredentials
    except ImportError as error:
        raise ExtraMissing(EXTRA) from error
    try:
        headers = ModelServingUserCredentials()(workspace().client.config)()
    except (ValueError, RuntimeError):
        refused = "Model Serving gave no token of the user who asks: log the release with WARRANT_ON_BEHALF_OF_USER."
        raise AccessRefused(refused) from None
    return str(headers["Authorization"]).partition(" ")[2]


class Workspace:
    """A signed-in workspace."""

    def __init__(self, client: "WorkspaceClient") -> None:
        self.client = client
        self._lock = Lock()
        self._headers: Future[dict[str, str]] = Future()
        self._headers.cancel()

    @property
    def host(self) -> str:
        return str(self.client.config.host)

    async def token(self, seconds: float = SECONDS) -> str:
        """A bearer token: the user's, or our own, refreshed when it is due.

        Raises TimeoutError, or ValueError where it is refused.
        """
        if user := _user.get():
            return user
        async with asyncio.timeout(seconds):
            headers = await asyncio.shield(asyncio.wrap_future(self._sign_in()))
        return headers["Authorization"].partition(" ")[2]

    def _sign_in(self) -> "Future[dict[str, str]]":
        """The headers to come; the SDK asks for a token without a timeout, so at most one thread waits for one."""
        with self._lock:
            if self._headers.done():
                self._headers = Future()
                # A daemon, so that the process can end while it waits.
                Thread(target=_resolve, args=(self._headers, self.client.config.authenticate), daemon=True).start()
            return self._headers

    def clean(self, text: str) -> str:
        """A client's message without host, token and configuration."""
        text = CONFIGURATION.sub("", message_excerpt(text))
        for secret in (self.host, self.host.partition("://")[2], self.client.config.token, _user.get()):
            text = text.replace(secret, "[workspace]") if secret else text
        return ADDRESS.sub("[address]", text)


def _resolve(headers: "Future[dict[str, str]]", authenticate: Callable[[], dict[str, str]]) -> None:
    try:
        headers.set_result(authenticate())
    except Exception as error:  # noqa: BLE001 - it is raised where the headers are awaited
        headers.set_exception(error)


@cache
def workspace(patience: int = 1) -> Workspace:
    """The workspace that the environment names; raises ExtraMissing or SettingsInvalid.

    `patience`: seconds for which its client tries again what the workspace is too busy for.
    """
    try:
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.config import Config
        from databricks.sdk.credentials_provider import CredentialsProvider, CredentialsStrategy, DefaultCredentials
    except ImportError as error:
        raise ExtraMissing(EXTRA) from error

    class UserCredentials(CredentialsStrategy):
        """The user's token, where there is one; else what the environment says."""

        def __init__(self) -> None:
            self._own = DefaultCredentials()

        def auth_type(self) -> str:
            return str(self._own.auth_type())

        def __call__(self, config: Config) -> CredentialsProvider:
            own = self._own(config)
            return lambda: {"Authorization": f"Bearer {user}"} if (user := _user.get()) else own()

    try:
        config = Config(
            http_timeout_seconds=SECONDS,
            retry_timeout_seconds=patience,
            product="warrant-rag",
            credentials_strategy=UserCredentials(),
        )
        return Workspace(WorkspaceClient(config=config))
    except ValueError as error:
        problem = ADDRESS.sub("[address]", CONFIGURATION.sub("", message_excerpt(str(error))))
        how = "Set DATABRICKS_HOST with DATABRICKS_TOKEN, or with DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET."
        raise SettingsInvalid(f"The Databricks workspace cannot be signed in to: {problem}. {how}") from error


def open_chat_model(model: str, options: dict[str, Any]) -> "BaseChatModel":
    """A chat endpoint; raises ImportError, ExtraMissing or SettingsInvalid."""
    signed_in = workspace()
    try:
        from databricks_langchain import ChatDatabricks
    except ImportError as error:
        raise ExtraMissing(EXTRA) from error

    class Chat(ChatDatabricks):  # type: ignore[misc]  # it is not typed
        """Signs in before the request, as the client would block the event loop, and cleans errors."""

        async def _astream(self, *arguments: Any, **options: Any) -> AsyncIterator[Any]:
            try:
                await signed_in.token()
                async for chunk in super()._astream(*arguments, **options):
                    yield chunk
            except Exception as error:
                raise _cleaned(f"databricks:{model}", error, signed_in) from error

    chat: BaseChatModel = Chat(model=model, workspace_client=signed_in.client, **options)
    return chat


def open_embeddings(endpoint: str, seconds: float) -> "Embeddings":
    """An embedding endpoint; raises ImportError, ExtraMissing or SettingsInvalid."""
    signed_in = workspace()
    try:
        from databricks_langchain import DatabricksEmbeddings
        from databricks_openai import DatabricksOpenAI
    except ImportError as error:
        raise ExtraMissing(EXTRA) from error
    client = DatabricksOpenAI(workspace_client=signed_in.client, max_retries=0, timeout=seconds)

    class Embedding(DatabricksEmbeddings):  # type: ignore[misc]  # it is not typed
        """Sends texts by the client for chat: that of its own waits as long as Retry-After says, then retries."""

        def _embed(self, texts: list[str], params: dict[str, Any]) -> list[list[float]]:
            try:
                reply = client.embeddings.create(model=endpoint, input=texts, encoding_format="float", **params)
            except Exception as error:
                raise _cleaned(f"databricks:{endpoint}", error, signed_in) from error
            return [each.embedding for each in reply.data]

    embeddings: Embeddings = Embedding(endpoint=endpoint)
    weakref.finalize(embeddings, client.close)
    return embeddings


def _cleaned(name: str, error: Exception, signed_in: Workspace) -> ModelFailed:
    failure = to_model_failure(name, error)
    clean = signed_in.clean(failure.detail)
    cleaned = ModelFailed(failure.reason, clean, transient=failure.transient, retry_after=failure.retry_after)
    # That one user may not ask an endpoint says nothing of it to the others.
    cleaned.counts = not (acts_for_user() and getattr(error, "status_code", None) in REFUSED)
    return cleaned
