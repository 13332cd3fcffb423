"""Generating and falling back in the compiled graph: pauses, breakers, hedges, shorter requests."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from support import passage_of

from graph.backend import Backend, Brief, Lexicon, Scope, Writer
from graph.builder import build_graph
from graph.errors import ModelFailed
from graph.models.breaker import EndpointBreaker
from graph.models.writers import ExtractiveWriter, open_writers
from graph.release import Breaker, Generation, Models, Release, Reranking, Roles, RoleTerms, Routing
from graph.settings import Settings
from graph.state import Answer, Passage, Question, Usage
from graph.stream_items import Item, public_items

TEXT = "The warranty of the Corrento pump is five years. It begins with the date of installation."
QUESTION = Question(question="How long is the warranty of the Corrento pump?")
GOOD = "The warranty of the Corrento pump is five years. [1]"
BROKEN = ModelFailed("error", "503", transient=True)


def passage(text: str = TEXT, number: int = 0) -> Passage:
    return passage_of(
        text,
        id=f"warranty.md#{number}",
        document="warranty.md",
        file="warranty.md",
        title="Warranty",
        lexical=1.0,
        vector=1.0,
    )


@dataclass
class Shelf:
    """A retriever that always finds the same passages."""

    passages: list[Passage] = field(default_factory=lambda: [passage()])
    snapshot: str = "snap"
    columns: dict[str, Any] = field(default_factory=dict)
    lexicon: Lexicon | None = None

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        return self.passages


class Overlap:
    """Finds texts as alike as the share of their words that both have."""

    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        words = set(text.lower().split())
        return [len(words & set(other.lower().split())) / len(words) for other in others]


@dataclass
class Model:
    """A guarded writer that gives, call by call, a reply, a failure, or silence for some seconds."""

    name: str
    script: list[str | Exception | float]
    rules: Breaker = field(default_factory=Breaker)
    briefs: list[Brief] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.guard = EndpointBreaker(self.name, self.rules)

    @property
    def breaker(self) -> "Model":
        return self

    def call(self) -> AbstractAsyncContextManager[None]:
        return self.guard.call()

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        said = self.script[min(len(self.briefs), len(self.script) - 1)]
        self.briefs.append(brief)
        usage["model"] = self.name
        usage["calls"] += 1
        if isinstance(said, Exception):
            raise said
        if isinstance(said, float):
            await asyncio.sleep(said)
            said = GOOD
        for word in said.split(" "):
            yield word + " "


def world(first: Model, spare: Model | None = None) -> Backend:
    spare = spare or Model("openai:spare", [GOOD])
    writers: dict[str, Writer] = {first.name: first, spare.name: spare, "extractive": ExtractiveWriter()}
    return Backend(retriever=Shelf(), similarity=Overlap(), writers=writers)


def release(**generation: Any) -> Release:
    models = Models(simple="openai:small", complex="openai:small", backup="openai:spare")
    return Release(models=models, generation=Generation(**{"backoff": 0.001, **generation}))


def ask(backend: Backend, chosen: Release | None = None) -> Answer:
    answer: Answer = asyncio.run(build_graph(chosen or release(), backend).ainvoke(QUESTION))["answer"]
    return answer


def came(answer: Answer) -> tuple[str, str | None]:
    return answer["rung"], answer["reason"]


@dataclass
class Watched:
    """A lexicon that remembers in which threads it was asked."""

    threads: set[str] = field(default_factory=set)

    def weight(self, term: str) -> float:
        self.threads.add(threading.current_thread().name)
        return 1.0

    def commonest(self, most: int) -> list[str]:
        return ["the", "of", "and", "is", "in"]


def test_what_is_worked_out_about_words_is_worked_out_beside_the_event_loop() -> None:
    lexicon = Watched()
    first = Model("openai:small", ["Bananas are yellow. [1]"])
    backend = replace(world(first), retriever=Shelf(lexicon=lexicon))
    talk = Question(**QUESTION, history=[{"role": "user", "content": "I have a heating pump."}])
    chosen = release().model_copy(update={"models": Models(simple="openai:small", backup="extractive")})
    assert asyncio.run(build_graph(chosen, backend).ainvoke(talk))["answer"]["rung"] == "extractive"
    assert {name.rsplit("_", 1)[0] for name in lexicon.threads} == {"warrant-cpu"}


def test_a_wait_that_fits_is_kept_before_the_retry() -> None:
    busy = ModelFailed("error", "429", transient=True, retry_after=0.3)
    answer = ask(world(Model("openai:small", [busy, GOOD])))
    assert came(answer) == ("retry", "error")
    assert answer["timings"]["fallback"] >= 300


def test_a_wait_that_does_not_fit_goes_to_the_backup_at_once() -> None:
    busy = ModelFailed("error", "429", transient=True, retry_after=3600)
    first = Model("openai:small", [busy, GOOD])
    assert came(ask(world(first))) == ("backup", "error")
    assert len(first.briefs) == 1


def test_a_pause_can_be_given_up() -> None:
    busy = ModelFailed("error", "429", transient=True, retry_after=5)
    first = Model("openai:small", [busy, GOOD])

    async def give_up() -> None:
        task = asyncio.create_task(build_graph(release(), world(first)).ainvoke(QUESTION))
        while not first.briefs:
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(give_up())
    assert len(first.briefs) == 1


def test_an_endpoint_that_keeps_failing_is_left_alone() -> None:
    first, spare = Model("openai:small", [BROKEN]), Model("openai:spare", [GOOD])
    backend = world(first, spare)
    answers = [ask(backend) for _ in range(8)]
    assert [came(answer) for answer in answers] == [("backup", "error")] * 5 + [("backup", "circuit_open")] * 3
    assert (len(first.briefs), len(spare.briefs), answers[-1]["usage"]["calls"]) == (10, 8, 1)


def test_an_answer_that_nobody_supports_is_not_the_endpoints_fault() -> None:
    first = Model("openai:small", ["Bananas are yellow. [1]"])
    backend = world(first)
    assert {came(ask(backend)) for _ in range(12)} == {("backup", "unsupported")}
    assert first.guard.state.failures == 0


def test_a_request_that_is_too_long_is_sent_again_with_half_of_the_passages() -> None:
    first = Model("openai:small", [ModelFailed("context_window", "too long"), GOOD])
    assert came(ask(world(first))) == ("retry", "context_window")
    assert [brief.share for brief in first.briefs] == [1.0, 0.5]


def test_each_role_is_asked_on_its_own_terms() -> None:
    first, spare = Model("openai:small", [ModelFailed("error", "400")]), Model("openai:spare", [GOOD])
    roles = Roles(simple=RoleTerms(context_window=4096), backup=RoleTerms(format="json", timeout=3))
    ask(world(first, spare), release(roles=roles))
    terms = [model.briefs[0].terms for model in (first, spare)]
    assert [(each.context_window, each.format, each.timeout) for each in terms] == [
        (4096, "text", 20),
        (8192, "json", 3),
    ]


def test_a_slow_model_is_hedged_and_the_rung_says_so() -> None:
    answer = ask(world(Model("openai:small", [30.0])), release(hedge_after=0.05))
    assert came(answer) == ("hedge", "timeout")
    assert (answer["status"], answer["usage"]["model"], answer["usage"]["calls"]) == ("answered", "openai:spare", 2)
    assert answer["detail"] == "openai:small had said nothing when a second request, sent later, was answered"


def test_a_model_that_is_in_time_is_not_hedged() -> None:
    spare = Model("openai:spare", [GOOD])
    assert came(ask(world(Model("openai:small", [GOOD]), spare), release(hedge_after=5))) == ("primary", None)
    assert spare.briefs == []


def test_a_hedge_whose_answer_is_refused_is_not_asked_again() -> None:
    spare = Model("openai:spare", ["Bananas are yellow. [1]"])
    answer = ask(world(Model("openai:small", [30.0]), spare), release(hedge_after=0.05))
    assert (came(answer), len(spare.briefs)) == (("extractive", "unsupported"), 1)


def test_a_model_leaves_the_backup_time_to_answer() -> None:
    answer = ask(world(Model("openai:small", [30.0])), release(deadline=1.0, timeout=30))
    assert came(answer) == ("backup", "timeout")


def test_when_both_models_hang_the_passages_are_quoted_inside_the_deadline() -> None:
    hanging = world(Model("openai:small", [30.0]), Model("openai:spare", [30.0]))
    answer = ask(hanging, release(deadline=1.0, timeout=30))
    assert came(answer) == ("extractive", "timeout")
    assert sum(answer["timings"].values()) < 1000


def test_a_question_whose_time_is_over_is_quoted_without_asking_a_model() -> None:
    class Slow(Shelf):
        async def search(self, text: str, scope: Scope) -> list[Passage]:
            await asyncio.sleep(0.2)
            return self.passages

    first = Model("openai:small", [GOOD])
    writers = world(first).writers
    answer = ask(Backend(retriever=Slow(), similarity=Overlap(), writers=writers), release(deadline=0.1))
    assert (came(answer), first.briefs) == (("extractive", "timeout"), [])


def test_what_did_not_fit_is_told(tmp_path: Any) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(f'- reply: "{GOOD}"\n')
    named = f"scripted:{script}"
    long = "Item {0} of the pump's price list costs {0} EUR in the shop of the Corrento works. " * 12
    passages = [passage(), *(passage(long.format(number), number) for number in range(1, 6))]
    chosen = Release(
        models=Models(simple=named, complex=named),
        generation=Generation(context_window=1400, max_tokens=128),
        reranking=Reranking(token_budget=20_000),
    )
    backend = Backend(retriever=Shelf(passages), similarity=Overlap(), writers=open_writers(Settings(), chosen))
    usage = ask(backend, chosen)["usage"]
    assert (usage.get("left_out", 0) > 0, usage.get("shortened")) == (True, 1)


def test_a_window_in_which_no_sentence_fits_is_no_call(tmp_path: Any) -> None:
    script = tmp_path / "script.yaml"
    script.write_text(f'- reply: "{GOOD}"\n')
    named = f"scripted:{script}"
    chosen = Release(
        models=Models(simple=named, complex=named),
        generation=Generation(context_window=512, max_tokens=256),
    )
    backend = Backend(retriever=Shelf(), similarity=Overlap(), writers=open_writers(Settings(), chosen))
    answer = ask(backend, chosen)
    assert (came(answer), answer["usage"]["calls"]) == (("extractive", "context_window"), 0)


def test_what_models_really_said_is_kept_beside_the_answer(tmp_path: Any) -> None:
    (tmp_path / "first.yaml").write_text("- {when: warranty, reply: 'Bananas are yellow. [1]'}\n")
    (tmp_path / "spare.yaml").write_text("- reply: 'NO_ANSWER'\n")
    first, spare = f"scripted:{tmp_path}/first.yaml", f"scripted:{tmp_path}/spare.yaml"
    chosen = Release(models=Models(simple=first, complex=first, backup=spare))
    backend = Backend(retriever=Shelf(), similarity=Overlap(), writers=open_writers(Settings(), chosen))

    async def final() -> Item:
        return [item async for item in public_items(build_graph(chosen, backend), QUESTION)][-1]

    item = asyncio.run(final())
    said = [(one["writer"], one["rung"], one["text"]) for one in item["replies"]]
    assert said == [(first, "primary", "Bananas are yellow. [1]"), (spare, "backup", "NO_ANSWER")]
    reasons = [one["failure"] and one["failure"]["reason"] for one in item["replies"]]
    assert (reasons, item["answer"]["status"]) == (["unsupported", "no_evidence"], "declined")
    assert "Bananas" not in str(item["answer"])


def test_a_reply_that_could_be_used_has_no_failure(tmp_path: Any) -> None:
    (tmp_path / "s.yaml").write_text(f"- reply: '{GOOD}'\n")
    named = f"scripted:{tmp_path}/s.yaml"
    chosen = Release(models=Models(simple=named, complex=named))
    backend = Backend(retriever=Shelf(), similarity=Overlap(), writers=open_writers(Settings(), chosen))

    async def final() -> Item:
        return [item async for item in public_items(build_graph(chosen, backend), QUESTION)][-1]

    assert asyncio.run(final())["replies"] == [{"writer": named, "rung": "primary", "text": GOOD, "failure": None}]


@pytest.mark.parametrize(
    "before", ["The pump is loud. " * 1770, "w7x " * 7900, "a" * 31_900, " ".join(map(str, range(6400)))]
)
def test_a_question_of_32_000_characters_is_answered_and_a_model_reads_all_of_it(before: str) -> None:
    first = Model("openai:small", [GOOD])
    question = f"{before[:31_900]} {QUESTION['question']}"
    chosen = release().model_copy(update={"routing": Routing(answer_from=0)})
    began = time.perf_counter()
    answer = asyncio.run(build_graph(chosen, world(first)).ainvoke(Question(question=question)))["answer"]
    assert (answer["status"], came(answer), first.briefs[0].question) == ("answered", ("primary", None), question)
    assert time.perf_counter() - began < 10
