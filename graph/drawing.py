"""Draws the compiled graph as Mermaid text and as a PNG that carries the digest of that text."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_core.runnables.graph import Edge
from langchain_core.runnables.graph import Graph as Drawing

from .backend import Backend, Scope
from .builder import build_graph
from .errors import ExtraMissing
from .release import Release
from .state import Passage

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DIGEST = "warrant-graph"
WIDTH, HEIGHT = 1.7, 0.5
DOTS_PER_INCH = 150
NAMES = {"__start__": "question", "__end__": "answer"}
FILLS = {"__start__": "#e6eef8", "__end__": "#dff1e1", "fallback": "#fbeedd"}
LINE = "#3b4252"


class _Undrawn:
    """Stands where the drawing has no world: the shape of the graph does not depend on it."""

    snapshot = ""
    columns: dict[str, str] = {}  # noqa: RUF012

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        raise NotImplementedError

    async def compare(self, text: str, others: object) -> list[float]:
        raise NotImplementedError


def drawing_of(release: Release) -> Drawing:
    """The nodes and edges of the graph as it is compiled."""
    return build_graph(release, Backend(_Undrawn(), _Undrawn(), {})).get_graph()  # type: ignore[arg-type]


def mermaid_of(drawing: Drawing) -> str:
    """The graph as Mermaid."""
    return drawing.draw_mermaid()


def digest_of(mermaid: str) -> str:
    """What the PNG carries to say which graph it shows."""
    return hashlib.sha256(mermaid.encode()).hexdigest()


def write_png(drawing: Drawing, path: Path) -> None:
    """Draw the graph in layers, conditional edges dashed; raises ExtraMissing without the extra draw."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.patches import FancyBboxPatch
    except ImportError as error:
        raise ExtraMissing("Drawing a PNG needs matplotlib and grandalf; pip install 'warrant-rag[draw]'.") from error
    places = _places(drawing)
    figure = Figure(figsize=(12, 2.6))
    axes = figure.add_subplot()
    for name, (x, y) in places.items():
        corner = (x - WIDTH / 2, y - HEIGHT / 2)
        fill = FILLS.get(name, "#ffffff")
        axes.add_patch(FancyBboxPatch(corner, WIDTH, HEIGHT, "round,pad=0.06", facecolor=fill, edgecolor=LINE))
        axes.text(x, y, NAMES.get(name, name), ha="center", va="center", fontsize=8, color="#111111")
    for edge in drawing.edges:
        _draw_edge(axes, edge, places)
    axes.set_aspect("equal")
    across, up = zip(*places.values(), strict=True)
    axes.set_xlim(min(across) - WIDTH, max(across) + WIDTH)
    axes.set_ylim(min(up) - 2.1, max(up) + 2 * HEIGHT)
    axes.axis("off")
    mark = {"Software": None, DIGEST: digest_of(mermaid_of(drawing))}
    figure.savefig(path, dpi=DOTS_PER_INCH, metadata=mark, facecolor="white", bbox_inches="tight")


def _places(drawing: Drawing) -> dict[str, tuple[float, float]]:
    """Where each node stands: grandalf's layers from left to right."""
    from grandalf.graphs import Edge as Link
    from grandalf.graphs import Graph as Layers
    from grandalf.graphs import Vertex
    from grandalf.layouts import SugiyamaLayout, VertexViewer

    vertices = {name: Vertex(name) for name in drawing.nodes}
    for vertex in vertices.values():
        vertex.view = VertexViewer(w=HEIGHT, h=WIDTH)
    links = [Link(vertices[edge.source], vertices[edge.target]) for edge in drawing.edges if edge.source != edge.target]
    layout = SugiyamaLayout(Layers(list(vertices.values()), links).C[0])
    layout.xspace, layout.yspace = 1.0, 0.8
    layout.init_all(roots=[vertices["__start__"]])
    layout.draw(3)
    return {name: (vertex.view.xy[1], -vertex.view.xy[0]) for name, vertex in vertices.items()}


def _crosses_a_node(edge: Edge, places: dict[str, tuple[float, float]]) -> bool:
    """Whether a straight line between two nodes would strike through another."""
    (x, y), (to_x, to_y) = places[edge.source], places[edge.target]
    between = [(at, level) for at, level in places.values() if x < at < to_x]
    return any(abs(y + (to_y - y) * (at - x) / (to_x - x) - level) < HEIGHT / 2 for at, level in between)


def _draw_edge(axes: "Axes", edge: Edge, places: dict[str, tuple[float, float]]) -> None:
    from matplotlib.patches import FancyArrowPatch

    (x, y), (to_x, to_y) = places[edge.source], places[edge.target]
    rad = 0.0
    start, end = (x + WIDTH / 2 + 0.07, y), (to_x - WIDTH / 2 - 0.07, to_y)
    if edge.source == edge.target:
        low = y - HEIGHT / 2 - 0.07
        start, end, rad = (x + 0.3, low), (x - 0.3, low), -1.3
    elif to_x < x:
        start, end, rad = (x - 0.2, y - HEIGHT / 2 - 0.07), (to_x + WIDTH / 2 + 0.07, to_y - 0.1), -0.25
    elif _crosses_a_node(edge, places):
        low = HEIGHT / 2 + 0.07
        start, end, rad = (x, y - low), (to_x, to_y - low), 0.16
    style = "dashed" if edge.conditional else "solid"
    axes.add_patch(
        FancyArrowPatch(
            start,
            end,
            arrowstyle="-|>",
            mutation_scale=14,
            connectionstyle=f"arc3,rad={rad}",
            linestyle=style,
            color=LINE,
        )
    )
