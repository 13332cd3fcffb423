"""A chat model as the judge of claims, over a scripted one."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support import passage_of

from graph.backend import Brief
from graph.errors import ModelFailed
from graph.models.breaker import EndpointBreaker
from graph.models.chat_writer import ChatWriter, WriterClaimChecker, checker_release
from graph.models.writers import open_claim_checker
from graph.release import Breaker, Checking, Generation, Models, Prompts, Release, Roles, RoleTerms, Terms
from graph.settings import Settings
from graph.state import Usage, no_usage

PASSAGE = passage_of("The fee is 5 EUR.", title="Fees")


class Says(ChatWriter):
    """A writer that says one thing, after so many seconds, and remembers what it was asked."""

    name = "says"
    breaker = EndpointBreaker("says", Breaker())

    def __init__(self, said: str | ModelFailed, seconds: float = 0.0) -> None:
        self.said, self.seconds = said, seconds
        self.asked: list[Brief] = []

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        self.asked.append(brief)
        usage["model"], usage["calls"] = self.name, usage["calls"] + 1
        usage["input_tokens"], usage["output_tokens"] = usage["input_tokens"] + 20, usage["output_tokens"] + 1
        await asyncio.sleep(self.seconds)
        if isinstance(self.said, ModelFailed):
            raise self.said
        for piece in self.said.split(" "):
            yield f"{piece} "


def judged(writer: Says, usage: Usage | None = None, **terms: Any) -> str:
    judge = WriterClaimChecker(writer, Terms(**terms))
    return asyncio.run(judge.ask("1. The fee is 5 EUR.", [PASSAGE], no_usage() if usage is None else usage))


def test_what_judging_costs_is_added_and_the_answers_own_model_keeps_its_name() -> None:
    usage = Usage(model="m", calls=1, input_tokens=100, output_tokens=10)
    judged(Says("no"), usage)
    assert usage == Usage(model="m", calls=2, input_tokens=120, output_tokens=11)


def test_a_failure_is_raised_and_what_it_cost_is_added() -> None:
    said, usage = ModelFailed("error", "503", transient=True), no_usage()
    with pytest.raises(ModelFailed):
        judged(Says(said), usage)
    assert (usage["calls"], usage["input_tokens"]) == (1, 20)


def test_a_judge_that_is_late_has_failed_and_what_it_cost_is_added() -> None:
    usage = no_usage()
    with pytest.raises(ModelFailed, match=r"says did not answer within 0\.02 s") as caught:
        judged(Says("yes", seconds=5.0), usage, timeout=0.02)
    assert (caught.value.reason, caught.value.transient, usage["calls"]) == ("timeout", True, 1)


def test_a_judge_is_opened_with_its_own_prompt_and_nothing_else_of_the_release_changed() -> None:
    release = Release(prompts=Prompts(answer="Answer.", judge="Judge."))
    own = checker_release(release)
    assert (own.prompts.answer, own.prompts.judge) == ("Judge.", "Judge.")
    assert own.model_copy(update={"prompts": release.prompts}) == release


def scripted(tmp_path: Path, text: str, **parts: Any) -> tuple[str, Usage]:
    """What a judge opened from a release says, the script's `when` being searched in what it is asked."""
    script, usage = tmp_path / "judge.yaml", no_usage()
    script.write_text(text, "utf-8")
    release = Release(checking=Checking(model=f"scripted:{script}"), **parts)
    judge = open_claim_checker(Settings(), release)
    assert judge
    return asyncio.run(judge.ask("The fee is 5 EUR.", [PASSAGE], usage)), usage


def test_the_judge_that_a_release_names_is_opened_and_asked_the_claim(tmp_path: Path) -> None:
    script = "[{when: '^The fee is 5 EUR', reply: 'yes'}, {reply: 'no'}]"
    reply, usage = scripted(tmp_path, script)
    assert (reply.strip(), usage["calls"]) == ("yes", 1)


@pytest.mark.parametrize(
    "generation", [Generation(format="json"), Generation(roles=Roles(simple=RoleTerms(format="json")))]
)
def test_a_judge_answers_in_running_text_where_the_writers_answer_in_json(generation: Generation) -> None:
    assert checker_release(Release(generation=generation)).generation.terms("simple").format == "text"


def test_the_releases_own_model_decides_unless_it_has_none_or_says_so() -> None:
    own = Models(complex="openai:big", simple="openai:small")
    assert Release().checking_model is None
    assert Release(models=own).checking_model == "openai:big"
    assert Release(models=own, checking=Checking(model="none")).checking_model is None
    assert Release(models=own, checking=Checking(model="openai:other")).checking_model == "openai:other"
    assert open_claim_checker(Settings(), Release()) is None


def test_the_extractive_writer_cannot_be_the_judge() -> None:
    with pytest.raises(ValidationError, match="the extractive writer cannot judge"):
        Checking(model="extractive")


def test_an_unknown_judge_is_refused() -> None:
    with pytest.raises(ValidationError, match="name a model as"):
        Checking(model="gpt")


def test_the_bounds_between_which_the_judge_is_asked_must_be_in_order() -> None:
    assert Checking(unsure_from=0.5, unsure_to=0.5).unsure_to == 0.5
    with pytest.raises(ValidationError, match="unsure_from must not be above unsure_to"):
        Checking(unsure_from=0.6, unsure_to=0.5)


def test_only_the_two_ways_of_streaming_are_known() -> None:
    assert Checking().stream == "draft"
    with pytest.raises(ValidationError):
        Checking(stream="all")


def test_a_judge_whose_endpoint_keeps_failing_is_left_alone() -> None:
    class Guarded(Says):
        breaker = EndpointBreaker("judge", Breaker(window=4, minimum=2))

    writer = Guarded(ModelFailed("error", "503", transient=True))
    reasons = []
    for _ in range(6):
        with pytest.raises(ModelFailed) as caught:
            judged(writer)
        reasons.append(caught.value.reason)
    assert reasons[-1] == "circuit_open"
    assert len(writer.asked) < 6
