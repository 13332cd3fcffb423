"""Logs a run to MLflow: what was asked of what as parameters, the Dataset as an input, means as metrics, its files.

The same run is one run there, whatever happened in between: it is found by the digests of its dataset, release and
outcomes, and finished only when everything has arrived.
"""

import hashlib
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from evals.gate.verdict import Verdict
from evals.judge.scores import JUDGEMENTS, JudgedScores
from evals.report import FILES
from evals.runs import ABOUT, ANSWERS, SAMPLES, EvalRun
from evals.scores import SCORES, Score, by_metric, values_of
from graph.errors import RegistryUnavailable
from graph.registry.address import check_reach, shown, trouble
from graph.registry.log_model import DIGEST, dataset_input, experiment_of

KEY = "warrant.eval"
KEPT = (ABOUT, SAMPLES, ANSWERS, SCORES)
UNFINISHED = "RUNNING"
SAYS, EVIDENCE, FOLDER = "warrant.verdict", "warrant.verdict.evidence", "verdicts"


@dataclass(frozen=True)
class VerdictFiles:
    """A Verdict, and the directory of its report where there is one."""

    verdict: Verdict
    report: Path | None = None

    @property
    def files(self) -> list[Path]:
        """The report's files that are there."""
        return [path for name in FILES if self.report and (path := self.report / name).exists()]

    @property
    def digest(self) -> str:
        """SHA-256 over the verdict and the files."""
        parts = [self.verdict.digest, *(hashlib.sha256(path.read_bytes()).hexdigest() for path in self.files)]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def log_run(
    run: EvalRun, scores: tuple[Score, ...], uri: str, model: str, judgements: JudgedScores | None = None
) -> tuple[str, bool]:
    """The id of the MLflow run with everything of a run, and whether it is new; raises RegistryUnavailable.

    What a judge said is part of it: logged before it was judged, a run is another one there.
    """
    with _registry_errors(uri):
        check_reach(uri, model)
        client = MlflowClient(uri, uri)
        experiment = experiment_of(uri, f"{model}-evals")
        key = _key(run, judgements)
        there = _there(client, experiment, key)
        if there and there.info.status != UNFINISHED:
            return str(there.info.run_id), False
        name = f"{run.info.label} on {run.info.dataset}"
        found = there or client.create_run(experiment, run_name=name, tags={KEY: key, DIGEST: run.info.release})
        if judgements:
            _fill_in_judge(client, found.info.run_id, run, judgements)
        _fill(client, found.info.run_id, run, scores)
        client.set_terminated(found.info.run_id)
    return str(found.info.run_id), True


def attach_verdict(run_id: str, attached: VerdictFiles, uri: str) -> bool:
    """Put a verdict and its report beside a run; whether anything was new. Raises RegistryUnavailable.

    Each verdict has a folder by its digest, so that a later one does not replace what an earlier one rested on. The tag
    with the digests is set last: what was broken off is put there again.
    """
    with _registry_errors(uri):
        client = MlflowClient(uri, uri)
        if client.get_run(run_id).data.tags.get(EVIDENCE) == attached.digest:
            return False
        folder = f"{FOLDER}/{attached.verdict.digest[:12]}"
        client.log_text(run_id, attached.verdict.text(), f"{folder}/verdict.json")
        for path in attached.files:
            client.log_artifact(run_id, str(path), folder)
        client.set_tag(run_id, SAYS, attached.verdict.says)
        client.set_tag(run_id, EVIDENCE, attached.digest)
    return True


def means(scores: tuple[Score, ...]) -> dict[str, float]:
    """The mean of each metric over the samples that have a value, and how many have none."""
    found: dict[str, float] = {}
    for name, each in by_metric(scores).items():
        values = values_of(each)
        if values:
            found[name] = math.fsum(values) / len(values)
        if len(values) < len(each):
            found[f"{name}.without"] = len(each) - len(values)
    return found


def _fill(client: MlflowClient, name: str, run: EvalRun, scores: tuple[Score, ...]) -> None:
    info = run.info
    for key, value in info.model_dump(exclude_none=True, exclude={"began"}).items():
        client.log_param(name, key, value)
    for metric, mean in means(scores).items():
        client.log_metric(name, metric, mean)
    client.log_inputs(name, datasets=[dataset_input(info.dataset, info.dataset_digest, "evaluation")])
    for file in KEPT:
        if (path := run.path / file).exists():
            client.log_artifact(name, str(path))


def _fill_in_judge(client: MlflowClient, name: str, run: EvalRun, judgements: JudgedScores) -> None:
    """Who judged, what it took and what came of it."""
    client.log_param(name, "judge", judgements.label)
    for figure, value in judgements.spent.model_dump(exclude_none=True).items():
        client.log_metric(name, f"judge.{figure}", value)
    for metric, mean in means(judgements.scores).items():
        client.log_metric(name, metric, mean)
    client.log_artifact(name, str(run.path / JUDGEMENTS))


def _there(client: MlflowClient, experiment: str, key: str) -> MlflowRun | None:
    found = client.search_runs([experiment], f"tags.`{KEY}` = '{key}'", max_results=1)
    return found[0] if found else None


def _key(run: EvalRun, judgements: JudgedScores | None) -> str:
    """SHA-256 over the dataset, the release, the outcomes and their scores."""
    files = (ANSWERS, SCORES, JUDGEMENTS) if judgements else (ANSWERS, SCORES)
    parts = [run.info.dataset_digest, run.info.release, *(_digest(run.path / name) for name in files)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes() if path.exists() else b"").hexdigest()


@contextmanager
def _registry_errors(uri: str) -> Iterator[None]:
    """Turns errors of MLflow and of its files into RegistryUnavailable."""
    try:
        yield
    except MlflowException as error:
        raise RegistryUnavailable(trouble(error.message, uri)) from None
    except OSError as error:
        raise RegistryUnavailable(f"{shown(uri)} cannot be read or written: {error.strerror or error}.") from None
