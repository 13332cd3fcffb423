"""Builds the LangGraph graph; sync callers get a bridge to its async steps."""

from collections.abc import Awaitable, Callable
from typing import Any, get_args

from langgraph.graph import START, StateGraph
from langgraph.types import Command

from .backend import Backend
from .caching.single_flight_graph import SingleFlightGraph
from .nodes import Nodes, after_cite, after_fallback, after_generate, after_preprocess, after_route
from .release import Release
from .state import Question, Reply, State
from .sync import Graph


def build_graph(release: Release, backend: Backend) -> Graph:
    """Compile the answering graph for a Release over a Backend: a Question in, a Reply with the Answer out."""
    nodes = Nodes(release, backend)
    graph = StateGraph(State, input_schema=Question, output_schema=Reply)
    choices = {
        "preprocess": after_preprocess,
        "route": after_route,
        "generate": after_generate,
        "fallback": after_fallback,
        "cite": after_cite,
    }
    for node in (
        nodes.preprocess,
        nodes.retrieve,
        nodes.rerank,
        nodes.route,
        nodes.generate,
        nodes.fallback,
        nodes.cite,
    ):
        choose = choices.get(node.__name__)
        if choose:
            graph.add_node(node.__name__, _then(node, choose), destinations=get_args(choose.__annotations__["return"]))
        else:
            graph.add_node(node.__name__, node)
    graph.add_edge(START, "preprocess")
    graph.add_edge("retrieve", "rerank")
    graph.add_edge("rerank", "route")
    return SingleFlightGraph.of(graph.compile(name="warrant"))


def _then(node: Callable[[State], Awaitable[State]], choose: Callable[[State], str]) -> Any:
    """A step that says itself where it goes on: LangGraph would copy the state, and start a task, to ask an edge."""

    async def run(state: State) -> Command[str]:
        update = await node(state)
        return Command(update=update, goto=choose(State(**{**state, **update})))

    return run
