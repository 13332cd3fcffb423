"""The writers of replies: the extractive writer, and chat models."""

from collections.abc import AsyncIterator, Mapping

from ..backend import Brief, ClaimChecker, Writer
from ..errors import ModelFailed
from ..release import Release
from ..settings import Settings
from ..state import Usage

STOPS = (".", "!", "?", ":", "…", "。", "！", "？")


class ExtractiveWriter:
    """Writes the quotes; needs no model and never makes anything up."""

    name = "extractive"

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        if not brief.quotes:
            raise ModelFailed("no_evidence", "No sentence of the passages answers the question.")
        for number, quote in enumerate(brief.quotes):
            # A table row or list item has no full stop, and two of them without one would be one claim.
            stop = "" if quote["text"].endswith(STOPS) else "."
            # A quote that begins in lower case would be read as part of the sentence before it.
            apart = "" if not number else "\n\n" if quote["text"][:1].islower() else " "
            yield f"{apart}{quote['text']}{stop} [{quote['passage'] + 1}]"


def open_writers(settings: Settings, release: Release) -> Mapping[str, Writer]:
    """The writers of the Release, and the extractive one."""
    names = {release.models.simple, release.models.complex, release.models.backup} - {"extractive"}
    writers: dict[str, Writer] = {"extractive": ExtractiveWriter()}
    if names:
        # Quoting needs none of what chat models import.
        from .chat_writer import open_chat_writer

        writers |= {name: open_chat_writer(name, settings, release) for name in sorted(names)}
    return writers


def open_claim_checker(settings: Settings, release: Release) -> ClaimChecker | None:
    """The claim checker of the Release, if it has one."""
    if release.checking_model is None:
        return None
    from .chat_writer import WriterClaimChecker, checker_release, open_chat_writer

    checker_settings = checker_release(release)
    writer = open_chat_writer(release.checking_model, settings, checker_settings)
    return WriterClaimChecker(writer, checker_settings.generation.terms("simple"))
