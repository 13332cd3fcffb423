"""Logs a run to MLflow: what was asked of what as parameters, the Dataset and the model as inputs, means as metrics.

Each answer is a trace with its scores, so that MLflow's pages show what the report shows. The same
run is one run there, whatever happened in between: it is found by the digests of its dataset, release and outcomes,
and finished only when everything has arrived.
"""

import math
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import (
    AssessmentSource,
    DatasetInput,
    LoggedModelInput,
    Metric,
    Param,
)
from mlflow.entities import Dataset as MlflowDataset
from mlflow.entities import Run as MlflowRun
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracing.client import TracingClient
from mlflow.utils.mlflow_tags import MLFLOW_RUN_TYPE, MLFLOW_RUN_TYPE_GENAI_EVALUATE

from evals.dataset import Sample, digest_of, file_digest
from evals.gate.verdict import Verdict
from evals.judge.scores import JUDGEMENTS, JudgedScores
from evals.report import FILES
from evals.runs import ABOUT, ANSWERS, SAMPLES, EvalRun
from evals.scores import SCORES, Score, by_metric, values_of
from evals.traces import METRICS, TraceHome, expectations, write_traces
from graph.errors import RegistryUnavailable, VersionUnknown
from graph.registry.address import check_reach, shown, tracking_uri, trouble
from graph.registry.log_model import DIGEST, dataset_input, origin_tags, registered, tracking
from graph.registry.tracing import experiment_of

KEY = "warrant.eval"
KEPT = (ABOUT, SAMPLES, ANSWERS, SCORES)
UNFINISHED = "RUNNING"
MISSING_HERE = ("ENDPOINT_NOT_FOUND", "NOT_IMPLEMENTED", "FEATURE_DISABLED")
"""How a tracking server says that it has no datasets."""
SAYS, EVIDENCE, FOLDER = "warrant.verdict", "warrant.verdict.evidence", "verdicts"


def log_run(
    run: EvalRun, scores: tuple[Score, ...], uri: str, model: str, who: str, judgements: JudgedScores | None = None
) -> tuple[str, bool]:
    """The id of the MLflow run with everything of a run, and whether it is new; raises RegistryUnavailable.

    What a judge said is part of it: logged before it was judged, a run is another one there.
    """
    with _registry_errors(uri), tracking(uri):
        with suppress(VersionUnknown):  # A file that has not been made yet is made here.
            check_reach(uri, model)
        client = MlflowClient(tracking_uri(uri), uri)
        experiment = experiment_of(uri, f"{model}-evals")
        key = _key(run, judgements)
        there = next(iter(client.search_runs([experiment], f"tags.`{KEY}` = '{key}'", max_results=1)), None)
        if there and there.info.status != UNFINISHED:
            return str(there.info.run_id), False
        version = _version(client, run, uri, model)
        found = (there or _begin(client, experiment, key, run, version, who)).info.run_id
        home = TraceHome(experiment, found, _logged_model(client, experiment, found, run, version))
        _fill(client, home, run, scores, judgements)
        given = [(score, METRICS) for score in scores]
        if judgements:
            judge = AssessmentSource("LLM_JUDGE", judgements.judge.label)
            given += [(score, judge) for score in judgements.scores]
        write_traces(TracingClient(uri), home, run, given)
        client.set_terminated(found)
    return found, True


def attach_report(run_id: str, verdict: Verdict, report: Path, uri: str) -> bool:
    """Put a verdict with its report beside a run; whether anything was new. Raises RegistryUnavailable.

    Each verdict has a folder by its digest, so that a later one does not replace what an earlier one rested on. The tag
    with the digests is set last: what was broken off is put there again.
    """
    files = [path for name in FILES if (path := report / name).exists()]
    digest = digest_of(*map(file_digest, files))
    with _registry_errors(uri):
        client = MlflowClient(tracking_uri(uri), uri)
        if client.get_run(run_id).data.tags.get(EVIDENCE) == digest:
            return False
        for path in files:
            client.log_artifact(run_id, str(path), f"{FOLDER}/{verdict.digest[:12]}")
        client.set_tag(run_id, SAYS, verdict.says)
        client.set_tag(run_id, EVIDENCE, digest)
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


def _begin(
    client: MlflowClient, experiment: str, key: str, run: EvalRun, version: ModelVersion | None, who: str
) -> MlflowRun:
    """A new MLflow run with its tags."""
    commit = run.info.commit or (version.tags.get("warrant.commit", "") if version else "")
    tags = {KEY: key, DIGEST: run.info.release, MLFLOW_RUN_TYPE: MLFLOW_RUN_TYPE_GENAI_EVALUATE}
    name = f"{run.info.label} on {run.info.dataset}"
    return client.create_run(experiment, run_name=name, tags={**tags, **origin_tags("eval log", who, commit)})


def _fill(
    client: MlflowClient, home: TraceHome, run: EvalRun, scores: tuple[Score, ...], judgements: JudgedScores | None
) -> None:
    """The parameters, the dataset and the model as inputs, the means of the scores, and the files; so for a judge."""
    info, now, files = run.info, int(time.time() * 1000), list(KEPT)
    dataset = _dataset(client, home.experiment, run)
    client.log_inputs(home.run, datasets=[dataset], models=[LoggedModelInput(home.model)])
    params, figures = info.model_dump(exclude_none=True, exclude={"began"}), means(scores)
    if judgements:
        files.append(JUDGEMENTS)
        params["judge"] = judgements.judge.label
        spent = judgements.spent.model_dump(exclude_none=True)
        figures |= means(judgements.scores) | {f"judge.{name}": value for name, value in spent.items()}
    measured = {"model_id": home.model, "dataset_name": info.dataset, "dataset_digest": dataset.dataset.digest}
    client.log_batch(
        home.run,
        metrics=[Metric(name, value, now, 0, **measured) for name, value in figures.items()],
        params=[Param(name, str(value)) for name, value in params.items()],
    )
    for file in files:
        if (path := run.path / file).exists():
            client.log_artifact(home.run, str(path))


def _dataset(client: MlflowClient, experiment: str, run: EvalRun) -> DatasetInput:
    """The Dataset as an input; a dataset of MLflow's own too, where the tracking server keeps them.

    That one is named by the digest, so that its records are never those of another Dataset.
    """
    info, name = run.info, f"{run.info.dataset}-{run.info.dataset_digest[:8]}"
    plain = dataset_input(info.dataset, info.dataset_digest, "evaluation")
    if client.tracking_uri.startswith("databricks"):
        return plain  # There they are tables of Unity Catalog, which somebody has to have made.
    try:
        known = client.search_datasets([experiment], f"name = '{name}'", max_results=1)
        kept = known[0] if known else client.create_dataset(name, experiment, {DIGEST: info.dataset_digest})
        kept.merge_records([_record(sample) for sample in run.dataset.samples])
    except MlflowException as error:
        if error.error_code not in MISSING_HERE:
            raise
        return plain
    made = kept._to_mlflow_entity()
    return DatasetInput(MlflowDataset(info.dataset, plain.dataset.digest, made.source_type, made.source), plain.tags)


def _record(sample: Sample) -> dict[str, Any]:
    inputs = {name: value for name, value in sample.as_question.items() if value}
    return {"inputs": inputs, "expectations": expectations(sample), "tags": {"sample": sample.id}}


def _version(client: MlflowClient, run: EvalRun, uri: str, model: str) -> ModelVersion | None:
    """The registered version that was asked; the newest that is the same where the run names none of this registry."""
    if run.info.version:
        with suppress(MlflowException):
            found = client.get_model_version(model, str(run.info.version))
            if found.tags.get(DIGEST) == run.info.release:
                return found
    return registered(uri, model, run.info.release)


def _logged_model(client: MlflowClient, experiment: str, name: str, run: EvalRun, version: ModelVersion | None) -> str:
    """The id of the logged model that answered; one without files for a release that was never logged."""
    if version and (found := re.fullmatch(r"models:/(m-\w+)", version.source or "")):
        return found[1]
    ours = f"tags.`{DIGEST}` = '{run.info.release}'"
    if known := client.search_logged_models([experiment], ours, max_results=1):
        return str(known[0].model_id)
    label = re.sub("[^a-z0-9_-]+", "-", run.info.label)
    made = client.create_logged_model(experiment, label, name, {DIGEST: run.info.release}, model_type="agent")
    client.finalize_logged_model(made.model_id, "READY")
    return str(made.model_id)


def _key(run: EvalRun, judgements: JudgedScores | None) -> str:
    """SHA-256 over the dataset, the release, the outcomes and their scores."""
    files = (ANSWERS, SCORES, JUDGEMENTS) if judgements else (ANSWERS, SCORES)
    parts = [run.info.dataset_digest, run.info.release, *(file_digest(run.path / name) for name in files)]
    return digest_of(*parts)


@contextmanager
def _registry_errors(uri: str) -> Iterator[None]:
    """Turns errors of MLflow and of its files into RegistryUnavailable."""
    try:
        yield
    except MlflowException as error:
        raise RegistryUnavailable(trouble(error.message, uri)) from None
    except OSError as error:
        raise RegistryUnavailable(f"{shown(uri)} cannot be read or written: {error.strerror or error}.") from None
