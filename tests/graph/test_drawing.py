"""The picture of the graph: drawn from the compiled graph, and never stale."""

from pathlib import Path

from PIL import Image
from support import ROOT

from graph.drawing import DIGEST, digest_of, drawing_of, mermaid_of, write_png
from graph.release import Release


def test_the_drawing_has_the_seven_steps() -> None:
    steps = {"preprocess", "retrieve", "rerank", "route", "generate", "fallback", "cite"}
    assert set(drawing_of(Release()).nodes) == steps | {"__start__", "__end__"}


def test_the_committed_pictures_show_the_graph_as_it_is() -> None:
    mermaid = mermaid_of(drawing_of(Release()))
    assert (ROOT / "docs/graph.mmd").read_text("utf-8") == mermaid, "run `make draw`"
    with Image.open(ROOT / "docs/graph.png") as picture:
        assert picture.info[DIGEST] == digest_of(mermaid), "run `make draw`"


def test_a_picture_carries_the_digest_of_its_graph(tmp_path: Path) -> None:
    drawing = drawing_of(Release())
    write_png(drawing, tmp_path / "graph.png")
    with Image.open(tmp_path / "graph.png") as picture:
        assert picture.info[DIGEST] == digest_of(mermaid_of(drawing))
        assert picture.width > 800
