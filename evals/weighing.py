"""Two runs on one dataset become a Verdict."""

from datetime import UTC, datetime

from evals.criteria import Side
from evals.errors import RunInvalid
from evals.gate import decide
from evals.runs import Run
from evals.scores import by_metric
from evals.scoring import score_run
from evals.thresholds import Thresholds
from evals.verdict import Judged, Verdict
from graph.prices import Prices


async def weigh(run: Run, champion: Run | None, thresholds: Thresholds, prices: Prices, threads: int) -> Verdict:
    """The Verdict on what a run asked, against what the champion's did; raises RunInvalid."""
    if champion and champion.about.dataset_digest != run.about.dataset_digest:
        raise RunInvalid(
            f"The runs are not on the same questions: {run.place} is on {run.about.dataset} "
            f"({run.about.dataset_digest[:12]}), {champion.place} on {champion.about.dataset} "
            f"({champion.about.dataset_digest[:12]}). Run the champion on this dataset too."
        )
    sides = [await _side(each, prices, threads) for each in (run, champion) if each]
    verdict = decide(thresholds, run.dataset, sides[0], sides[1] if champion else None)
    return verdict.model_copy(update={"made": datetime.now(UTC).isoformat(timespec="seconds")})


async def _side(run: Run, prices: Prices, threads: int) -> Side:
    about = run.about
    judged = Judged(
        label=about.label, release=about.release, snapshot=about.snapshot, version=about.version, commit=about.commit
    )
    return Side(judged, by_metric(await score_run(run, prices, threads)))
