"""Circuit breakers, one for each model endpoint of the process: interlock's, with the share of failures that we count.

Closed lets every call through; open lets none; half-open lets a bounded number through, of which the share of failures
decides again. Only a failure that says something about the endpoint counts: no refused content, no request that was
too long, no question that the passages do not answer, and never a call that the caller gave up.
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
HARMLESS = ("content_policy", "context_window", "no_evidence", "unsupported", "circuit_open")


@dataclass(frozen=True)
class BreakerState:
    """What a breaker has seen: `failures` of the last `calls`."""

    name: str
    state: str
    failures: int
    calls: int


class EndpointBreaker:
    """The breaker of one endpoint; may be used from many tasks and threads at once."""

    def __init__(self, name: str, rules: Breaker, clock: Clock | None = None) -> None:
        self.name = name
        config = Config(
            failure_rate_threshold=rules.failures,
            minimum_number_of_calls=rules.minimum,
            window_size=rules.window,
            wait_duration_in_open=rules.open_seconds,
            permitted_calls_in_half_open=rules.probes,
            max_concurrent_probes=rules.probes,
            # A slow call is no failure: the timeout of its role says what is too slow.
            slow_call_duration_threshold=NEVER_SLOW,
        )
        self._circuit = CircuitBreaker(name=name, config=config, clock=clock, classifier=_Classifier())

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """Around one call; raises ModelFailed with the reason circuit_open when none is let through."""
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
        """The state as of now; an open breaker is half-open only from the next call on."""
        seen = self._circuit.snapshot()
        return BreakerState(self.name, self._circuit.state.value, seen.failed_calls, seen.total_calls)


class _Classifier:
    """What interlock counts as a failure."""

    def is_failure(self, *, result: object, exception: Exception | None) -> bool:
        return exception is not None and not (isinstance(exception, ModelFailed) and exception.reason in HARMLESS)


_known: dict[tuple[str, str, Breaker], EndpointBreaker] = {}
_lock = Lock()


def breaker_of(name: str, url: str, rules: Breaker) -> EndpointBreaker:
    """The one breaker of this process for a model at a URL under these rules."""
    with _lock:
        return _known.setdefault((name, url, rules), EndpointBreaker(name, rules))


def breaker_states() -> list[BreakerState]:
    """The state of every breaker of this process, by name."""
    with _lock:
        return sorted((breaker.state for breaker in _known.values()), key=lambda state: state.name)
