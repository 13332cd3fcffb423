"""The ladder: which rung comes after a failure, after what pause, and how long it may take; pure.

A pause before a retry is drawn from 0 to `backoff * 2**retry` (full jitter: Brooker, Exponential Backoff and Jitter,
AWS Architecture Blog, 2015), or is what the endpoint's Retry-After says. A rung whose pause does not fit is left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import DECLINES
from ..release import Release, Role
from ..state import Failure, Route, Rung

RETRIED = ("error", "timeout")
LONGEST_PAUSE = 8.0
"""Seconds that a drawn pause never exceeds."""
RESERVE_SHARE, RESERVE_MOST = 0.1, 1.0
"""What of the deadline, at most how many seconds, no model may use: quoting and checking are to be done in them."""
BACKUP_SHARE = 1 / 3
"""What of the deadline is kept for a backup model, or its timeout where that is less."""
LEAST_SHARE = 0.1
"""A model is not asked when it would get less than this share of its timeout."""
FAIR_SHARE = 0.5
"""A model that got less than this share of its timeout is not blamed for using it up."""
SHRUNK = 0.5
"""The share of the passages that is sent again after the endpoint called the request too long."""


@dataclass(frozen=True)
class Step:
    """A rung of the ladder and the writer that stands on it; on the last rung there is none."""

    rung: Rung
    writer: str | None
    role: Role = "simple"
    share: float = 1.0
    """The share of the passages that it is sent."""


@dataclass(frozen=True)
class Climb:
    """A step to take: after `pause` seconds, in at most `seconds`; `number` steps of the ladder are then behind us."""

    step: Step
    number: int = 0
    pause: float = 0.0
    seconds: float = 0.0
    blamed: bool = True
    """Whether using up `seconds` says something about the model's endpoint."""


@dataclass(frozen=True)
class Moment:
    """Where a question stands: seconds `left` of its deadline, steps `taken`, the writer whose draft was refused."""

    left: float
    taken: int = 0
    refused: str | None = None
    draw: float = 1.0
    """A random number from 0 to 1 for the pause."""


def primary(release: Release, route: Route) -> Step:
    """The first rung of a route."""
    return Step("primary", release.models.complex if route == "complex" else release.models.simple, route)


def hedge(release: Release, route: Route) -> Step:
    """The second model of a hedged request: the backup, or the same model again where that is none."""
    first = primary(release, route)
    if release.models.backup in (first.writer, "extractive"):
        return Step("hedge", first.writer, route)
    return Step("hedge", release.models.backup, "backup")


def ladder(release: Release, route: Route) -> list[Step]:
    """The rungs below the first one for a route, top down; no writer is tried on two rungs but to retry."""
    first = primary(release, route)
    steps = [Step("retry", first.writer, route)] * release.generation.retries
    if first.writer != "extractive":
        steps.append(Step("retry", first.writer, route, share=SHRUNK))
    if release.models.backup not in (first.writer, "extractive"):
        steps.append(Step("backup", release.models.backup, "backup"))
    if first.writer != "extractive":
        steps.append(Step("extractive", "extractive", route))
    return [*steps, Step("decline", None, route)]


def begin(release: Release, route: Route, left: float) -> Climb:
    """The first rung and its time, `left` seconds of the deadline being left."""
    return _climb(release, primary(release, route), ladder(release, route), left)


def begin_hedge(release: Release, route: Route, left: float) -> Climb | None:
    """The second model of a hedged request and its time, when there is to be one."""
    after = release.generation.hedge_after
    if after is None or primary(release, route).writer == "extractive":
        return None
    second = _climb(release, hedge(release, route), ladder(release, route), left - after)
    return second if second.seconds > 0 else None


def climb(release: Release, route: Route, failure: Failure, now: Moment) -> Climb:
    """The next rung worth climbing to; the last one when there is none."""
    steps = ladder(release, route)
    if failure["reason"] not in DECLINES:
        for number in range(now.taken, len(steps) - 1):
            step, pause = steps[number], _pause(release, steps[number], number, failure, now)
            taken = _climb(release, step, steps[number + 1 :], now.left - pause)
            if worth(step, failure, now.refused) and (step.writer == "extractive" or taken.seconds > 0):
                return Climb(step, number + 1, pause, taken.seconds, taken.blamed)
    return Climb(steps[-1], len(steps))


def worth(step: Step, failure: Failure, refused: str | None) -> bool:
    """Whether a rung may do better than what failed."""
    if step.share < 1:
        return failure["reason"] == "context_window"
    if step.rung == "retry":
        return failure["transient"] and failure["reason"] in RETRIED
    return step.writer != refused


def _pause(release: Release, step: Step, number: int, failure: Failure, now: Moment) -> float:
    """Seconds to wait before a step: only a retry waits, and only for what may pass."""
    if step.rung != "retry" or step.share < 1:
        return 0.0
    retry_after = failure.get("retry_after")
    return (
        retry_after
        if retry_after is not None
        else now.draw * min(LONGEST_PAUSE, release.generation.backoff * 2**number)
    )


def _climb(release: Release, step: Step, below: Sequence[Step], left: float) -> Climb:
    """A step with its time: its timeout, and no more than leaves the rungs below theirs; 0 when that is too little."""
    deadline, timeout = release.generation.deadline, release.generation.terms(step.role).timeout
    if step.writer == "extractive":
        return Climb(step, seconds=max(left, RESERVE_MOST))
    spare = left - min(RESERVE_MOST, RESERVE_SHARE * deadline)
    if any(lower.rung == "backup" for lower in below):
        spare -= min(BACKUP_SHARE * deadline, release.generation.terms("backup").timeout)
    seconds, own = min(timeout, spare), min(timeout, deadline)
    return Climb(step, seconds=seconds if seconds >= LEAST_SHARE * own else 0.0, blamed=seconds >= FAIR_SHARE * own)
