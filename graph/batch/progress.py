"""How far a batch is, and its commits where an engine makes them by number."""

import math
from collections.abc import Callable
from dataclasses import dataclass

Report = Callable[["BatchProgress"], None]


@dataclass
class BatchProgress:
    """How far a run is: answers, and those with an error among them."""

    expected: int
    answered: int = 0
    failed: int = 0


def commit_all(
    count: int, commit_rows: int, commit: Callable[[int, int], None], failed: Callable[[], int], report: Report
) -> BatchProgress:
    """Answer `count` rows in commits of about `commit_rows`.

    `commit` makes one, by its number and that of all; `failed` counts the rows of the table that have an error.
    """
    commits, progress, before = math.ceil(count / commit_rows), BatchProgress(count), failed()
    for number in range(commits):
        commit(number, commits)
        progress.answered = round(count * (number + 1) / commits)
        report(progress)
    progress.failed = failed() - before
    return progress
