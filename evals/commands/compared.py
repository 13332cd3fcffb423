"""A comparison of two releases as it is kept: the verdict, and the report on the runs that it rests on."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from evals.gating.verdict import Verdict
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
