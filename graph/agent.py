"""The compiled graph as others load it: the command line, langgraph.json, MLflow."""

from functools import cache, partial

from anyio.from_thread import start_blocking_portal

from graph.backends import connect
from graph.builder import build_graph
from graph.release import Release, load_release
from graph.settings import Settings, load_settings, quiet_libraries
from graph.sync import Graph


async def open_agent(settings: Settings, release: Release) -> Graph:
    """Connect to the backend and compile the graph; raises a WarrantError when anything it needs is not there."""
    return build_graph(release, await connect(settings, release))


@cache
def graph() -> Graph:
    """The graph that the environment describes, for `langgraph dev` and other loaders of langgraph.json."""
    quiet_libraries()
    settings = load_settings()
    with start_blocking_portal() as portal:
        return portal.call(partial(open_agent, settings, load_release(settings.release)))
