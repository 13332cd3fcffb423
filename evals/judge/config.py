"""Who judges: the model, where it is asked, and what it is asked with."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from evals.dataset import StrictModel
from evals.errors import JudgeInvalid
from graph.prices import Prices, cost
from graph.settings import Settings
from graph.state import Usage

CACHE = Path(".warrant/judge/replies.db")
KIND = "openai:"
OPENAI = "https://api.openai.com/v1"
PROMPTS = (
    "answer_accuracy",
    "answer_relevancy",
    "context_precision",
    "context_recall",
    "factual_correctness",
    "faithfulness",
)
"""ragas' folders with the prompts that are used."""


class JudgeIdentity(StrictModel):
    """What makes one judge another: `prompts` is the digest of ragas' prompts, `host` has no secrets in it."""

    model: str
    host: str
    temperature: float
    ragas: str
    prompts: str

    @property
    def label(self) -> str:
        """The judge as a Verdict names it."""
        warm = f", temperature {self.temperature:g}" if self.temperature else ""
        return f"{self.model} at {self.host}{warm}, ragas {self.ragas}, prompts {self.prompts[:8]}"

    def with_repeats(self, repeats: int) -> str:
        """The judge and how often it is asked."""
        return f"{self.label}, {repeats} repeat{'s' if repeats > 1 else ''}"


class JudgeUsage(StrictModel):
    """What scores rest on: calls and their tokens, whenever they were made; `usd` is None where it is not known."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float | None = None

    def at(self, prices: Prices, model: str) -> "JudgeUsage":
        """The same at these prices; a model without token counts has no price."""
        usage = Usage(model=model, calls=self.calls, input_tokens=self.input_tokens, output_tokens=self.output_tokens)
        known = self.input_tokens or not self.calls
        return self.model_copy(update={"usd": cost(usage, prices) if known else None})


@dataclass(frozen=True)
class JudgeConfig:
    """A judge that is to be asked, `repeats` times about everything; `again`: anew where its reply was of no use."""

    identity: JudgeIdentity
    url: str
    key: SecretStr
    settings: Settings
    repeats: int = 1
    again: bool = False

    @property
    def label(self) -> str:
        """The judge and how often it is asked."""
        return self.identity.with_repeats(self.repeats)


def judge_config(settings: Settings, repeats: int | None = None, *, again: bool = False) -> JudgeConfig | None:
    """The judge that the settings name; None where they name none. Raises JudgeInvalid.

    A judge with a URL of its own is never sent the key of the models.
    """
    if not settings.judge_model:
        if repeats or again:
            raise JudgeInvalid("There is no judge to ask; name one with --judge or WARRANT_JUDGE_MODEL.")
        return None
    url = settings.judge_url or settings.model_url or OPENAI
    key = settings.judge_key or (None if settings.judge_url else settings.model_key)
    identity = JudgeIdentity(
        model=settings.judge_model.removeprefix(KIND),
        host=_host(url),
        temperature=settings.judge_temperature,
        ragas=version("ragas"),
        prompts=prompts_digest(),
    )
    return JudgeConfig(identity, url, key or SecretStr("none"), settings, repeats or 1, again)


def prompts_digest() -> str:
    """SHA-256 over the files of ragas that hold the prompts; ragas itself is not imported, which takes seconds."""
    found = find_spec("ragas")
    if found is None or found.origin is None:
        raise JudgeInvalid("Judged scores come through ragas, which is not installed; install the extra `evals`.")
    home = Path(found.origin).parent / "metrics" / "collections"
    digest = hashlib.sha256()
    for name in PROMPTS:
        digest.update((home / name / "util.py").read_bytes())
    return digest.hexdigest()


def bare(url: str) -> str:
    """A URL without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def _host(url: str) -> str:
    host = urlsplit(bare(url)).netloc
    if not host:
        raise JudgeInvalid(f"The judge's URL must be like https://HOST/v1, not {bare(url)!r}; set WARRANT_JUDGE_URL.")
    return host
