"""Puts a Verdict and its report beside a run that MLflow keeps: as artifacts of their own, and the word as a tag.

Each verdict has a folder by its digest, so that a later one does not take away what an earlier one rested on. The tag
with the digests of what is there is set last: what was broken off is put there again.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from evals.gating.verdict import Verdict
from evals.report.files import FILES
from graph.errors import RegistryUnavailable
from graph.registry.address import shown, trouble

SAYS, EVIDENCE, FOLDER = "warrant.verdict", "warrant.verdict.evidence", "verdicts"


@dataclass(frozen=True)
class Attached:
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


def attach(name: str, attached: Attached, uri: str) -> bool:
    """Whether anything was new to the MLflow run with this id; raises RegistryUnavailable."""
    try:
        client = MlflowClient(uri, uri)
        if client.get_run(name).data.tags.get(EVIDENCE) == attached.digest:
            return False
        folder = f"{FOLDER}/{attached.verdict.digest[:12]}"
        client.log_text(name, attached.verdict.text(), f"{folder}/verdict.json")
        for path in attached.files:
            client.log_artifact(name, str(path), folder)
        client.set_tag(name, SAYS, attached.verdict.says)
        client.set_tag(name, EVIDENCE, attached.digest)
    except MlflowException as error:
        raise RegistryUnavailable(trouble(error.message, uri)) from None
    except OSError as error:
        raise RegistryUnavailable(f"{shown(uri)} cannot be read or written: {error.strerror or error}.") from None
    return True
