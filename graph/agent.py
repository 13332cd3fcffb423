"""The compiled graph as others load it: the command line, langgraph.json, MLflow."""

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from anyio.from_thread import start_blocking_portal

from graph.backends import Backend, connect
from graph.builder import build_graph
from graph.finding.searching import Searching
from graph.question.preprocess import check_groups, normalise_question
from graph.release import Release, load_release
from graph.settings import Settings, load_settings, quiet_libraries
from graph.state import Passage
from graph.sync import Graph


@dataclass(frozen=True)
class Agent:
    """A compiled graph with the Release that it answers by and the Backend that it stands on."""

    release: Release
    backend: Backend
    graph: Graph

    async def search(self, text: str, filters: dict[str, Any], groups: list[str], most: int) -> list[Passage]:
        """The best passages for a text as the graph finds and orders them.

        Raises QuestionInvalid, FilterInvalid or RetrievalUnavailable.
        """
        question = normalise_question(text, self.release.limits)
        return (await Searching(self.release, self.backend).passages(question, filters, check_groups(groups)))[:most]


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
