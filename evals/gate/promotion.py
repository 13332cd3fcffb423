"""A Verdict becomes a Warrant, if it is about this release, dataset, champion and thresholds; pure."""

from dataclasses import dataclass
from datetime import UTC, datetime

from evals.dataset import Dataset
from evals.errors import VerdictInvalid
from evals.gate.decision import overall
from evals.gate.thresholds import Thresholds
from evals.gate.verdict import Verdict
from evals.metrics.catalog import METRICS
from graph.errors import PromotionRefused, PromotionUnsettled
from graph.registry import Version
from graph.registry.warrant import Champion, Warrant, WarrantScore

SHORT = 12


@dataclass(frozen=True)
class PromotionRequirements:
    """What production is held to."""

    dataset: Dataset
    thresholds: Thresholds
    thresholds_file: str | None = None
    """SHA-256 of the file that they were read from."""


def warrant_of(
    verdict: Verdict,
    required: PromotionRequirements,
    version: Version,
    champion: Version | None,
    approver: str,
    ticket: str,
) -> Warrant:
    """The evidence for a version; raises VerdictInvalid when the verdict is about anything else.

    `champion` is what is in production now, if another version is. Raises PromotionRefused when the verdict
    is no pass, PromotionUnsettled when it cannot tell.
    """
    _check(verdict, required, version, champion)
    _check_findings(verdict, required.thresholds)
    if verdict.says != "pass":
        refused = PromotionUnsettled if verdict.says == "cannot tell" else PromotionRefused
        raise refused(f"v{version.number} was not let in: {verdict.says}. {' '.join(verdict.why)}")
    return Warrant(
        release=version.digest,
        dataset=verdict.dataset,
        scores=_scores(verdict),
        verdict="pass",
        judge=verdict.judge,
        approver=approver,
        ticket=ticket,
        champion=Champion(version=champion.number, release=champion.digest) if champion else None,
        evidence=verdict.digest,
        thresholds=required.thresholds_file,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _check(verdict: Verdict, required: PromotionRequirements, version: Version, champion: Version | None) -> None:
    """Raises VerdictInvalid for the first thing that is another one than it has to be."""
    compared = verdict.champion.release if verdict.champion else ""
    pairs = {
        f"the release of v{version.number}": (version.digest, verdict.release.release),
        f"the dataset {required.dataset.name}": (required.dataset.digest, verdict.dataset),
        "these thresholds": (required.thresholds.digest, verdict.thresholds),
        f"v{champion.number}, which is in production" if champion else "no other release: nothing is in production": (
            champion.digest if champion else "",
            compared,
        ),
    }
    for what, (wanted, met) in pairs.items():
        if wanted != met:
            found = f"{met[:SHORT] or 'none'} instead of {wanted[:SHORT] or 'none'}"
            raise VerdictInvalid(f"The verdict is not about {what}: {found}. Evaluate it again.")


def _check_findings(verdict: Verdict, thresholds: Thresholds) -> None:
    """Raises VerdictInvalid for a verdict that its own findings, or the thresholds that it names, contradict."""
    bounds = {
        (each.metric, each.slice, kind, bound)
        for each in thresholds.threshold
        for kind, bound in each.kinds.items()
        if kind != "margin" or verdict.champion
    }
    counted = {(name, "") for name, metric in METRICS.items() if metric.counted}
    told = {(each.metric, each.slice, each.kind, each.bound) for each in verdict.findings}
    missing = [*sorted(bounds - told), *sorted(counted - {each[:2] for each in told})]
    unmet = next((each.name for each in verdict.findings if each.says == "pass" and not each.is_met), "")
    says = overall(verdict.findings, verdict.champion)[0]
    wrong = (
        (missing, f"it has no finding on {missing[0][0] if missing else ''}"),
        (unmet, f"{unmet} passes, and its figures do not"),
        (says != verdict.says, f"it says {verdict.says}, and its findings say {says}"),
    )
    if why := next((told for is_wrong, told in wrong if is_wrong), ""):
        raise VerdictInvalid(f"The verdict contradicts itself: {why}. Gate the release again.")


def _scores(verdict: Verdict) -> dict[str, WarrantScore]:
    """Every metric over all samples that has an interval."""
    return {
        each.metric: WarrantScore(
            value=each.mean.value,
            low=each.mean.low,
            high=each.mean.high,
            champion=each.champion.value if each.champion else None,
        )
        for each in verdict.measures
        if not each.slice and each.mean and each.mean.low is not None and each.mean.high is not None
    }
