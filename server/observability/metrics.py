"""Observes requests, questions and deployments as Prometheus metrics."""

import asyncio
import os
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

from starlette.types import Scope

from graph.agent import Agent
from graph.models.breaker import BreakerState
from graph.prices import cost
from graph.state import Answer, Usage
from server.context import RequestContext, mount_path
from server.observability import metric_definitions
from server.observability.observers import Observer, QuestionRecord
from server.processes import background_task
from server.releases.deployments import Deployment, Deployments, ServingState, pinned_version
from server.settings import ServerSettings, metrics_folder

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
NONE, LOCAL = "none", "local"
STATES = {"closed": 0, "half_open": 1, "open": 2}
REFRESH_EVERY = 5.0
"""Seconds between two updates of the gauges of deployments."""


class Metrics(Observer):
    """Counts requests and questions; to be entered while the server runs."""

    def __init__(self, settings: ServerSettings) -> None:
        self._prices = settings.prices
        self._folder: Path | None = metrics_folder()
        self._served: set[tuple[str, ...]] = set()
        self._swaps = self._failures = 0

    def __enter__(self) -> "Metrics":
        for kind in ("trace", "feedback"):
            for outcome in ("sent", "dropped", "failed"):
                metric_definitions.TRACES.labels(kind, outcome)
        for outcome in ("asked", "dropped", "failed"):
            metric_definitions.SHADOWS.labels(outcome)
        for store in ("conversations", "feedback"):
            metric_definitions.NOT_STORED.labels(store)
        return self

    def __exit__(self, *_: object) -> None:
        if self._folder:
            metric_definitions.forget(os.getpid(), self._folder)

    def run(self, deployments: Deployments) -> AbstractAsyncContextManager[None]:
        """Update the gauges every few seconds: of several workers Prometheus asks only one."""
        return background_task(partial(self._follow, deployments))

    def page(self, deployments: Deployments) -> bytes:
        """All metrics in Prometheus' text format."""
        self._update(deployments)
        return metric_definitions.page(self._folder)

    def not_stored(self, store: str) -> None:
        """Count a failed read or write of a store: conversations or feedback."""
        metric_definitions.NOT_STORED.labels(store).inc()

    def shadow(self, outcome: str) -> None:
        """Count a question for the shadow candidate: asked, failed or dropped."""
        metric_definitions.SHADOWS.labels(outcome).inc()

    def _update_served(self, state: ServingState) -> None:
        """Update which versions are served, and how often that changed."""
        now = {_served_labels(target, each) for target, each in state.deployments.items()}
        for gone in self._served - now:
            metric_definitions.SERVED.labels(*gone).set(0)
        for labels in now:
            metric_definitions.SERVED.labels(*labels).set(1)
        self._served = now
        metric_definitions.SWAPS.inc(state.swaps - self._swaps)
        metric_definitions.FAILURES.inc(state.failures - self._failures)
        self._swaps, self._failures = state.swaps, state.failures

    def question_started(self) -> None:
        """Count a question under way."""
        metric_definitions.IN_PROGRESS.inc()

    def request_ended(self, request: RequestContext, scope: Scope, status: int, seconds: float) -> None:
        """Count a request."""
        method = scope["method"] if scope["method"] in METHODS else "other"
        path = template(scope)
        metric_definitions.REQUESTS.labels(request.api, method, path, str(status)).inc()
        metric_definitions.REQUEST_SECONDS.labels(request.api, path).observe(seconds)
        # The graph time of concurrent questions exceeds the wall clock's.
        if request.questions == 1 and request.graph_ms:
            metric_definitions.OVERHEAD_SECONDS.observe(max(0.0, seconds - request.graph_ms / 1000))

    def question_ended(self, record: QuestionRecord) -> None:
        """Count a question."""
        metric_definitions.IN_PROGRESS.dec()
        answer = record.answer
        labels = (answer["route"], answer["rung"], answer["reason"] or NONE) if answer else (NONE, NONE, NONE)
        version = record.deployment.version or LOCAL
        metric_definitions.QUESTIONS.labels(record.code, *labels, version).inc()
        metric_definitions.QUESTION_SECONDS.labels(record.code, version).observe(max(0.0, record.ended - record.began))
        for step in record.timings:
            metric_definitions.STEP_SECONDS.labels(step.name).observe(step.ended - step.began)
        if answer:
            self._answered(answer)
            _caches(answer["cached"], record.agent)
        _breakers(record.agent)

    def trace(self, kind: str, outcome: str) -> None:
        """Count a trace, or feedback on one: sent, dropped or failed."""
        metric_definitions.TRACES.labels(kind, outcome).inc()

    def _answered(self, answer: Answer) -> None:
        metric_definitions.CONFIDENCE.observe(answer["confidence"])
        if "answer" in answer["cached"]:
            return
        self._tokens(answer["usage"])
        metric_definitions.CONFLICTS.inc(len(answer["conflicts"]))
        for repair in answer["repairs"]:
            metric_definitions.REPAIRS.labels(repair["action"]).inc()

    def _tokens(self, usage: Usage) -> None:
        if not usage["calls"]:
            return
        model = usage["model"]
        metric_definitions.TOKENS.labels(model, "input").inc(usage["input_tokens"])
        metric_definitions.TOKENS.labels(model, "output").inc(usage["output_tokens"])
        if (dollars := cost(usage, self._prices)) is not None:
            metric_definitions.COST.labels(model).inc(dollars)

    async def _follow(self, deployments: Deployments) -> None:
        while True:
            if deployments.ready:
                self._update(deployments)
            await asyncio.sleep(REFRESH_EVERY)

    def _update(self, deployments: Deployments) -> None:
        """Update the gauges."""
        self._update_served(deployments.state)
        _breakers(deployments.agent)


def _breakers(agent: Agent) -> None:
    """Update the gauge of each model endpoint's circuit breaker."""
    for name, state in worst_states(agent.breakers()).items():
        metric_definitions.BREAKER.labels(name).set(state)


def worst_states(states: Iterable[BreakerState]) -> dict[str, int]:
    """The state of each endpoint's breaker, the worst where several have one name."""
    worst: dict[str, int] = {}
    for state in states:
        worst[state.name] = max(worst.get(state.name, 0), STATES[state.state])
    return worst


def _served_labels(target: str, deployment: Deployment) -> tuple[str, ...]:
    """Labels of a deployment; all pinned versions share one target, and so do all parts of a split."""
    kind = "pinned" if pinned_version(target) else target.partition("-")[0]
    agent = deployment.agent
    return kind, deployment.version or LOCAL, agent.label, agent.snapshot, deployment.standing


def template(scope: Scope) -> str:
    """The route's path template, a mount's path, or `none` without a route."""
    path: str | None = getattr(scope.get("route"), "path", None)
    return path or mount_path(scope) or NONE


def _caches(hit: list[str], agent: Agent) -> None:
    """Count cache lookups: those after a hit are not made."""
    for name in agent.caches:
        metric_definitions.CACHE_LOOKUPS.labels(name, "hit" if name in hit else "miss").inc()
        if name in hit:
            return
