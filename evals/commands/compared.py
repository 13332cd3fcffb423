"""A comparison of two releases as it is kept: the verdict, and the report on the runs that it rests on."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from evals.commands.judging import judges
from evals.gating.thresholds import Thresholds
from evals.gating.verdict import Verdict
from evals.gating.weighing import weigh
from evals.judging.identity import judging_of
from evals.judging.judged import kept_judgements
from evals.report.contents import Asked, asked, report_of
from evals.report.files import write_report
from evals.runs import Run
from evals.scoring import score_run
from graph.files import write_whole
from graph.settings import Settings

VERDICT = "verdict.json"


@dataclass(frozen=True)
class Compared:
    """The verdict on a release, its run, and the champion's."""

    verdict: Verdict
    run: Run
    champion: Run | None


def weighed(run: Run, champion: Run | None, thresholds: Thresholds, settings: Settings, console: Console) -> Compared:
    """What the gate says of a run against the champion's, judged by the judge that is configured, if one is."""
    judging = judges(judging_of(settings), console)
    verdict = asyncio.run(weigh(run, champion, thresholds, settings.prices, settings.cores, judging))
    return Compared(verdict, run, champion)


def keep(compared: Compared, out: Path, settings: Settings) -> Path:
    """Write verdict.json and the report's files into a folder; gives the page's path."""
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / VERDICT, compared.verdict.text())
    champion = scored(compared.champion, settings) if compared.champion else None
    return write_report(report_of(compared.verdict, scored(compared.run, settings), champion), out)


def scored(run: Run, settings: Settings) -> Asked:
    """A run with its scores, a judge's among them where it was judged, as reports take it."""
    scores, judged = asyncio.run(score_run(run, settings.prices, settings.cores)), kept_judgements(run)
    return asked(run, (*scores, *(judged.scores if judged else ())))
