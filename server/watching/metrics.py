"""Keeps the books as Prometheus metrics."""

import asyncio
import os
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from importlib.metadata import version
from pathlib import Path

from starlette.types import Scope

from graph.agent import Agent
from graph.models.breaker import BreakerState
from graph.prices import cost
from graph.state import Answer, Usage
from server.background import beside
from server.context import Request
from server.desk import Record
from server.live import Live, State
from server.releases.slots import Slot, pinned_number
from server.settings import ServerSettings, metrics_folder
from server.tracks import path_in
from server.watching import meters
from server.watching.steps import steps_of

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
VERSION = version("warrant-rag")
NONE, LOCAL = "none", "local"
STATES = {"closed": 0, "half_open": 1, "open": 2}
LOOK = 5.0
"""Seconds between two looks at what is served."""


class Metrics:
    """Counts requests and questions; to be entered while the server runs."""

    def __init__(self, settings: ServerSettings) -> None:
        self._prices = settings.prices
        self._folder: Path | None = metrics_folder()
        self._built: tuple[str, str, str] | None = None
        self._tracks: set[tuple[str, ...]] = set()
        self._swaps = self._failures = 0

    def __enter__(self) -> "Metrics":
        for what in ("trace", "feedback"):
            for outcome in ("sent", "dropped", "failed"):
                meters.TRACES.labels(what, outcome)
        for outcome in ("asked", "dropped", "failed"):
            meters.SHADOWS.labels(outcome)
        for kept in ("conversations", "feedback"):
            meters.NOT_KEPT.labels(kept)
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder:
            meters.forget(os.getpid(), self._folder)

    def run(self, live: Live) -> AbstractAsyncContextManager[None]:
        """Look at what is served every few seconds: of several workers Prometheus asks only one."""
        return beside(partial(self._follow, live))

    def page(self, live: Live) -> bytes:
        """What Prometheus reads."""
        self._look(live)
        return meters.page(self._folder)

    def not_kept(self, what: str) -> None:
        """Count what could not be read or kept: conversations or feedback."""
        meters.NOT_KEPT.labels(what).inc()

    def shadow(self, outcome: str) -> None:
        """Count a question that a candidate was to answer: asked, failed or dropped."""
        meters.SHADOWS.labels(outcome).inc()

    def _served(self, state: State) -> None:
        """Which versions are served on which track, and how often that changed."""
        now = {_served_as(track, slot) for track, slot in state.slots.items()}
        for gone in self._tracks - now:
            meters.SERVED.labels(*gone).set(0)
        for there in now:
            meters.SERVED.labels(*there).set(1)
        self._tracks = now
        meters.OVERRIDE.set(any(slot.standing == "override" for slot in state.slots.values()))
        meters.SWAPS.inc(state.swaps - self._swaps)
        meters.FAILURES.inc(state.failures - self._failures)
        self._swaps, self._failures = state.swaps, state.failures

    def question_begun(self) -> None:
        """A question has arrived."""
        meters.IN_PROGRESS.inc()

    def request_ended(self, request: Request, scope: Scope, status: int, seconds: float) -> None:
        """Count a request."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        path = template(scope)
        meters.REQUESTS.labels(request.door, method, path, str(status)).inc()
        meters.REQUEST_SECONDS.labels(request.door, path).observe(seconds)
        # Of several questions at once the graph's time is more than the clock's.
        if request.questions == 1 and request.graph_ms:
            meters.OVERHEAD_SECONDS.observe(max(0.0, seconds - request.graph_ms / 1000))

    def observe(self, record: Record) -> None:
        """Count a question."""
        meters.IN_PROGRESS.dec()
        answer = record.answer
        how = (answer["route"], answer["rung"], answer["reason"] or NONE) if answer else (NONE, NONE, NONE)
        version = record.slot.version or LOCAL
        meters.QUESTIONS.labels(record.code, *how, version).inc()
        meters.QUESTION_SECONDS.labels(record.code, version).observe(max(0.0, record.ended - record.began))
        for step in steps_of(record):
            meters.STEP_SECONDS.labels(step.name).observe(step.ended - step.began)
        if answer:
            self._answered(answer)
            _caches(answer["cached"], record.agent)
        _breakers(record.agent)

    def trace(self, what: str, outcome: str) -> None:
        """Count a trace, or feedback on one: sent, dropped or failed."""
        meters.TRACES.labels(what, outcome).inc()

    def _answered(self, answer: Answer) -> None:
        meters.CONFIDENCE.observe(answer["confidence"])
        if "answer" in answer["cached"]:
            return
        self._tokens(answer["usage"])
        meters.CONFLICTS.inc(len(answer["conflicts"]))
        for repair in answer["repairs"]:
            meters.REPAIRS.labels(repair["action"]).inc()

    def _tokens(self, usage: Usage) -> None:
        if not usage["calls"]:
            return
        model, sent, got = usage["model"], usage["input_tokens"], usage["output_tokens"]
        meters.TOKENS.labels(model, "input").inc(sent)
        meters.TOKENS.labels(model, "output").inc(got)
        if (dollars := cost(usage, self._prices)) is not None:
            meters.COST.labels(model).inc(dollars)

    async def _follow(self, live: Live) -> None:
        while True:
            if live.ready:
                self._look(live)
            await asyncio.sleep(LOOK)

    def _look(self, live: Live) -> None:
        """What is not counted but looked at."""
        self._served(live.state)
        agent = live.agent
        _breakers(agent)
        built = (VERSION, agent.label, agent.snapshot)
        if self._built and self._built != built:
            meters.BUILD.labels(*self._built).set(0)
        if self._built != built:
            meters.BUILD.labels(*built).set(1)
        self._built = built


def _breakers(agent: Agent) -> None:
    """Breakers change only while questions are answered."""
    for name, state in worst_states(agent.breakers()).items():
        meters.BREAKER.labels(name).set(state)


def worst_states(states: Iterable[BreakerState]) -> dict[str, int]:
    """The state of each endpoint's breaker; of several of one name the worst counts."""
    worst: dict[str, int] = {}
    for state in states:
        worst[state.name] = max(worst.get(state.name, 0), STATES[state.state])
    return worst


def _served_as(track: str, slot: Slot) -> tuple[str, ...]:
    """Labels of a slot; pinned versions and those of a split are one track each, for there is no end of them."""
    kind = "pinned" if pinned_number(track) else track.partition("-")[0]
    return kind, slot.version or LOCAL, slot.agent.label, slot.standing


def template(scope: Scope) -> str:
    """The path as the route writes it, with {names}; a mount's own path; none when there is no such route."""
    path: str | None = getattr(scope.get("route"), "path", None)
    return path or path_in(scope) or NONE


def _caches(hit: list[str], agent: Agent) -> None:
    """A cache that is hit spares the ones after it; one that is off is not asked."""
    for name in agent.caches:
        meters.CACHE_LOOKUPS.labels(name, "hit" if name in hit else "miss").inc()
        if name in hit:
            return
