"""What a report contains: a Verdict and the two runs that it rests on, which have to be exactly those; pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum, isclose

from evals.dataset import Dataset
from evals.errors import VerdictInvalid
from evals.gate.criteria import ScoredRelease
from evals.gate.measures import MeasureComparison, compare_metrics
from evals.gate.verdict import EvaluatedRelease, Verdict
from evals.report.curves import LatencyCurve, RiskCurve, latency, right_by, risk
from evals.report.pairs import ReportedRun, SamplePair, ordering, pairs, status
from evals.runs import RunInfo


@dataclass(frozen=True)
class EvalReport:
    """A Verdict and the runs of its release and its champion; `notes` are said before anything else."""

    verdict: Verdict
    release: ReportedRun
    champion: ReportedRun | None
    notes: tuple[str, ...] = ()

    @property
    def dataset(self) -> Dataset:
        return self.release.dataset

    @property
    def runs(self) -> list[ReportedRun]:
        """The release's run, then the champion's."""
        return [run for run in (self.release, self.champion) if run]

    @cached_property
    def ordering(self) -> tuple[str, ...]:
        """The metrics by which samples are put in order."""
        return ordering(self.verdict, self.release.scored)

    @cached_property
    def pairs(self) -> list[SamplePair]:
        """Every sample, the worst first."""
        return pairs(self.dataset, self.release, self.champion, self.ordering)

    @cached_property
    def moved(self) -> Counter[str]:
        """How many samples went which way."""
        return Counter(pair.moved for pair in self.pairs)

    @property
    def regressions(self) -> list[SamplePair]:
        """What failed or got worse."""
        return [pair for pair in self.pairs if pair.moved in ("failed", "worse")]

    @cached_property
    def figures(self) -> list[MeasureComparison]:
        """Every metric."""
        champion = self.champion.scored if self.champion else None
        return list(compare_metrics(self.verdict, self.dataset, self.release.scored, champion))

    @cached_property
    def right(self) -> str | None:
        """The metric that says how right an answer is."""
        return right_by(self.dataset, [run.scored for run in self.runs])

    @cached_property
    def risks(self) -> list[RiskCurve]:
        """The risk-coverage curves of the release and its champion; none where nothing says what is right."""
        return [risk(run, self.right) for run in self.runs] if self.right else []

    @cached_property
    def latencies(self) -> list[LatencyCurve]:
        """How long the answers of the release and its champion took."""
        return [latency(run.scored) for run in self.runs]

    def statuses(self, run: ReportedRun) -> Counter[str]:
        """How many samples have each status in a run; those that failed or were not asked are among them."""
        return Counter(status(run.outcomes.get(sample.id)) for sample in self.dataset.samples)


def report_of(verdict: Verdict, release: ReportedRun, champion: ReportedRun | None) -> EvalReport:
    """The report; raises VerdictInvalid when the verdict is about other runs or rests on other scores."""
    if bool(champion) != bool(verdict.champion):
        problem = f"compares with {verdict.champion.label}" if verdict.champion else "has no champion"
        raise VerdictInvalid(f"The verdict {problem}; give the champion's run exactly when there is one.")
    check_run(verdict, release.info, verdict.release)
    if champion and verdict.champion:
        check_run(verdict, champion.info, verdict.champion)
    _check_scores(verdict, release.scored, champion.scored if champion else None)
    return EvalReport(verdict, release, champion)


def check_run(verdict: Verdict, info: RunInfo, judged: EvaluatedRelease) -> None:
    """Raises VerdictInvalid unless a run asked what was judged the samples that it was judged by."""
    if info.release != judged.release:
        raise VerdictInvalid(
            f"The verdict is about {judged.label} ({judged.release[:12]}), the run about {info.label} "
            f"({info.release[:12]}). Give the run that `warrant eval gate` was given."
        )
    if info.dataset_digest != verdict.dataset:
        raise VerdictInvalid(
            f"The verdict is on {verdict.dataset_name} ({verdict.dataset[:12]}), the run of {info.label} on "
            f"{info.dataset} ({info.dataset_digest[:12]}). Give the run that `warrant eval gate` was given."
        )


def _check_scores(verdict: Verdict, release: ScoredRelease, champion: ScoredRelease | None) -> None:
    """Raises VerdictInvalid unless the runs' scores have the means that the verdict has."""
    for measure in verdict.measures:
        name = measure.metric
        if not measure.slice and name in release.scores:
            own, other = release.values(name), champion.values(name) if champion else {}
            _check_mean(name, measure.value, list(own.values()))
            _check_mean(name, measure.champion, [other[sample] for sample in own if sample in other])


def _check_mean(metric: str, claimed: float | None, values: Sequence[float]) -> None:
    found = fsum(values) / len(values) if values else None
    same = claimed == found or (claimed is not None and found is not None and isclose(claimed, found, rel_tol=1e-6))
    if not same:
        raise VerdictInvalid(
            f"The verdict was made from other scores than the runs have now: {metric} was {claimed}, and is {found}. "
            "Make it again with `warrant eval gate`."
        )
