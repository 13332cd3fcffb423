"""What a chat writer sends, and what it says of it in the usage."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.outputs import ChatGenerationChunk
from support import passage_of

from graph.backend import Brief
from graph.errors import ModelFailed
from graph.models.breaker import EndpointBreaker
from graph.models.chat import Chat
from graph.models.chat_writer import ChatWriter
from graph.models.prompt import marked_off
from graph.models.scripted import Rule, ScriptedModel
from graph.models.writers import ExtractiveWriter, open_writers
from graph.release import Breaker, Generation, Prompts, Release, Terms
from graph.settings import Settings
from graph.state import Passage, Quote, Usage, no_usage

TEXT = "The fee is 5 EUR. It is due at once. "


class Parrot(ScriptedModel):
    """Says what it was sent."""

    async def _astream(self, messages: Any, *_: Any, **options: Any) -> AsyncIterator[ChatGenerationChunk]:
        for message in messages:
            yield ChatGenerationChunk(message=AIMessageChunk(content=f"{message.content}\n"))


def passage(text: str = TEXT) -> Passage:
    return passage_of(text, title="Fees")


def words(text: str) -> int:
    return len(text.split())


def sent(passages: list[Passage], usage: Usage, *, window: int | None = None, **terms: Any) -> str:
    """The request that a writer makes whose model counts words."""
    prompts = Prompts(answer="Answer.", claims="Answer in JSON.")
    release = Release(generation=Generation(max_tokens=16), prompts=prompts)
    model = Parrot(rules=[Rule()])
    writer = ChatWriter(Chat("m", lambda: model), release, EndpointBreaker("m", Breaker()), count=words, window=window)
    share = terms.pop("share", 1.0)
    brief = Brief("How much?", passages, [], Terms(**terms), share)

    async def write() -> str:
        return "".join([piece async for piece in writer.write(brief, usage)])

    return asyncio.run(write())


def test_the_prompt_the_passages_and_the_question_are_sent() -> None:
    marked = marked_off(["[1] Fees\nIt is 5 EUR."])
    assert sent([passage("It is 5 EUR.")], no_usage()) == f"Answer.\nPassages:\n\n{marked}\n\nQuestion: How much?\n"


def test_a_role_that_answers_in_json_has_a_prompt_of_its_own() -> None:
    assert sent([passage()], no_usage(), format="json").startswith("Answer in JSON.\n")


def test_passages_beyond_the_window_are_left_out_and_told() -> None:
    usage = no_usage()
    # 572 less 16 for the reply, 3 for prompt and question, 32 for the template and 60 for the lines between passages
    # leave 461 words; a passage has 202.
    request = sent([passage(TEXT * 20) for _ in range(4)], usage, context_window=572)
    assert (usage.get("left_out"), usage.get("shortened")) == (1, 1)
    assert request.count("[3] Fees") == 1
    assert "[4]" not in request
    assert words(request) <= 461 + 6 + 4 * 3


def test_the_makers_window_holds_where_it_is_the_smaller() -> None:
    usage = no_usage()
    sent([passage(TEXT * 20) for _ in range(4)], usage, window=360, context_window=100_000)
    assert (usage.get("left_out"), usage.get("shortened")) == (2, 1)


def test_what_fits_is_not_mentioned() -> None:
    usage = no_usage()
    sent([passage()], usage)
    assert usage == {"model": "m", "calls": 1, "input_tokens": 0, "output_tokens": 0}


def test_half_is_sent_after_the_endpoint_called_it_too_long() -> None:
    usage = no_usage()
    sent([passage(TEXT * 20) for _ in range(4)], usage, context_window=100_000, share=0.5)
    assert usage["left_out"] == 2


def test_a_window_in_which_no_sentence_fits_is_refused_before_the_call() -> None:
    usage = no_usage()
    with pytest.raises(ModelFailed, match="m has 2 tokens of 77 for passages") as caught:
        sent([passage()], usage, window=77)
    assert (caught.value.reason, usage["calls"]) == ("context_window", 0)


BUILT = "The tower was built in 1889 by Gustave Eiffel"


def quoted(*quotes: Quote) -> str:
    """What an extractive writer says of what is quoted."""
    brief = Brief("When was the tower built?", [passage(BUILT), passage(TEXT)], list(quotes))

    async def write() -> str:
        return "".join([piece async for piece in ExtractiveWriter().write(brief, no_usage())])

    return asyncio.run(write())


def test_quotes_are_said_as_they_are_each_with_its_stop_and_its_passage() -> None:
    first, second = Quote(text=BUILT, passage=0), Quote(text="It is due at once!", passage=1)
    assert quoted(first, second) == f"{BUILT}. [1] It is due at once! [2]"


def test_the_extractive_writer_is_always_at_hand() -> None:
    assert list(open_writers(Settings(), Release())) == ["extractive"]


def test_without_anything_to_quote_the_extractive_writer_fails_with_a_reason() -> None:
    with pytest.raises(ModelFailed, match="No sentence") as caught:
        quoted()
    assert caught.value.reason == "no_evidence"
