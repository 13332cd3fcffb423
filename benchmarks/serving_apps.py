"""What the server is measured beside: a plain FastAPI route, and LangServe, over the same graph or over one that does
nothing in eight steps.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI, Request
from langgraph.graph import END, START, StateGraph
from langserve import add_routes
from pydantic import BaseModel
from typing_extensions import TypedDict

from graph.agent import Agent
from graph.settings import quiet_libraries
from graph.state import Answer, Citation, no_usage
from graph.sync import Graph
from server.app import assemble
from server.releases.deployments import Deployments, environment_agent
from server.settings import ServerSettings

quiet_libraries()
STEPS = 8
QUOTE = "Laptops are replaced every 4 years and telephones every 3 years."


class Nothing(TypedDict, total=False):
    """What the graph that does nothing hands on."""

    question: str
    answer: Answer


class Input(BaseModel):
    """A question as LangServe takes it."""

    question: str


def bare() -> FastAPI:
    """A route that reads JSON and gives a constant."""
    app = FastAPI()

    @app.post("/ask")
    async def ask(request: Request) -> dict[str, Any]:
        await request.json()
        return {"answer": dict(canned())}

    return app


def plain() -> FastAPI:
    """A route over the real graph."""
    return _route(lambda: environment_agent()())


def plain_noop() -> FastAPI:
    """A route over the graph that does nothing."""
    return _route(open_noop)


def langserve_noop() -> FastAPI:
    """LangServe as it comes, over the graph that does nothing."""
    app = FastAPI()
    add_routes(app, noop_graph().with_config(run_name="noop"), path="/rag", input_type=Input)
    return app


def ours_noop() -> FastAPI:
    """Our server over the graph that does nothing."""
    return assemble(ServerSettings(state=Path(os.environ["WARRANT_STATE"])), Deployments(open_noop))  # noqa: TID251


async def open_noop() -> Agent:
    """The described agent, whose graph does nothing."""
    real = await environment_agent()()
    return Agent(real.release, real.backend, noop_graph())


def noop_graph() -> Graph:
    """Eight steps one after the other, the last of which gives an answer."""
    graph = StateGraph(Nothing)
    for number in range(STEPS):
        graph.add_node(f"step{number}", _last if number == STEPS - 1 else _nothing)
        graph.add_edge(f"step{number - 1}" if number else START, f"step{number}")
    graph.add_edge(f"step{STEPS - 1}", END)
    return cast("Graph", graph.compile())


async def _nothing(state: Nothing) -> Nothing:
    return {}


async def _last(state: Nothing) -> Nothing:
    return {"answer": canned()}


def canned() -> Answer:
    """An answer of the usual size."""
    found = Citation(
        marker=1,
        passage="p",
        document="d",
        file="d.md",
        title="D",
        page=None,
        start=0,
        end=64,
        quote=QUOTE,
        support=1.0,
        verdict="supported",
    )
    return Answer(
        text=f"{QUOTE} [1]", status="answered", confidence=0.9, citations=[found], route="simple", rung="primary",
        reason=None, detail=None, nearest=[], release="noop", snapshot="noop", timings={}, usage=no_usage(), asked="",
        parts=[], unanswered=[], missing=[], language="en", repairs=[], conflicts=[], cached=[],
    )  # fmt: skip


def _route(opening: Any) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.agent = await opening()
        yield

    app = FastAPI(lifespan=lifespan)

    @app.post("/ask")
    async def ask(request: Request, asked: Input) -> dict[str, Any]:
        reply = await request.app.state.agent.graph.ainvoke({"question": asked.question})
        return {"answer": reply["answer"]}

    return app
