"""Makes one ranking of what several searches found; pure."""

from collections.abc import Iterator, Sequence
from itertools import cycle

from ..state import Passage


def blend(found: Sequence[Sequence[Passage]], weights: Sequence[float]) -> list[Passage]:
    """Passages by the weighted mean of their scores, best first; what a search did not find counts as 0 there.

    A passage that several searches found is taken as the first of them gave it.
    """
    first: dict[str, Passage] = {}
    totals: dict[str, float] = {}
    for passages, weight in zip(found, weights, strict=True):
        for passage in passages:
            first.setdefault(passage["id"], passage)
            totals[passage["id"]] = totals.get(passage["id"], 0.0) + weight * passage["score"]
    whole = sum(weights)
    blended = [Passage(**{**passage, "score": totals[name] / whole}) for name, passage in first.items()]
    return sorted(blended, key=lambda passage: -passage["score"])


def take_turns(found: Sequence[Sequence[Passage]], turns: Sequence[int]) -> list[Passage]:
    """Every passage once: `turns[0]` from the first ranking, `turns[1]` from the second and so on, round after round.

    So that each search keeps a share of a budget, whatever its scores are: those of two searches do not compare.
    """
    queues = [iter(passages) for passages in found]
    taken: dict[str, Passage] = {}
    open_queues = set(range(len(queues)))
    for number in cycle(range(len(queues))):
        if not open_queues:
            break
        fresh = list(_fresh(queues[number], taken, turns[number]))
        taken.update((passage["id"], passage) for passage in fresh)
        if len(fresh) < turns[number]:
            open_queues.discard(number)
    return list(taken.values())


def _fresh(queue: Iterator[Passage], taken: dict[str, Passage], most: int) -> Iterator[Passage]:
    """The next passages of a ranking that no other has given."""
    for passage in queue:
        if most and passage["id"] not in taken:
            most -= 1
            yield passage
        if not most:
            return
