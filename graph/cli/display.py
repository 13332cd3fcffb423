"""How answers and passages look on a terminal."""

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ..state import Answer, Citation, Conflict, Passage, Repair

COLOURS = {"answered": "green", "partial": "yellow", "declined": "red"}
QUOTED = 240


def answer_panel(answer: Answer) -> RenderableType:
    """The answer, its citations, and how it came about."""
    total = sum(answer["timings"].values())
    why = f", {answer['reason']}" if answer["reason"] else ""
    kept = f" · {' and '.join(answer['cached'])} from the cache" if answer["cached"] else ""
    path = f"route {answer['route']} · rung {answer['rung']}{why} · {total:.0f} ms{kept}"
    made = f"release {answer['release']} · snapshot {answer['snapshot']}"
    parts: list[RenderableType] = [Text(answer["text"]), Text()]
    parts += [_citation(citation) for citation in answer["citations"]]
    parts += [_conflict(conflict) for conflict in answer["conflicts"]]
    parts += [_repair(repair) for repair in answer["repairs"]]
    if answer["nearest"]:
        parts.append(Text("nearest: " + "; ".join(answer["nearest"]), style="dim"))
    parts.append(Text(f"{path}\n{made}", style="dim"))
    title = f"{answer['status']} · confidence {answer['confidence']:.2f}"
    return Panel(Group(*parts), title=title, title_align="left", border_style=COLOURS[answer["status"]])


def place(found: Citation | Passage) -> str:
    """File, page and character span."""
    page = f", page {found['page']}" if found["page"] else ""
    return f"{found['file']}{page}, characters {found['start']}-{found['end']}"


def _citation(citation: Citation) -> Text:
    text = Text(f"[{citation['marker']}] ", style="bold").append(place(citation), style="cyan")
    return text.append(_quoted(citation["quote"]))


def _conflict(conflict: Conflict) -> Text:
    head = f"[{conflict['marker']}] the {conflict['version']} version of {conflict['effective_date']} differs: "
    text = Text(head, style="yellow")
    text.append(conflict["file"], style="cyan")
    return text.append(_quoted(conflict["quote"]))


def _quoted(quote: str) -> str:
    line = " ".join(quote.split())
    return f"\n    “{line[:QUOTED]}{'…' if len(line) > QUOTED else ''}”\n"


REPAIRED = {
    "moved": "cited from another passage",
    "added": "cited, which it was not",
    "dropped": "one citation dropped",
    "removed": "removed",
    "unverified": "kept, and not verified",
}


def _repair(repair: Repair) -> Text:
    text = Text(f"{REPAIRED[repair['action']]}: ", style="yellow")
    return text.append(f"“{repair['claim'][:QUOTED]}” ({repair['because']})\n")


STEPS = {
    "preprocess": "reads the question and what was said before",
    "retrieve": "searches the index",
    "rerank": "orders what was found, and keeps the best",
    "route": "chooses simple or complex, and what can be quoted",
    "generate": "writes the answer",
    "fallback": "tries again or in another way, or declines",
    "cite": "checks each claim against its passage",
}


def trace(answer: Answer) -> RenderableType:
    """Each step with its milliseconds, and which model was called how often."""
    table = Table(show_edge=False, show_footer=True)
    table.add_column("step", footer="total")
    table.add_column("what it does")
    table.add_column("milliseconds", footer=f"{sum(answer['timings'].values()):.1f}", justify="right")
    for step, spent in answer["timings"].items():
        table.add_row(step, STEPS.get(step, ""), f"{spent:.1f}")
    usage = answer["usage"]
    tokens = f"{usage['input_tokens']} tokens sent, {usage['output_tokens']} received"
    calls = f"{usage['calls']} call{'s' * (usage['calls'] != 1)}, {tokens}" if usage["calls"] else "not called"
    lines = [f"model {usage['model']}: {calls}" if usage["model"] != "extractive" else "no model was called"]
    lines += [f"detail: {answer['detail']}"] if answer["detail"] else []
    return Group(table, Text("\n".join(lines)))


def passage_table(passages: list[Passage]) -> Table:
    """Passages with their scores, best first."""
    table = Table(show_edge=False, show_lines=True)
    for name in ("", "fused", "lexical", "vector"):
        table.add_column(name, justify="right")
    table.add_column("passage", overflow="fold")
    for number, found in enumerate(passages, 1):
        head = Text(f"{found['title']}", style="bold").append(f"\n{place(found)}\n", style="cyan")
        text = " ".join(found["text"].split())
        table.add_row(
            str(number), *map(_score, (found["score"], found["lexical"], found["vector"])), head.append(text[:QUOTED])
        )
    return table


def _score(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
