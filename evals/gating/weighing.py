"""Two runs on one dataset become a Verdict."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from evals.errors import RunInvalid
from evals.gating.criteria import Side
from evals.gating.gate import decide
from evals.gating.thresholds import Thresholds
from evals.gating.verdict import KEYLESS, Judged, Verdict
from evals.judging.judged import Judgements
from evals.runs import Run
from evals.scores import by_metric
from evals.scoring import score_run
from graph.prices import Prices


@dataclass(frozen=True)
class Judges:
    """Who judges, as the Verdict names it, and how a run is judged."""

    label: str
    of: Callable[[Run], Awaitable[Judgements]]


async def weigh(
    run: Run, champion: Run | None, thresholds: Thresholds, prices: Prices, threads: int, judges: Judges | None = None
) -> Verdict:
    """The Verdict on what a run asked, against what the champion's did, both judged alike; raises RunInvalid."""
    if champion and champion.about.dataset_digest != run.about.dataset_digest:
        raise RunInvalid(
            f"The runs are not on the same questions: {run.place} is on {run.about.dataset} "
            f"({run.about.dataset_digest[:12]}), {champion.place} on {champion.about.dataset} "
            f"({champion.about.dataset_digest[:12]}). Run the champion on this dataset too."
        )
    sides = [await _side(each, prices, threads, judges) for each in (run, champion) if each]
    verdict = decide(thresholds, run.dataset, sides[0], sides[1] if champion else None)
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return verdict.model_copy(update={"made": made, "judge": judges.label if judges else KEYLESS})


async def _side(run: Run, prices: Prices, threads: int, judges: Judges | None) -> Side:
    about = run.about
    judged = Judged(
        label=about.label, release=about.release, snapshot=about.snapshot, version=about.version, commit=about.commit
    )
    scores = await score_run(run, prices, threads)
    return Side(judged, by_metric((*scores, *(await judges.of(run)).scores) if judges else scores))
