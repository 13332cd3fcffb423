"""The compiled graph as others load it: the command line, langgraph.json, MLflow."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from anyio.from_thread import start_blocking_portal

from .backend import Backend, SourceText
from .builder import build_graph
from .connect import connect
from .models import databricks
from .models.breaker import BreakerState, breaker_states
from .release import Release
from .release_yaml import load_release
from .retrieval.pipeline import RetrievalPipeline
from .settings import Settings, load_settings, quiet_libraries
from .state import Passage, Question
from .steps.preprocess import check_groups, normalise_question
from .stream_items import Item, public_items
from .sync import Graph


@dataclass(frozen=True)
class Agent:
    """A compiled graph with the Release that it answers by and the Backend that it stands on.

    Its public members are all that a server needs, so that a server can hold agents of other code than its own.
    """

    release: Release
    backend: Backend
    graph: Graph

    @property
    def label(self) -> str:
        """The Release's name and the start of its digest, as answers carry it."""
        return self.release.label

    @property
    def deadline(self) -> float:
        """Seconds that the Release gives a question."""
        return self.release.generation.deadline

    @property
    def history_turns(self) -> int:
        """Turns of a conversation that may be sent along."""
        return self.release.limits.history_turns

    @property
    def snapshot(self) -> str:
        """The Snapshot's id."""
        return self.backend.retriever.snapshot

    @property
    def columns(self) -> Mapping[str, str]:
        """The metadata columns that a filter may name, with their types."""
        return self.backend.retriever.columns

    @property
    def caches(self) -> list[str]:
        """The caches that are on, in the order in which a question meets them."""
        kept = self.backend.caches
        on = {"answer": kept.answers.on, "retrieval": kept.retrieval.on, "embedding": kept.embeddings.on}
        return [name for name in on if on[name]]

    def newer(self) -> str | None:
        """The Snapshot that is to be served in place of this one's by now, by its name; None while that is this one.

        Raises SnapshotError when it cannot be read.
        """
        return self.backend.index.newer() if self.backend.index else None

    async def ping(self) -> None:
        """Read a little of the Snapshot; raises SnapshotError or RetrievalUnavailable where it cannot be read."""
        if self.backend.index:
            await self.backend.index.ping()

    async def document(self, document: str, groups: list[str]) -> SourceText | None:
        """A document by its id; None if there is none that these groups may see. Raises RetrievalUnavailable."""
        return await self.backend.index.document(document, check_groups(groups)) if self.backend.index else None

    def close(self) -> None:
        """Let go of the Snapshot; nothing more is to be asked."""
        if self.backend.index:
            self.backend.index.close()

    def breakers(self) -> list[BreakerState]:
        """The breakers of the model endpoints that agents of this code have asked in this process."""
        return breaker_states()

    def act_for(self, token: str) -> None:
        """Search and ask models as the user of a Databricks token in this context; empty: as ourselves."""
        databricks.act_for(token)

    def items(self, question: Question) -> AsyncIterator[Item]:
        """Ask a question and give the public items as they come."""
        return public_items(self.graph, question)

    async def search(self, text: str, filters: dict[str, Any], groups: list[str], most: int) -> list[Passage]:
        """The best passages for a text as the graph finds and orders them.

        Raises QuestionInvalid, FilterInvalid or RetrievalUnavailable.
        """
        question = normalise_question(text, self.release.limits)
        return (await RetrievalPipeline(self.release, self.backend).passages(question, filters, check_groups(groups)))[
            :most
        ]


async def open_agent(settings: Settings, release: Release) -> Agent:
    """Connect to the backend and compile the graph; raises a WarrantError when anything it needs is not there."""
    backend = await connect(settings, release)
    return Agent(release, backend, build_graph(release, backend))


@cache
def graph() -> Graph:
    """The graph that the environment describes, for `langgraph dev` and other loaders of langgraph.json."""
    quiet_libraries()
    settings = load_settings()
    with start_blocking_portal() as portal:
        return portal.call(partial(open_agent, settings, load_release(settings.release))).graph
