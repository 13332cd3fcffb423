"""A chat model that decides about claims of which the rules are unsure."""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext

from ..backend import Brief, Writer
from ..errors import ModelFailed
from ..release import Release, Roles, Terms
from ..state import Passage, Usage, no_usage
from ..steps.generate import Guarded


class WriterClaimChecker:
    """Calls a writer with the release's `judge` prompt and the claims after the question."""

    def __init__(self, writer: Writer, terms: Terms) -> None:
        self._writer, self._terms = writer, terms

    async def ask(self, request: str, passages: Sequence[Passage], usage: Usage) -> str:
        """The whole reply; adds to `usage`; raises ModelFailed."""
        call_usage = no_usage()
        brief = Brief(request, list(passages), [], self._terms)
        breaker = self._writer.breaker.call() if isinstance(self._writer, Guarded) else nullcontext()
        try:
            async with asyncio.timeout(self._terms.timeout), breaker:
                return "".join([piece async for piece in self._writer.write(brief, call_usage)])
        except TimeoutError as error:
            detail = f"{self._writer.name} did not answer within {self._terms.timeout:g} s"
            raise ModelFailed("timeout", detail, transient=True) from error
        finally:
            usage["calls"] += call_usage["calls"]
            usage["input_tokens"] += call_usage["input_tokens"]
            usage["output_tokens"] += call_usage["output_tokens"]


def checker_release(release: Release) -> Release:
    """The release with the `judge` prompt instead of the answer's, and plain text as the format."""
    prompts = release.prompts.model_copy(update={"answer": release.prompts.judge})
    generation = release.generation.model_copy(update={"format": "text", "roles": Roles()})
    return release.model_copy(update={"prompts": prompts, "generation": generation})
