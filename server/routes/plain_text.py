"""Answers as plain text, for the playground and for MCP clients."""

from typing import Any

from graph.safety.links import without_links
from server.schemas import Item


def item_text(item: Item) -> str:
    """The text of a final or error item; empty for other items."""
    if item["event"] == "error":
        return f"{item['error']['message']} ({item['error']['code']}, request {item['error']['request_id']})"
    return answer_text(item["answer"]) if item["event"] == "final" else ""


def answer_text(answer: dict[str, Any]) -> str:
    """The answer, its citations, and its status, route and timing."""
    blocks = [answer["text"], *(_citation(each) for each in answer["citations"])]
    if answer["nearest"]:
        blocks.append("Nearest: " + "; ".join(answer["nearest"]))
    blocks += [_conflict(each) for each in answer["conflicts"]]
    blocks += answer["warnings"]
    reason = f", {answer['reason']}" if answer["reason"] else ""
    milliseconds = sum(answer["timings"].values())
    summary = f"{answer['status']} · confidence {answer['confidence']:.2f} · route {answer['route']}"
    blocks.append(f"{summary} · rung {answer['rung']}{reason} · {milliseconds:.0f} ms · release {answer['release']}")
    return "\n\n".join(blocks)


def _citation(citation: dict[str, Any]) -> str:
    page = f", page {citation['page']}" if citation["page"] else f", characters {citation['start']}-{citation['end']}"
    unverified = "unverified: " if citation["verdict"] == "unverified" else ""
    quote = without_links(citation["quote"])
    return f"[{citation['marker']}] {unverified}{citation['title']} ({citation['file']}{page}): “{quote}”"


def _conflict(conflict: dict[str, Any]) -> str:
    where = f"{conflict['file']}, {conflict['effective_date']}"
    quote = without_links(conflict["quote"])
    return f"[{conflict['marker']}] The {conflict['version']} version differs ({where}): “{quote}”"
