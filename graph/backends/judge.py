"""A chat model as the judge of claims that the weights are unsure of."""

import asyncio
import re
from contextlib import nullcontext

from ..answers import no_usage
from ..asking import Roles
from ..errors import ModelFailed
from ..release import Release, Terms
from ..state import Passage, Usage
from ..steps.generate import Guarded
from . import Brief, Writer

VERDICT = re.compile(r"[^\W\d_]+")
SCORES = {"yes": 0.95, "supported": 0.95, "true": 0.95, "no": 0.05, "unsupported": 0.05, "not": 0.05, "false": 0.05}
"""What the first word of a reply is worth; a judge is never quite certain."""


class WriterJudge:
    """Asks a writer whose prompt is the release's `judge`, with the claim in place of the question."""

    def __init__(self, writer: Writer, terms: Terms) -> None:
        self._writer, self._terms = writer, terms

    async def supports(self, claim: str, passage: Passage, usage: Usage) -> float:
        """0 to 1; adds to `usage`; raises ModelFailed when the model fails or says neither yes nor no."""
        own = no_usage()
        brief = Brief(claim, [passage], [], self._terms)
        breaker = self._writer.breaker.call() if isinstance(self._writer, Guarded) else nullcontext()
        try:
            async with asyncio.timeout(self._terms.timeout), breaker:
                reply = "".join([piece async for piece in self._writer.write(brief, own)])
        except TimeoutError as error:
            late = f"{self._writer.name} did not judge a claim within {self._terms.timeout:g} s"
            raise ModelFailed("timeout", late, transient=True) from error
        finally:
            usage["calls"] += own["calls"]
            usage["input_tokens"] += own["input_tokens"]
            usage["output_tokens"] += own["output_tokens"]
        return score_of(reply, self._writer.name)


def score_of(reply: str, name: str) -> float:
    """What a judge's reply is worth; raises ModelFailed when it is neither yes nor no."""
    word = VERDICT.search(reply)
    score = SCORES.get(word.group().lower()) if word else None
    if score is None:
        raise ModelFailed("error", f"{name} should judge with yes or no and said {reply[:60]!r}")
    return score


def as_judge(release: Release) -> Release:
    """The release as its judge is opened with: the judge's prompt in place of the answer's, and running text."""
    prompts = release.prompts.model_copy(update={"answer": release.prompts.judge})
    roles = Roles()
    generation = release.generation.model_copy(update={"format": "text", "roles": roles})
    return release.model_copy(update={"prompts": prompts, "generation": generation})
