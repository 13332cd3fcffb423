"""What a report contains: a Verdict and the two runs that it rests on, which have to be exactly those; pure."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isclose, nan
from pathlib import Path
from statistics import fmean

from evals.dataset import Dataset
from evals.errors import VerdictInvalid
from evals.gate.verdict import Verdict
from evals.metrics.catalog import METRICS
from evals.report.curves import ACCURACY, LatencyCurve, RiskCurve, latency, risk
from evals.report.pairs import Json, ReportedRun, SamplePair, known, pairs, status
from evals.runs import EvaluatedRelease, RunInfo
from evals.scores import MeanInterval


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
        """The metrics that order the samples: those without a unit that criteria ask about, else all that there are."""
        asked = {each.metric for each in self.verdict.findings}
        plain = [name for name in METRICS if not METRICS[name].unit and self.release.scored.scores.get(name)]
        return tuple(name for name in plain if name in asked) or tuple(plain)

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
    def risks(self) -> list[RiskCurve]:
        """The risk-coverage curves of the release and its champion, by a judge where it judged both."""
        judged = all(run.scored.values(ACCURACY) for run in self.runs)
        return [risk(run, judged=judged) for run in self.runs]

    @cached_property
    def latencies(self) -> list[LatencyCurve]:
        """How long the answers of the release and its champion took."""
        return [latency(run.scored) for run in self.runs]

    def statuses(self, run: ReportedRun) -> Counter[str]:
        """How many samples have each status in a run; those that failed or were not asked are among them."""
        return Counter(status(run.outcomes.get(sample.id)) for sample in self.dataset.samples)

    def record(self) -> Json:
        """report.json, format 1, for programs (docs/evals.md); lists of two hold the release's first."""
        found = {
            "format": 1,
            "evidence": self.verdict.digest,
            "verdict": self.verdict,
            "run": self.release.info,
            "champion_run": self.champion.info if self.champion else None,
            "risks": self.risks,
            "latencies": self.latencies,
            "ordering": self.ordering,
            "moved": self.moved,
            "statuses": [self.statuses(run) for run in self.runs],
            "samples": [pair.as_json(paired=self.champion is not None) for pair in self.pairs],
            "regressions": [pair.sample.id for pair in self.regressions],
        }
        # Models become what their JSON is.
        text = json.dumps(found, default=lambda model: model.model_dump(mode="json", exclude_none=True))
        return known(json.loads(text))


def report_of(verdict: Verdict, release: ReportedRun, champion: ReportedRun | None) -> EvalReport:
    """The report; raises VerdictInvalid when the verdict is about other runs or rests on other scores."""
    if bool(champion) != bool(verdict.champion):
        problem = f"compares with {verdict.champion.label}" if verdict.champion else "has no champion"
        raise VerdictInvalid(f"The verdict {problem}; give the champion's run exactly when there is one.")
    check_run(verdict, release.info, verdict.release)
    if champion and verdict.champion:
        check_run(verdict, champion.info, verdict.champion)
    for measure in verdict.measures:
        name = measure.metric
        if not measure.slice and name in release.scored.scores:
            own, other = release.scored.values(name), champion.scored.values(name) if champion else {}
            _check_mean(name, measure.mean, list(own.values()))
            _check_mean(name, measure.champion, [other[sample] for sample in own if sample in other])
    return EvalReport(verdict, release, champion)


def check_run(verdict: Verdict, info: RunInfo, judged: EvaluatedRelease) -> None:
    """Raises VerdictInvalid unless a run asked what was judged the samples that it was judged by."""
    for what, wanted, met in (
        ("about", (judged.label, judged.release), (info.label, info.release)),
        ("on", (verdict.dataset_name, verdict.dataset), (info.dataset, info.dataset_digest)),
    ):
        if wanted[1] != met[1]:
            named = f" of {info.label}" if what == "on" else ""
            raise VerdictInvalid(
                f"The verdict is {what} {wanted[0]} ({wanted[1][:12]}), the run{named} {what} {met[0]} "
                f"({met[1][:12]}). Give the run that `warrant eval gate` was given."
            )


def _check_mean(metric: str, mean: MeanInterval | None, values: Sequence[float]) -> None:
    claimed, found = mean.value if mean else nan, fmean(values) if values else nan
    if bool(mean) != bool(values) or (mean and not isclose(claimed, found, rel_tol=1e-6)):
        raise VerdictInvalid(
            f"The verdict was made from other scores than the runs have now: {metric} was {claimed}, and is {found}. "
            "Make it again with `warrant eval gate`."
        )


def evidence_of(path: Path) -> str:
    """The digest of the Verdict that a report.json is about; raises VerdictInvalid when it is none."""
    try:
        return str(json.loads(path.read_text("utf-8"))["evidence"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VerdictInvalid(f"{path} is no report of `warrant eval report`: {error}.") from None
