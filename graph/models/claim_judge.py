"""A chat model that decides about claims of which the rules are unsure."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext

from ..backend import Brief, Writer
from ..errors import ModelFailed
from ..release import Release, Roles, Terms
from ..state import Passage, Usage, no_usage
from ..steps.generate import Guarded


class WriterJudge:
    """Asks a writer whose prompt is the release's `judge`, with the claims behind the question."""

    def __init__(self, writer: Writer, terms: Terms) -> None:
        self._writer, self._terms = writer, terms

    async def ask(self, request: str, passages: Sequence[Passage], usage: Usage) -> str:
        """The whole reply; adds to `usage`; raises ModelFailed."""
        own = no_usage()
        brief = Brief(request, list(passages), [], self._terms)
        breaker = self._writer.breaker.call() if isinstance(self._writer, Guarded) else nullcontext()
        try:
            async with asyncio.timeout(self._terms.timeout), breaker:
                return "".join([piece async for piece in self._writer.write(brief, own)])
        except TimeoutError as error:
            late = f"{self._writer.name} did not answer within {self._terms.timeout:g} s"
            raise ModelFailed("timeout", late, transient=True) from error
        finally:
            usage["calls"] += own["calls"]
            usage["input_tokens"] += own["input_tokens"]
            usage["output_tokens"] += own["output_tokens"]


def as_judge(release: Release) -> Release:
    """The release as its judge is opened with: the judge's prompt in place of the answer's, and running text."""
    prompts = release.prompts.model_copy(update={"answer": release.prompts.judge})
    generation = release.generation.model_copy(update={"format": "text", "roles": Roles()})
    return release.model_copy(update={"prompts": prompts, "generation": generation})
