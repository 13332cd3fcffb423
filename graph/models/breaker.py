"""Circuit breakers, one for each model endpoint of the process, on top of interlock.

A closed breaker allows every call, an open one none, and a half-open one a limited number, whose share of failures
decides. Only failures of the endpoint count: not refused content, requests that are too long, questions that the
passages do not answer, or cancelled calls.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from threading import Lock

from interlock import CircuitBreaker, CircuitOpenError, Config
from interlock.protocols import Clock

from ..errors import ModelFailed
from ..release import Breaker

NEVER_SLOW = 86_400.0
NOT_COUNTED = ("content_policy", "context_window", "no_evidence", "unsupported", "circuit_open")


@dataclass(frozen=True)
class BreakerState:
    """The state of a breaker: `failures` of the last `calls`."""

    name: str
    state: str
    failures: int
    calls: int


class EndpointBreaker:
    """The breaker of one endpoint; safe for concurrent tasks and threads."""

    def __init__(self, name: str, rules: Breaker, clock: Clock | None = None) -> None:
        self.name = name
        config = Config(
            failure_rate_threshold=rules.failures,
            minimum_number_of_calls=rules.minimum,
            window_size=rules.window,
            wait_duration_in_open=rules.open_seconds,
            permitted_calls_in_half_open=rules.probes,
            max_concurrent_probes=rules.probes,
            # A slow call is not a failure: the role's timeout limits it.
            slow_call_duration_threshold=NEVER_SLOW,
        )
        self._circuit = CircuitBreaker(name=name, config=config, clock=clock, classifier=_Classifier())

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Wrap one call; raises ModelFailed with the reason circuit_open when calls are not allowed."""
        entered = False
        try:
            async with self._circuit:
                entered = True
                yield
        except CircuitOpenError as error:
            if entered:
                raise
            raise ModelFailed("circuit_open", f"{self.name} is left alone after too many failures.") from error

    @property
    def state(self) -> BreakerState:
        """The current state; an open breaker becomes half-open only with the next call."""
        counts = self._circuit.snapshot()
        return BreakerState(self.name, self._circuit.state.value, counts.failed_calls, counts.total_calls)


class _Classifier:
    """Tells interlock which errors count as failures."""

    def is_failure(self, *, result: object, exception: Exception | None) -> bool:
        if isinstance(exception, ModelFailed):
            return exception.counts and exception.reason not in NOT_COUNTED
        return exception is not None


_known: dict[tuple[str, str, Breaker], EndpointBreaker] = {}
_lock = Lock()


def breaker_of(name: str, url: str, rules: Breaker) -> EndpointBreaker:
    """The breaker of this process for a model at a URL with these rules."""
    with _lock:
        return _known.setdefault((name, url, rules), EndpointBreaker(name, rules))


def breaker_states() -> list[BreakerState]:
    """The state of every breaker of this process, by name."""
    with _lock:
        return sorted((breaker.state for breaker in _known.values()), key=lambda state: state.name)
