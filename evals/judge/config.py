"""Who judges: the model, where it is asked, and what it is asked with."""

from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from evals.dataset import StrictModel
from evals.errors import JudgeInvalid
from evals.metrics.catalog import PROMPTS
from graph.prices import Prices, cost
from graph.registry.isolation import digest_of
from graph.settings import Settings
from graph.state import Usage

CACHE = Path(".warrant/judge/replies.db")
KIND = "openai:"
OPENAI = "https://api.openai.com/v1"


class JudgeIdentity(StrictModel):
    """What makes one judge another: `prompts` is the digest of the prompts' files, `host` has no secrets in it."""

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
    """A judge that is to be asked; `again`: anew where its reply was of no use.

    `prompts` is a folder with prompts in place of Warrant's.
    """

    identity: JudgeIdentity
    url: str
    key: SecretStr
    settings: Settings
    again: bool = False
    prompts: Path | None = None


def judge_config(settings: Settings, *, again: bool = False) -> JudgeConfig | None:
    """The judge that the settings name; None where they name none. Raises JudgeInvalid.

    A judge with a URL of its own is never sent the key of the models.
    """
    if not settings.judge_model:
        if again:
            raise JudgeInvalid("There is no judge to ask; name one with --judge or WARRANT_JUDGE_MODEL.")
        return None
    url = settings.judge_url or settings.chat_url or OPENAI
    key = settings.judge_key or (None if settings.judge_url else settings.chat_key)
    prompts = settings.evals / PROMPTS.name if settings.evals else None
    identity = JudgeIdentity(
        model=settings.judge_model.removeprefix(KIND),
        host=_host(url),
        temperature=settings.judge_temperature,
        ragas=version("ragas"),
        prompts=prompts_digest(prompts),
    )
    return JudgeConfig(identity, url, key or SecretStr("none"), settings, again, prompts)


def prompts_digest(folder: Path | None) -> str:
    """SHA-256 over the prompts' files, and those that stand in their place."""
    return digest_of(("", PROMPTS), *((("own", folder),) if folder and folder.is_dir() else ()))


def bare(url: str) -> str:
    """A URL without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))


def _host(url: str) -> str:
    host = urlsplit(bare(url)).netloc
    if not host:
        raise JudgeInvalid(f"The judge's URL must be like https://HOST/v1, not {bare(url)!r}; set WARRANT_JUDGE_URL.")
    return host
