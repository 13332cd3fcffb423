"""The drawing of the graph, no logic; sync callers get a bridge to its async steps."""

from langgraph.graph import START, StateGraph

from .backend import Backend
from .caching.single_flight import SingleFlightGraph
from .nodes import Nodes, after_cite, after_fallback, after_generate, after_preprocess, after_route
from .release import Release
from .state import Question, Reply, State
from .sync import Graph


def build_graph(release: Release, backend: Backend) -> Graph:
    """Compile the answering graph for a Release over a Backend: a Question in, a Reply with the Answer out."""
    nodes = Nodes(release, backend)
    graph = StateGraph(State, input_schema=Question, output_schema=Reply)
    for node in (
        nodes.preprocess,
        nodes.retrieve,
        nodes.rerank,
        nodes.route,
        nodes.generate,
        nodes.fallback,
        nodes.cite,
    ):
        graph.add_node(node.__name__, node)
    graph.add_edge(START, "preprocess")
    graph.add_conditional_edges("preprocess", after_preprocess)
    graph.add_edge("retrieve", "rerank")
    graph.add_edge("rerank", "route")
    graph.add_conditional_edges("route", after_route)
    graph.add_conditional_edges("generate", after_generate)
    graph.add_conditional_edges("fallback", after_fallback)
    graph.add_conditional_edges("cite", after_cite)
    return SingleFlightGraph.of(graph.compile(name="warrant"))
