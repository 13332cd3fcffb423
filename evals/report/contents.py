"""What a report tells: a Verdict with the two runs that it rests on, which have to be exactly those; pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum, isclose

from evals.errors import VerdictInvalid
from evals.gating.criteria import Side
from evals.gating.verdict import Judged, Verdict
from evals.report.curves import Risk, Spread, latency, right_by, risk
from evals.report.figures import Beside, beside
from evals.report.pairs import Pair, Party, ordering, pairs, status
from evals.runs import About, Run
from evals.samples import Dataset
from evals.scores import Score, by_metric


@dataclass(frozen=True)
class Asked:
    """A run as it was read, and its scores."""

    about: About
    dataset: Dataset
    party: Party


@dataclass(frozen=True)
class Report:
    """A Verdict and the runs of its release and its champion."""

    verdict: Verdict
    release: Asked
    champion: Asked | None

    @property
    def dataset(self) -> Dataset:
        return self.release.dataset

    @property
    def sides(self) -> list[Side]:
        """The release's scores, then the champion's."""
        return [asked.party.side for asked in (self.release, self.champion) if asked]

    @cached_property
    def ordering(self) -> tuple[str, ...]:
        """The metrics by which samples are put in order."""
        return ordering(self.verdict, self.release.party.side)

    @cached_property
    def pairs(self) -> list[Pair]:
        """Every sample, the worst first."""
        champion = self.champion.party if self.champion else None
        return pairs(self.dataset, self.release.party, champion, self.ordering)

    @cached_property
    def moved(self) -> Counter[str]:
        """How many samples went which way."""
        return Counter(pair.moved for pair in self.pairs)

    @property
    def regressions(self) -> list[Pair]:
        """What failed or got worse."""
        return [pair for pair in self.pairs if pair.moved in ("failed", "worse")]

    @cached_property
    def figures(self) -> list[Beside]:
        """Every metric."""
        return list(beside(self.verdict, self.dataset, self.sides[0], self.sides[1] if self.champion else None))

    @cached_property
    def right(self) -> str | None:
        """The metric that says how right an answer is."""
        return right_by(self.dataset, self.sides)

    @cached_property
    def risks(self) -> list[Risk]:
        """The risk-coverage curves of the release and its champion; none where nothing says what is right."""
        parties = [asked.party for asked in (self.release, self.champion) if asked]
        return [risk(self.dataset, party, self.right) for party in parties] if self.right else []

    @cached_property
    def latencies(self) -> list[Spread]:
        """How long the answers of the release and its champion took."""
        return [latency(side) for side in self.sides]

    def statuses(self, asked: Asked) -> Counter[str]:
        """How many samples have each status in a run; those that failed or were not asked are among them."""
        return Counter(status(asked.party.outcomes.get(sample.id)) for sample in self.dataset.samples)


def asked(run: Run, scores: Sequence[Score]) -> Asked:
    """A run and its scores; raises RunInvalid."""
    about = run.about
    judged = Judged(
        label=about.label, release=about.release, snapshot=about.snapshot, version=about.version, commit=about.commit
    )
    return Asked(about, run.dataset, Party(Side(judged, by_metric(scores)), run.outcomes))


def report_of(verdict: Verdict, release: Asked, champion: Asked | None) -> Report:
    """The report; raises VerdictInvalid when the verdict is about other runs or rests on other scores."""
    if bool(champion) != bool(verdict.champion):
        told = f"compares with {verdict.champion.label}" if verdict.champion else "has no champion"
        raise VerdictInvalid(f"The verdict {told}; give the champion's run exactly when there is one.")
    check_run(verdict, release.about, verdict.release)
    if champion and verdict.champion:
        check_run(verdict, champion.about, verdict.champion)
    _check_scores(verdict, release.party.side, champion.party.side if champion else None)
    return Report(verdict, release, champion)


def check_run(verdict: Verdict, about: About, judged: Judged) -> None:
    """Raises VerdictInvalid unless a run asked what was judged the samples that it was judged by."""
    if about.release != judged.release:
        raise VerdictInvalid(
            f"The verdict is about {judged.label} ({judged.release[:12]}), the run about {about.label} "
            f"({about.release[:12]}). Give the run that `warrant eval gate` was given."
        )
    if about.dataset_digest != verdict.dataset:
        raise VerdictInvalid(
            f"The verdict is on {verdict.dataset_name} ({verdict.dataset[:12]}), the run of {about.label} on "
            f"{about.dataset} ({about.dataset_digest[:12]}). Give the run that `warrant eval gate` was given."
        )


def _check_scores(verdict: Verdict, release: Side, champion: Side | None) -> None:
    """Raises VerdictInvalid unless the runs' scores have the means that the verdict tells."""
    for measure in verdict.measures:
        name = measure.metric
        own = {each: value for each in release.scores.get(name, {}) if (value := release.value(name, each)) is not None}
        other = [value for each in own if champion and (value := champion.value(name, each)) is not None]
        if not measure.slice and name in release.scores:
            _check_mean(name, measure.value, list(own.values()))
            _check_mean(name, measure.champion, other)


def _check_mean(metric: str, told: float | None, values: Sequence[float]) -> None:
    found = fsum(values) / len(values) if values else None
    same = told == found or (told is not None and found is not None and isclose(told, found, rel_tol=1e-6))
    if not same:
        raise VerdictInvalid(
            f"The verdict was made from other scores than the runs have now: {metric} was {told}, and is {found}. "
            "Make it again with `warrant eval gate`."
        )
