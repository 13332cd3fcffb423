"""Holds every question to the limits of its caller, team and endpoint, off the event loop."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Self

from graph.agent import Agent
from graph.prices import cost
from graph.release import ROLES
from graph.state import Usage
from server.context import RequestContext
from server.errors import refuse
from server.limits.rules import UNITS, LimitRule, Unit, read_rules, rules_for
from server.limits.usage import LimitReached, Reservation, UsageKey, UsageStore
from server.observability.observers import QuestionRecord
from server.settings import ServerSettings

log = logging.getLogger("warrant.limits")
WRITE_AFTER = 1.0
"""Seconds for which usage is summed up before it is written; of a killed process so much is not in `warrant usage`."""
NOTHING: Mapping[Unit, float] = dict.fromkeys(UNITS, 0.0)
ONE: Mapping[Unit, float] = {**NOTHING, "requests": 1.0}
ASKING_MODELS = ("generate", "fallback", "cite")
"""Steps that may ask a model: where one began and no answer says what was used, what was reserved counts as used."""


class Limiter:
    """Reserves before a question is answered, and settles after."""

    def __init__(self, settings: ServerSettings) -> None:
        """Raises SettingsInvalid when the rules are wrong or the counts cannot be kept."""
        self._rules = read_rules(settings.limits) if settings.limits else ()
        self._prices = settings.prices
        self._store = UsageStore(settings.usage, settings.state)
        # One thread: SQLite has one writer, and what is settled is settled in order.
        self._thread = ThreadPoolExecutor(1, "limits")
        self._unwritten: dict[UsageKey, dict[Unit, float]] = {}

    def __enter__(self) -> Self:
        self._thread.submit(self._store.forget_old).add_done_callback(_log_failure)
        return self

    def __exit__(self, *error: object) -> None:
        """Settle what is left, and close the store."""
        self._write()
        self._thread.shutdown()
        self._store.close()

    async def reserve(self, request: RequestContext, agent: Agent, first: Callable[[], object] | None) -> Reservation:
        """Take what a question may use; raises RequestRefused (429) where too little is left, or StateUnavailable.

        `first` is done before, in the same thread: to wait for a thread takes longer than most of what is done there.
        """
        rules = [*rules_for(self._rules, request.caller, request.api)]
        return await self._take(request, rules, self._most(agent) if rules else NOTHING, first)

    async def count(self, request: RequestContext, first: Callable[[], object] | None) -> None:
        """Count a request that asks no question; raises as `reserve` does."""
        rules = [*rules_for(self._rules, request.caller, request.api)]
        await self._take(request, rules, ONE, first)
        self._sum_up(request, "", ONE)

    async def _take(
        self,
        request: RequestContext,
        rules: Sequence[tuple[LimitRule, str]],
        amounts: Mapping[Unit, float],
        first: Callable[[], object] | None,
    ) -> Reservation:
        if not (rules or first):
            return Reservation((), amounts)
        found = await asyncio.wrap_future(self._thread.submit(self._reserve, rules, amounts, first))
        if isinstance(found, LimitReached):
            request.headers["retry-after"] = str(found.seconds)
            raise refuse(429, _sentence(found.rule, found.seconds))
        if found.tightest:
            rule, left, seconds = found.tightest
            request.headers["ratelimit-limit"] = f"{rule.most:g}"
            request.headers["ratelimit-remaining"] = f"{max(0.0, left):g}"
            request.headers["ratelimit-reset"] = str(seconds)
        return found

    def _reserve(
        self, rules: Sequence[tuple[LimitRule, str]], amounts: Mapping[Unit, float], first: Callable[[], object] | None
    ) -> Reservation | LimitReached:
        if first:
            first()
        return self._store.reserve(rules, amounts) if rules else Reservation((), amounts)

    def _most(self, agent: Agent) -> Mapping[Unit, float]:
        """The most that one call of the release's dearest model uses: its whole context window."""
        release, output = agent.release, agent.release.generation.max_tokens
        models = {release.models.simple, release.models.complex} - {"extractive"}
        tokens = max(release.generation.terms(role).context_window for role in ROLES) if models else 0
        costs = [cost(Usage(model=m, calls=1, input_tokens=tokens, output_tokens=output), self._prices) for m in models]
        return {"requests": 1.0, "tokens": float(tokens), "cost": max((each or 0.0 for each in costs), default=0.0)}

    def settle(self, reservation: Reservation, record: QuestionRecord) -> None:
        """Count what a question used; what cannot be counted stays reserved, and the log says so."""
        usage = record.answer["usage"] if record.answer else None
        if usage:
            tokens, spent = usage["input_tokens"] + usage["output_tokens"], cost(usage, self._prices) or 0.0
        elif any(step in ASKING_MODELS for step, _ in record.steps):
            tokens, spent = round(reservation.amounts["tokens"]), reservation.amounts["cost"]
        else:
            tokens, spent = 0, 0.0
        used: dict[Unit, float] = {"requests": 1, "tokens": tokens, "cost": spent}
        if any(used[unit] != reservation.amounts[unit] for _, _, unit in reservation.counts):
            self._thread.submit(self._store.settle, reservation, used).add_done_callback(_log_failure)
        self._sum_up(record.request, usage["model"] if usage else "", used)

    def _sum_up(self, request: RequestContext, model: str, used: Mapping[Unit, float]) -> None:
        """Add to what was used since it was last written."""
        caller, day = request.caller, datetime.now(UTC).strftime("%Y-%m-%d")
        key = UsageKey(day, caller.team, caller.name, request.api, model)
        if not self._unwritten:
            asyncio.get_running_loop().call_later(WRITE_AFTER, self._write)
        before = self._unwritten.setdefault(key, dict.fromkeys(used, 0.0))
        self._unwritten[key] = {unit: before[unit] + amount for unit, amount in used.items()}

    def _write(self) -> None:
        """Write what was used since the last time."""
        if self._unwritten:
            self._thread.submit(self._store.add, self._unwritten).add_done_callback(_log_failure)
            self._unwritten = {}


def _sentence(rule: LimitRule, seconds: int) -> str:
    amount = f"${rule.most:g}" if rule.unit == "cost" else f"{rule.most:,.0f} {rule.unit}"
    return f"This {rule.of} may use {amount} a {rule.per}, and too little is left. Ask again in {seconds} s."


def _log_failure(done: "Future[None]") -> None:
    if error := done.exception():
        log.error("usage was not counted", exc_info=error)
