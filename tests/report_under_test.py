"""A release that got worse than its champion in known ways, as values and as runs on disk."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evals.dataset import Dataset, HistoryMessage, Sample
from evals.gate.criteria import ScoredRelease
from evals.gate.decision import decide
from evals.gate.thresholds import Threshold, Thresholds
from evals.gate.verdict import Verdict
from evals.report.contents import EvalReport, ReportedRun, report_of
from evals.runs import ANSWERS, EvalRun, PackagedRelease, RunInfo, SampleFailure, SampleOutcome, open_run
from evals.scores import SCORES, Score, ScoresFile, key_of

NASTY = (
    "<script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\"> "
    "| `x` @octocat ]] --> </script> **bold** https://octo.example"
)
LIMITS = Thresholds(
    threshold=(
        Threshold(metric="answered", floor=0.5, margin=0.1),
        Threshold(metric="token_f1", margin=0.05),
        Threshold(metric="latency_ms", ceiling=15000),
    )
)
TEXT = "The fuse has 20 A. The pump has 10 A."
PASSAGE: dict[str, Any] = {
    "id": "fuse.md#0",
    "document": "fuse.md",
    "file": "fuse.md",
    "title": "Fuses",
    "section": "Fuses",
    "page": None,
    "start": 100,
    "end": 100 + len(TEXT),
    "text": TEXT,
}
OTHER = {**PASSAGE, "id": "other.md#0", "document": "other.md", "file": "other.md", "title": "Other", "text": NASTY}


def samples(many: int = 40) -> tuple[Sample, ...]:
    """Questions s0, s1, ...; every second one is tagged, s1 has a history and filters, the last cannot be answered."""
    first = Sample(id="s0", question="Which fuse?", answerable=True, reference="20 A", tags=("even",))
    told = first.model_copy(update={"documents": ("fuse.md",), "quotes": ("The fuse has 20 A.",)})
    talk = Sample(
        id="s1",
        question="And the pump?",
        answerable=True,
        reference="10 A",
        history=(HistoryMessage(role="user", content="Which fuse?"),),
        filters={"region": "EU"},
    )
    rest = [
        Sample(
            id=f"s{n}",
            question=f"Question {n} {NASTY if n == 2 else ''}",
            answerable=n < many - 1,
            tags=("even",) * (n % 2 == 0),
        )
        for n in range(2, many)
    ]
    return (told, talk, *rest)


def answered(sample: str, text: str = "It has 20 A. [1]", confidence: float = 0.8) -> SampleOutcome:
    """An answer that cites a passage."""
    quote = "The fuse has 20 A."
    citation = {"marker": 1, "passage": "fuse.md#0", "file": "fuse.md", "title": "Fuses", "start": 100, "quote": quote}
    return SampleOutcome(
        sample=sample,
        answer={
            "text": text,
            "status": "answered",
            "confidence": confidence,
            "route": "simple",
            "rung": "primary",
            "citations": [{**citation, "end": 100 + len(quote), "support": 1.0}],
        },
        passages=[PASSAGE, OTHER],
        seconds=float(ord(sample[-1]) % 10 * 2),
    )


def declined(sample: str) -> SampleOutcome:
    """An answer that was declined."""
    return SampleOutcome(
        sample=sample,
        answer={
            "text": "Not enough evidence.",
            "status": "declined",
            "confidence": 0.1,
            "reason": "no_evidence",
            "citations": [],
        },
        passages=[OTHER],
        seconds=float(ord(sample[-1]) % 10 * 2),
    )


def failed(sample: str) -> SampleOutcome:
    """No answer."""
    return SampleOutcome(sample=sample, trouble=SampleFailure(kind="TimeoutError", message=f"late {NASTY}"), seconds=30)


def scores(outcomes: Sequence[SampleOutcome], f1: Mapping[str, float] | None = None) -> list[Score]:
    """Scores as such outcomes have them; `f1` where it is not 0.8 for an answer and 0 for none."""
    found = []
    for outcome in outcomes:
        if outcome.answer is None:
            found += [
                Score(sample=outcome.sample, metric=name, reason="it failed: TimeoutError")
                for name in ("answered", "token_f1", "latency_ms")
            ]
            continue
        given = float(outcome.answer["status"] != "declined")
        values = {
            "answered": given,
            "token_f1": (f1 or {}).get(outcome.sample, 0.8 * given),
            "latency_ms": outcome.seconds * 1000,
        }
        found += [Score(sample=outcome.sample, metric=name, values=(value,)) for name, value in values.items()]
    return found


def worse(many: int = 40, lost: int = 20) -> list[SampleOutcome]:
    """The first ones are declined, s2 is answered with what must not run, s3 fails, the rest is answered."""
    told = [declined(f"s{n}") if n < lost else answered(f"s{n}", confidence=n / many) for n in range(many)]
    return [*told[:2], answered("s2", NASTY), failed("s3"), *told[4:]]


def good(many: int = 40) -> list[SampleOutcome]:
    return [answered(f"s{n}", confidence=n / many) for n in range(many)]


def run_of(home: Path, dataset: Dataset, label: str, outcomes: Sequence[SampleOutcome]) -> EvalRun:
    """A run on disk with its scores."""
    run = open_run(home, dataset, PackagedRelease(root=Path(), label=label, release=label[0] * 64, snapshot="snap"), 2)
    (run.path / ANSWERS).write_text(
        "".join(f"{each.model_dump_json(exclude_none=True)}\n" for each in outcomes), "utf-8"
    )
    kept = ScoresFile(key=key_of(run, {}), scores=tuple(scores(outcomes)))
    kept.write(run.path / SCORES)
    return run


def reported_run(run: EvalRun) -> ReportedRun:
    return ReportedRun.of_run(run, ScoresFile.model_validate_json((run.path / SCORES).read_text("utf-8")).scores)


def in_memory(
    dataset: Dataset, scores: Sequence[Score], outcomes: Sequence[SampleOutcome], label: str = "x"
) -> ReportedRun:
    """A run that is nowhere on disk."""
    info = RunInfo(
        dataset=dataset.name,
        samples=len(dataset.samples),
        dataset_digest=dataset.digest,
        label=label,
        release="r",
        snapshot="s",
        at_once=1,
        began="",
    )
    return ReportedRun(info, dataset, ScoredRelease.of_run(info, scores), {each.sample: each for each in outcomes})


def verdict_of(release: ReportedRun, champion: ReportedRun | None, limits: Thresholds = LIMITS) -> Verdict:
    found = decide(limits, release.dataset, release.scored, champion.scored if champion else None)
    return found.model_copy(update={"made": "2026-11-28T12:00:00+00:00"})


def report(home: Path, *, alone: bool = False, many: int = 40, limits: Thresholds = LIMITS) -> EvalReport:
    """The report of a release that got worse, beside its champion unless it is alone."""
    dataset = Dataset("d", samples(many))
    release = reported_run(run_of(home, dataset, "release@1", worse(many)))
    champion = None if alone else reported_run(run_of(home, dataset, "champion@1", good(many)))
    return report_of(verdict_of(release, champion, limits), release, champion)
