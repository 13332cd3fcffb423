"""An Answer in the form of OpenAI's APIs: annotations for its citations, and its text in pieces."""

import re
from collections.abc import Mapping
from typing import Any

MARKER = re.compile(r"\[(\d+)\]")
PIECE = re.compile(r"\S+\s*|\s+")


def url_citations(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An annotation for each marker in the text: its characters, and the title and file of what it cites."""
    cited = {each["marker"]: each for each in reversed(answer["citations"])}
    found = [(each, cited.get(int(each.group(1)))) for each in MARKER.finditer(answer["text"])]
    return [
        {"start_index": mark.start(), "end_index": mark.end(), "title": one["title"], "url": one["file"]}
        for mark, one in found
        if one
    ]


def pieces(text: str) -> list[str]:
    """The text word by word."""
    return PIECE.findall(text)
