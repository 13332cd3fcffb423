"""Keeps a run in MLflow: what was asked of what as parameters, the Dataset as an input, means as metrics, its files.

The same run is one run there, whatever happened in between: it is found by the digests of its dataset, release and
outcomes, and finished only when everything has arrived.
"""

import hashlib
import math
from pathlib import Path

from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from evals.judging.judged import JUDGEMENTS, Judgements
from evals.runs import ABOUT, ANSWERS, SAMPLES, Run
from evals.scores import Score, by_metric
from evals.scoring import SCORES
from graph.errors import RegistryUnavailable
from graph.registry.address import check_reach, shown, trouble
from graph.registry.log_model import DIGEST, dataset_input, experiment_of

KEY = "warrant.eval"
KEPT = (ABOUT, SAMPLES, ANSWERS, SCORES)
UNFINISHED = "RUNNING"


def log_run(
    run: Run, scores: tuple[Score, ...], uri: str, model: str, judgements: Judgements | None = None
) -> tuple[str, bool]:
    """The id of the MLflow run with everything of a run, and whether it is new; raises RegistryUnavailable.

    What a judge said is part of it: logged before it was judged, a run is another one there.
    """
    try:
        check_reach(uri, model)
        client = MlflowClient(uri, uri)
        experiment = experiment_of(uri, f"{model}-evals")
        key = _key(run, judgements)
        there = _there(client, experiment, key)
        if there and there.info.status != UNFINISHED:
            return str(there.info.run_id), False
        name = f"{run.about.label} on {run.about.dataset}"
        found = there or client.create_run(experiment, run_name=name, tags={KEY: key, DIGEST: run.about.release})
        if judgements:
            _fill_in_judge(client, found.info.run_id, run, judgements)
        _fill(client, found.info.run_id, run, scores)
        client.set_terminated(found.info.run_id)
    except MlflowException as error:
        raise RegistryUnavailable(trouble(error.message, uri)) from None
    except OSError as error:
        raise RegistryUnavailable(f"{shown(uri)} cannot be read or written: {error.strerror or error}.") from None
    return str(found.info.run_id), True


def means(scores: tuple[Score, ...]) -> dict[str, float]:
    """The mean of each metric over the samples that have a value, and how many have none."""
    found: dict[str, float] = {}
    for name, each in by_metric(scores).items():
        values = [value for score in each.values() if (value := score.value) is not None]
        if values:
            found[name] = math.fsum(values) / len(values)
        if len(values) < len(each):
            found[f"{name}.without"] = len(each) - len(values)
    return found


def _fill(client: MlflowClient, name: str, run: Run, scores: tuple[Score, ...]) -> None:
    about = run.about
    for key, value in about.model_dump(exclude_none=True, exclude={"began"}).items():
        client.log_param(name, key, value)
    for metric, mean in means(scores).items():
        client.log_metric(name, metric, mean)
    client.log_inputs(name, datasets=[dataset_input(about.dataset, about.dataset_digest, "evaluation")])
    for file in KEPT:
        if (path := run.place / file).exists():
            client.log_artifact(name, str(path))


def _fill_in_judge(client: MlflowClient, name: str, run: Run, judgements: Judgements) -> None:
    """Who judged, what it took and what came of it."""
    client.log_param(name, "judge", judgements.label)
    for figure, value in judgements.spent.model_dump(exclude_none=True).items():
        client.log_metric(name, f"judge.{figure}", value)
    for metric, mean in means(judgements.scores).items():
        client.log_metric(name, metric, mean)
    client.log_artifact(name, str(run.place / JUDGEMENTS))


def _there(client: MlflowClient, experiment: str, key: str) -> MlflowRun | None:
    found = client.search_runs([experiment], f"tags.`{KEY}` = '{key}'", max_results=1)
    return found[0] if found else None


def _key(run: Run, judgements: Judgements | None) -> str:
    """SHA-256 over the dataset, the release, the outcomes and their scores."""
    files = (ANSWERS, SCORES, JUDGEMENTS) if judgements else (ANSWERS, SCORES)
    parts = [run.about.dataset_digest, run.about.release, *(_digest(run.place / name) for name in files)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes() if path.exists() else b"").hexdigest()
