"""An item of the stream as text for a person, where nothing but text can be shown."""

from typing import Any

from server.public import Item


def readable(item: Item) -> str:
    """The answer with its citations below it, or what went wrong; nothing for what comes before."""
    if item["event"] == "error":
        return f"{item['error']['message']} ({item['error']['code']}, request {item['error']['request_id']})"
    return answer_text(item["answer"]) if item["event"] == "final" else ""


def answer_text(answer: dict[str, Any]) -> str:
    """The answer, its citations, and how it came about."""
    blocks = [answer["text"], *(_citation(each) for each in answer["citations"])]
    if answer["nearest"]:
        blocks.append("Nearest: " + "; ".join(answer["nearest"]))
    blocks += [_conflict(each) for each in answer["conflicts"]]
    blocks += answer["warnings"]
    reason = f", {answer['reason']}" if answer["reason"] else ""
    took = sum(answer["timings"].values())
    how = f"{answer['status']} · confidence {answer['confidence']:.2f} · route {answer['route']}"
    blocks.append(f"{how} · rung {answer['rung']}{reason} · {took:.0f} ms · release {answer['release']}")
    return "\n\n".join(blocks)


def _citation(citation: dict[str, Any]) -> str:
    page = f", page {citation['page']}" if citation["page"] else f", characters {citation['start']}-{citation['end']}"
    doubted = "unverified: " if citation.get("verdict") == "unverified" else ""
    return f"[{citation['marker']}] {doubted}{citation['title']} ({citation['file']}{page}): “{citation['quote']}”"


def _conflict(conflict: dict[str, Any]) -> str:
    where = f"{conflict['file']}, {conflict['effective_date']}"
    return f"[{conflict['marker']}] The {conflict['version']} version differs ({where}): “{conflict['quote']}”"
