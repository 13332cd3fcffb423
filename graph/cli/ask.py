"""warrant ask: a question becomes a cited answer, on a terminal or as JSON."""

import asyncio
from typing import TYPE_CHECKING

import click
from rich.live import Live
from rich.text import Text

from ..errors import QuestionInvalid, WarrantError
from ..garbage import importing
from ..release import Release
from ..release_yaml import load_release
from ..settings import Settings
from ..state import Answer, Question, Turn
from . import display
from .options import filter_of, takes, takes_settings
from .terminal import Terminal, echo, json_text

if TYPE_CHECKING:
    from ..backend import Backend
    from ..sync import Graph

PROMPT = "Question (empty to leave)"


@click.command()
@click.argument("question", required=False)
@takes_settings("index", "release")
@takes("filter", "group", "json")
@click.option("--trace", is_flag=True, help="Show what each step does and how long it took.")
def ask(
    question: str | None,
    settings: Settings,
    filters: tuple[str, ...],
    groups: tuple[str, ...],
    as_json: bool,
    trace: bool,
) -> None:
    """Ask a question; without one, hold a conversation."""
    chosen = load_release(settings.release)

    async def run() -> None:
        backend, graph = await _open(settings, chosen)
        base = Question(question="", filters=filter_of(filters, backend.retriever.columns), groups=list(groups))
        if question is not None:
            answer = await _answer(graph, {**base, "question": question}, quiet=as_json)
            _print(answer, as_json=as_json, trace=trace)
        else:
            await _converse(graph, base, as_json=as_json, trace=trace)

    asyncio.run(run())


async def _open(settings: Settings, release: Release) -> "tuple[Backend, Graph]":
    with importing():
        from ..connect import connect

        backend = await connect(settings, release)
        from ..builder import build_graph

        return backend, build_graph(release, backend)


async def _answer(graph: "Graph", question: Question, *, quiet: bool) -> Answer:
    """Ask, and show the draft on a terminal while it is being written."""
    from ..stream_items import public_items

    draft, answer = "", None
    console = Terminal(stderr=True)
    with Live(console=console, transient=True, auto_refresh=False) as live:
        async for item in public_items(graph, question):
            if item["event"] == "error":
                raise item["error"]
            if item["event"] == "final":
                answer = item["answer"]
            if item["event"] == "token":
                draft += item["text"]
            if item["event"] == "status":
                draft = "" if item["step"] in ("generate", "fallback") else draft
            if console.is_terminal and not quiet:
                live.update(Text(draft or f"{item.get('step', '')} ...", style="dim"), refresh=True)
    if answer is None:
        raise WarrantError("The graph ended without an answer.")
    return answer


async def _converse(graph: "Graph", base: Question, *, as_json: bool, trace: bool) -> None:
    history: list[Turn] = []
    while text := await asyncio.to_thread(_prompt):
        try:
            answer = await _answer(graph, {**base, "question": text, "history": history}, quiet=as_json)
        except QuestionInvalid as error:
            echo(f"warrant: {error}", err=True)
            continue
        _print(answer, as_json=as_json, trace=trace)
        history += [Turn(role="user", content=text), Turn(role="assistant", content=answer["text"])]


def _prompt() -> str:
    """The next question; empty at the end of the input."""
    try:
        return str(click.prompt(PROMPT, default="", show_default=False)).strip()
    except click.Abort as aborted:
        # The same for Ctrl-C and the end of the input, which ends a conversation.
        if isinstance(aborted.__context__, EOFError):
            return ""
        raise


def _print(answer: Answer, *, as_json: bool, trace: bool) -> None:
    console = Terminal()
    if as_json:
        echo(json_text(answer))
        return
    console.print(display.answer_panel(answer))
    if trace:
        console.print(display.trace(answer))
