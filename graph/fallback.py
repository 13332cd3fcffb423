"""The ladder: which rung comes after a failure; pure."""

from dataclasses import dataclass

from graph.release import Release
from graph.state import Failure, Route, Rung

RETRIED = ("error", "timeout")


@dataclass(frozen=True)
class Step:
    """A rung of the ladder and the writer that stands on it; on the last rung there is none."""

    rung: Rung
    writer: str | None


def ladder(release: Release, route: Route) -> list[Step]:
    """The rungs below the first one for a route, top down; no writer is tried on two rungs but to retry."""
    primary = release.models.complex if route == "complex" else release.models.simple
    steps = [Step("retry", primary)] * release.generation.retries
    if release.models.backup not in (primary, "extractive"):
        steps.append(Step("backup", release.models.backup))
    if primary != "extractive":
        steps.append(Step("extractive", "extractive"))
    return [*steps, Step("decline", None)]


def after(steps: list[Step], taken: int, failure: Failure) -> int:
    """The index of the next rung worth climbing to, `taken` of them being behind us."""
    if failure["reason"] == "no_evidence":
        return len(steps) - 1
    for number in range(taken, len(steps)):
        pointless = steps[number].rung == "retry" and not (failure["transient"] and failure["reason"] in RETRIED)
        if not pointless:
            return number
    return len(steps) - 1
