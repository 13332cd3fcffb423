"""The compiled graph end to end over small fakes: routes, rungs, reasons, and what leaves it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from support import passage_of

from graph.backend import Backend, Brief, Scope
from graph.builder import build_graph
from graph.errors import ModelFailed, QuestionInvalid, RetrievalUnavailable
from graph.models.writers import ExtractiveWriter
from graph.nodes import after_cite, after_fallback, after_generate, after_route
from graph.release import Checking, Generation, Models, Release, Routing
from graph.state import Answer, Passage, Question, State, Usage
from graph.stream_items import public_items
from graph.text.words import terms

TEXT = "The warranty of the Corrento pump is five years. It begins with the date of installation."
QUESTION = Question(question="How long is the warranty of the Corrento pump?")


def passage(text: str = TEXT, name: str = "warranty.md", score: float = 1.0) -> Passage:
    whole = {"id": f"{name}#0", "document": name, "file": name, "title": "Warranty"}
    return passage_of(text, **whole, page=2, start=100, end=100 + len(text), score=score, lexical=1.0, vector=score)


@dataclass
class Shelf:
    """A retriever that always finds the same passages and remembers what it was asked."""

    passages: list[Passage] = field(default_factory=lambda: [passage()])
    asked: list[tuple[str, Scope]] = field(default_factory=list)
    snapshot: str = "snap"
    columns: dict[str, Any] = field(default_factory=lambda: {"region": "string"})
    lexicon: Any = None

    async def search(self, text: str, scope: Scope) -> list[Passage]:
        self.asked.append((text, scope))
        return self.passages


class Alike:
    """Finds a text that says all of what it is compared with as similar as it is told, and others by their share."""

    def __init__(self, similarity: float = 0.9) -> None:
        self.similarity = similarity

    async def compare(self, text: str, others: Sequence[str]) -> list[float]:
        own = set(terms(text))
        return [self.similarity * len(own & set(terms(other))) / max(1, len(own)) for other in others]


@dataclass
class Replies:
    """A writer that gives, call by call, a reply, raises a failure, or hangs for the seconds given."""

    name: str
    script: list[str | Exception | float]
    calls: int = 0

    async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
        said = self.script[min(self.calls, len(self.script) - 1)]
        self.calls += 1
        usage["calls"] += 1
        if isinstance(said, Exception):
            raise said
        if isinstance(said, float):
            await asyncio.sleep(said)
            said = "late [1]"
        for word in said.split(" "):
            yield word + " "


def release(**changes: Any) -> Release:
    return Release(
        **{"models": Models(simple="openai:small", complex="openai:large", backup="openai:spare"), **changes}
    )


def backend(small: Replies, spare: Replies | None = None, **parts: Any) -> Backend:
    large = parts.pop("large", Replies("openai:large", ["The warranty is five years. [1]"]))
    spare = spare or Replies("openai:spare", ["The warranty is five years. [1]"])
    writers = {writer.name: writer for writer in (small, large, spare)}
    chosen = {"retriever": Shelf(), "similarity": Alike(), **parts}
    return Backend(writers={**writers, "extractive": ExtractiveWriter()}, **chosen)


def ask(world: Backend, chosen: Release | None = None, question: Question = QUESTION) -> Answer:
    answer: Answer = asyncio.run(build_graph(chosen or release(), world).ainvoke(question))["answer"]
    return answer


GOOD = "The warranty of the Corrento pump is five years. [1]"


def test_a_supported_reply_is_answered_with_its_exact_span() -> None:
    answer = ask(backend(Replies("openai:small", [GOOD])))
    assert (answer["status"], answer["rung"], answer["reason"]) == ("answered", "primary", None)
    assert [(c["file"], c["page"], c["start"], c["end"], c["quote"]) for c in answer["citations"]] == [
        ("warranty.md", 2, 100, 148, "The warranty of the Corrento pump is five years.")
    ]


def test_an_answer_says_how_it_came_about() -> None:
    answer = ask(backend(Replies("openai:small", [GOOD])))
    assert list(answer["timings"]) == ["preprocess", "retrieve", "rerank", "route", "generate", "cite"]
    assert answer["release"] == release().label
    assert (answer["snapshot"], answer["usage"]["calls"], answer["route"]) == ("snap", 1, "simple")
    assert 0.5 < answer["confidence"] <= 1


def test_a_complex_question_goes_to_the_complex_model() -> None:
    question = Question(question="What is the difference between the warranty of the Corrento pump and of its drive?")
    large = Replies("openai:large", [GOOD])
    assert ask(backend(Replies("openai:small", ["no"]), large=large), question=question)["route"] == "complex"
    assert large.calls == 1


def test_thin_evidence_is_declined_without_asking_a_model() -> None:
    small = Replies("openai:small", [GOOD])
    world = backend(small, similarity=Alike(0.0), retriever=Shelf([passage("Nothing of that kind.", score=0.0)]))
    answer = ask(world, question=Question(question="Who cleans the canteen?"))
    assert (answer["status"], answer["rung"], answer["reason"]) == ("declined", "decline", "no_evidence")
    assert (small.calls, answer["citations"], answer["nearest"]) == (0, [], ["warranty.md, page 2"])
    assert 0 <= answer["confidence"] < 0.5


def test_nothing_found_is_declined() -> None:
    answer = ask(backend(Replies("openai:small", [GOOD]), retriever=Shelf([])))
    assert (answer["status"], answer["confidence"], answer["nearest"]) == ("declined", 0.0, [])


@pytest.mark.parametrize(
    ("script", "rung", "reason"),
    [
        ([ModelFailed("error", "503", transient=True), GOOD], "retry", "error"),
        ([ModelFailed("error", "400")], "backup", "error"),
        ([ModelFailed("context_window", "too long")], "backup", "context_window"),
        ([ModelFailed("content_policy", "filtered")], "backup", "content_policy"),
        (["The warranty is nine decades and covers floods. [1]"], "backup", "unsupported"),
        (["Nothing cited."], "backup", "unsupported"),
        (["It points nowhere. [7]"], "backup", "unsupported"),
    ],
)
def test_each_failure_climbs_to_its_rung(script: list[str | Exception | float], rung: str, reason: str) -> None:
    answer = ask(backend(Replies("openai:small", script)))
    assert (answer["status"], answer["rung"], answer["reason"]) == ("answered", rung, reason)


def test_a_hang_times_out_and_the_backup_answers() -> None:
    quick = release(generation=Generation(timeout=0.05, retries=0))
    answer = ask(backend(Replies("openai:small", [5.0])), quick)
    assert (answer["rung"], answer["reason"]) == ("backup", "timeout")


def test_when_every_model_fails_the_passages_are_quoted() -> None:
    broken = ModelFailed("error", "503", transient=True)
    answer = ask(backend(Replies("openai:small", [broken]), Replies("openai:spare", [broken])))
    assert (answer["status"], answer["rung"], answer["reason"]) == ("answered", "extractive", "error")
    assert answer["citations"][0]["quote"] == "The warranty of the Corrento pump is five years."


def test_a_model_that_finds_no_answer_is_believed() -> None:
    answer = ask(backend(Replies("openai:small", [ModelFailed("no_evidence", "I don't know")])))
    assert (answer["status"], answer["rung"], answer["reason"]) == ("declined", "decline", "no_evidence")


def test_the_deadline_of_the_question_holds_over_all_rungs() -> None:
    hasty = release(generation=Generation(timeout=5, deadline=0.2, retries=3))
    hanging = [5.0]
    answer = ask(backend(Replies("openai:small", [*hanging]), Replies("openai:spare", [*hanging])), hasty)
    assert answer["rung"] in ("extractive", "decline")
    assert sum(answer["timings"].values()) < 2000


def test_a_claim_without_a_citation_makes_the_answer_partial() -> None:
    answer = ask(backend(Replies("openai:small", [GOOD + " Bananas are yellow fruit."])))
    assert (answer["status"], len(answer["citations"])) == ("partial", 1)


def test_the_callers_filter_and_groups_reach_the_search() -> None:
    shelf = Shelf()
    question = Question(question=QUESTION["question"], filters={"region": "EU"}, groups=["hr"])
    ask(backend(Replies("openai:small", [GOOD]), retriever=shelf), question=question)
    [(_, scope)] = shelf.asked
    assert (scope.filters, scope.groups) == ({"region": "EU"}, ["hr"])


def test_a_follow_up_is_searched_with_what_it_refers_to() -> None:
    shelf = Shelf()
    question = Question(question="And in the US?", history=[{"role": "user", "content": "What is the warranty?"}])
    ask(backend(Replies("openai:small", [GOOD]), retriever=shelf), question=question)
    assert {text for text, _ in shelf.asked} == {"And in the US? (warranty)", "And in the US?"}


@pytest.mark.parametrize("bad", ["", "   ", "x" * 32_001, "a\x00b", 7, None, ["a"]])
def test_a_question_that_cannot_be_asked_raises_one_clear_error(bad: Any) -> None:
    with pytest.raises(QuestionInvalid, match=r"^A question "):
        ask(backend(Replies("openai:small", [GOOD])), question=Question(question=bad))


def test_an_index_that_does_not_answer_is_an_error_and_no_answer() -> None:
    class Broken(Shelf):
        async def search(self, text: str, scope: Scope) -> list[Passage]:
            raise RetrievalUnavailable("The Snapshot snap does not answer.")

    with pytest.raises(RetrievalUnavailable):
        ask(backend(Replies("openai:small", [GOOD]), retriever=Broken()))


def test_sync_callers_get_the_same_answer() -> None:
    graph = build_graph(release(), backend(Replies("openai:small", [GOOD])))
    sync, async_ = graph.invoke(QUESTION)["answer"], asyncio.run(graph.ainvoke(QUESTION))["answer"]
    assert {**sync, "timings": {}} == {**async_, "timings": {}}


def test_sync_callers_can_stream_and_batch() -> None:
    graph = build_graph(release(), backend(Replies("openai:small", [GOOD])))
    tokens = [item["text"] for item in graph.stream(QUESTION, stream_mode="custom") if item["event"] == "token"]
    assert "".join(tokens).strip() == GOOD
    assert [reply["answer"]["status"] for reply in graph.batch([QUESTION, QUESTION])] == ["answered", "answered"]


def test_an_error_reaches_a_sync_stream() -> None:
    graph = build_graph(release(), backend(Replies("openai:small", [GOOD])))
    with pytest.raises(QuestionInvalid):
        list(graph.stream(Question(question="")))


def test_the_public_stream_carries_public_items_only() -> None:
    async def collect() -> list[Any]:
        graph = build_graph(release(), backend(Replies("openai:small", [GOOD])))
        return [item async for item in public_items(graph, QUESTION)]

    items = asyncio.run(collect())
    assert {item["event"] for item in items} == {"status", "token", "citation", "final"}
    assert items[-1]["event"] == "final"
    assert not any(key in item for item in items for key in ("passages", "candidates", "selection", "messages"))


def test_an_error_of_ours_ends_the_public_stream_as_an_item() -> None:
    async def collect() -> list[Any]:
        graph = build_graph(release(), backend(Replies("openai:small", [GOOD])))
        return [item async for item in public_items(graph, Question(question=""))]

    last = asyncio.run(collect())[-1]
    assert (last["event"], type(last["error"])) == ("error", QuestionInvalid)


def test_answers_are_plain_json() -> None:
    import json

    answer = ask(backend(Replies("openai:small", [GOOD])))
    assert json.loads(json.dumps(answer)) == answer


@pytest.mark.parametrize(
    ("edge", "state", "goes"),
    [
        (after_route, State(failure=None), "generate"),
        (after_route, State(failure={"reason": "no_evidence", "detail": "", "transient": False}), "fallback"),
        (after_generate, State(draft={"text": "x", "writer": "w"}), "cite"),
        (after_generate, State(draft=None), "fallback"),
        (after_fallback, State(draft=None, rung="decline"), "cite"),
        (after_fallback, State(draft=None, rung="backup"), "fallback"),
        (after_cite, State(failure=None, rung="primary"), "__end__"),
        (
            after_cite,
            State(failure={"reason": "unsupported", "detail": "", "transient": False}, rung="primary"),
            "fallback",
        ),
    ],
)
def test_the_edges_settle_their_questions(edge: Any, state: State, goes: str) -> None:
    assert edge(state) == goes


def test_a_last_turn_leaves_nothing_behind_in_a_conversation() -> None:
    from langgraph.checkpoint.memory import InMemorySaver

    graph = build_graph(release(routing=Routing(answer_from=0.5)), backend(Replies("openai:small", [GOOD, "Unsure."])))
    graph.checkpointer = InMemorySaver()
    thread: Any = {"configurable": {"thread_id": "t"}}

    async def two_turns() -> tuple[Answer, Answer]:
        first = (await graph.ainvoke(QUESTION, thread))["answer"]
        return first, (await graph.ainvoke(QUESTION, thread))["answer"]

    first, second = asyncio.run(two_turns())
    assert (first["rung"], second["rung"], second["usage"]["calls"]) == ("primary", "backup", 2)


def test_two_table_rows_are_two_claims_of_the_extractive_answer() -> None:
    table = "| Part | Days |\n| --- | --- |\n| Seal of the pump | 5 |\n| Fan of the pump | 9 |"
    chosen = Release(models=Models())
    question = Question(question="List the days for all parts of the pump.")
    answer = ask(backend(Replies("unused", []), retriever=Shelf([passage(table)])), chosen, question)
    assert answer["text"] == "Part: Seal of the pump; Days: 5. [1] Part: Fan of the pump; Days: 9. [2]"
    quotes = [citation["quote"] for citation in answer["citations"]]
    assert quotes == ["| Seal of the pump | 5 |", "| Fan of the pump | 9 |"]


QUOTING = Release(models=Models())
"""Nobody reads: what answers is quoted."""
CARD = "The Corrento pump is sold with a warranty card."
"""Related to the question, and no answer to it."""
BRISEL = Question(question="How long is the warranty of the Brisel pump?")


def related(world: Backend) -> float:
    """The confidence in what is found, where nothing is stopped."""
    return ask(world, release(routing=Routing(read_from=0.0)))["confidence"]


def test_a_model_reads_what_is_too_uncertain_to_be_quoted() -> None:
    small = Replies("openai:small", [f"{CARD} [1]"])
    world = backend(small, retriever=Shelf([passage(CARD, score=0.4)]), similarity=Alike(0.4))
    sure = related(world)
    between = Routing(read_from=sure - 0.02, answer_from=sure + 0.02)
    read, quoted = ask(world, release(routing=between)), ask(world, Release(routing=between))
    assert (read["status"], read["rung"], read["confidence"], small.calls) == ("answered", "primary", sure, 2)
    assert (quoted["status"], quoted["rung"], quoted["confidence"]) == ("declined", "decline", sure)
    assert quoted["detail"] == f"The confidence {sure:.2f} is below {between.answer_from:.2f}."


def test_a_model_is_not_asked_below_the_confidence_that_the_release_reads_from() -> None:
    small = Replies("openai:small", [f"{CARD} [1]"])
    world = backend(small, retriever=Shelf([passage(CARD, score=0.4)]), similarity=Alike(0.4))
    least = related(world) + 0.02
    answer = ask(world, release(routing=Routing(read_from=least)))
    assert (answer["status"], answer["reason"], small.calls) == ("declined", "no_evidence", 1)
    assert answer["detail"] == f"The confidence {answer['confidence']:.2f} is below {least:.2f}."


def test_a_name_that_nothing_has_stops_a_quotation_and_says_so() -> None:
    answer = ask(backend(Replies("unused", [])), QUOTING, BRISEL)
    assert (answer["status"], answer["rung"], answer["missing"]) == ("declined", "decline", ["Brisel"])
    assert answer["text"] == f"{Release().prompts.declined.strip()} Not found: Brisel."
    assert answer["detail"] == "Not found: Brisel."


def test_a_name_that_nothing_has_does_not_stop_a_model() -> None:
    small = Replies("openai:small", [GOOD])
    answer = ask(backend(small), question=BRISEL)
    assert (answer["status"], answer["rung"], answer["missing"], small.calls) == ("answered", "primary", [], 1)


def test_when_every_model_fails_and_nothing_can_be_quoted_the_question_is_declined() -> None:
    broken = ModelFailed("error", "503", transient=True)
    world = backend(Replies("openai:small", [broken]), Replies("openai:spare", [broken]))
    answer = ask(world, question=BRISEL)
    assert (answer["status"], answer["rung"], answer["citations"]) == ("declined", "decline", [])
    assert (answer["missing"], answer["text"].endswith("Not found: Brisel.")) == (["Brisel"], True)


MORE = passage("Two persons carry the Montara drive to the cellar.", "drive.md")
TWO = Shelf([passage(), MORE])


def test_a_wrong_citation_is_moved_to_the_passage_that_supports_the_claim() -> None:
    answer = ask(backend(Replies("openai:small", [GOOD.replace("[1]", "[2]")]), retriever=TWO))
    assert (answer["status"], answer["text"]) == ("answered", GOOD)
    assert [(c["marker"], c["file"]) for c in answer["citations"]] == [(1, "warranty.md")]
    assert [repair["action"] for repair in answer["repairs"]] == ["moved"]


def test_a_claim_with_an_invented_number_is_removed_and_the_answer_says_so() -> None:
    invented = "The warranty of the Corrento pump is nine years."
    answer = ask(backend(Replies("openai:small", [f"It begins with the date of installation. [1] {invented} [1]"])))
    assert (answer["status"], answer["text"]) == ("partial", "It begins with the date of installation. [1]")
    assert [(r["claim"], r["action"], r["because"]) for r in answer["repairs"]] == [
        (invented, "removed", "9 years is not there: it says 5 years")
    ]


def test_when_no_claim_of_any_model_stands_the_passages_are_quoted_and_the_reason_is_unsupported() -> None:
    wrong = "Bananas from Peru cost 3 EUR. [1]"
    answer = ask(backend(Replies("openai:small", [wrong]), Replies("openai:spare", [wrong])))
    assert (answer["status"], answer["rung"], answer["reason"]) == ("answered", "extractive", "unsupported")
    assert answer["citations"][0]["quote"] == "The warranty of the Corrento pump is five years."


def test_when_not_even_a_quotation_is_found_the_question_is_declined_as_unsupported() -> None:
    class Mute(ExtractiveWriter):
        async def write(self, brief: Brief, usage: Usage) -> AsyncIterator[str]:
            yield "Bananas from Peru cost 3 EUR. [1]"

    wrong = "Bananas from Peru cost 3 EUR. [1]"
    world = backend(Replies("openai:small", [wrong]), Replies("openai:spare", [wrong]))
    world = replace(world, writers={**world.writers, "extractive": Mute()})
    answer = ask(world)
    assert (answer["status"], answer["rung"], answer["reason"]) == ("declined", "decline", "unsupported")
    assert answer["citations"] == []


def test_a_claim_of_two_clauses_from_two_sources_is_given_both() -> None:
    said = "The warranty of the Corrento pump is five years, and two persons carry the Montara drive. [1][2]"
    answer = ask(backend(Replies("openai:small", [said]), retriever=TWO))
    assert {citation["file"] for citation in answer["citations"]} == {"warranty.md", "drive.md"}
    assert answer["status"] == "answered"
    assert answer["text"].endswith("[1] [2]")


def test_a_claim_without_a_marker_is_given_one() -> None:
    answer = ask(backend(Replies("openai:small", [GOOD.removesuffix(" [1]")])))
    assert (answer["status"], answer["text"]) == ("answered", GOOD)
    assert [repair["action"] for repair in answer["repairs"]] == ["added"]


@pytest.mark.parametrize("marker", ["(1)", "[Passage 1]", "【1】", "[1, 1]", "[^1]", "【1†source】"])
def test_a_marker_in_another_form_is_read(marker: str) -> None:
    answer = ask(backend(Replies("openai:small", [GOOD.replace("[1]", marker)])))
    assert (answer["status"], answer["text"], answer["repairs"]) == ("answered", GOOD, [])


@dataclass
class Opinion:
    """A judge that says the same of every claim, or a broken one."""

    says: str | ModelFailed
    asked: int = 0

    async def ask(self, request: str, passages: Sequence[Passage], usage: Usage) -> str:
        self.asked += 1
        usage["calls"] += 1
        if isinstance(self.says, ModelFailed):
            raise self.says
        return self.says


REWORDED = "Five years is how long the Corrento warranty runs. [1]"
UNSURE = Checking(unsure_from=0.0, unsure_to=1.0)
YES = '{"claims": [{"claim": 1, "verdict": "supported", "passage": 1, "quote": "is five years"}]}'
NO = '{"claims": [{"claim": 1, "verdict": "not_found"}]}'


def test_a_judge_lets_a_claim_stand_that_the_rules_are_unsure_of_and_its_cost_is_counted() -> None:
    answer = ask(backend(Replies("openai:small", [REWORDED]), claim_checker=Opinion(YES)), release(checking=UNSURE))
    assert (answer["rung"], answer["text"], answer["status"]) == ("primary", REWORDED, "answered")
    assert answer["usage"]["calls"] == 2


def test_a_judge_that_refuses_every_claim_sends_the_question_to_the_next_rung() -> None:
    answer = ask(backend(Replies("openai:small", [REWORDED]), claim_checker=Opinion(NO)), release(checking=UNSURE))
    assert (answer["rung"], answer["reason"]) == ("extractive", "unsupported")


def test_a_judge_is_asked_once_for_a_whole_answer() -> None:
    judge = Opinion('{"claims": []}')
    ask(
        backend(Replies("openai:small", [f"{REWORDED} Its years are five. [1]"]), claim_checker=judge),
        release(checking=UNSURE),
    )
    assert judge.asked == 1


def test_when_the_judge_fails_the_rules_stand_and_the_answer_says_it() -> None:
    judge = Opinion(ModelFailed("timeout", "the judge was late", transient=True))
    answer = ask(backend(Replies("openai:small", [REWORDED]), claim_checker=judge), release(checking=UNSURE))
    assert (answer["rung"], answer["reason"]) == ("primary", None)
    assert "the judge was late" in str(answer["detail"])


def streamed(world: Backend, chosen: Release) -> tuple[list[str], list[str]]:
    """The tokens of an answer's stream, and the names of the items in their order."""

    async def collect() -> list[Any]:
        return [item async for item in public_items(build_graph(chosen, world), QUESTION)]

    items = asyncio.run(collect())
    return [item["text"] for item in items if item["event"] == "token"], [item.get("step", "") for item in items]


def test_where_only_what_is_verified_is_streamed_no_token_comes_before_it() -> None:
    wrong = "The warranty of the Corrento pump is nine years. [1] It begins with the date of installation. [1]"
    chosen = release(checking=Checking(stream="verified"))
    tokens, _ = streamed(backend(Replies("openai:small", [wrong])), chosen)
    assert tokens == ["It begins with the date of installation. [1]"]


def test_where_the_draft_is_streamed_its_words_come_as_they_are_written() -> None:
    tokens, _ = streamed(backend(Replies("openai:small", [GOOD])), release())
    assert "".join(tokens).strip() == GOOD
    assert len(tokens) > 5


def test_a_draft_that_falls_is_never_heard_where_only_what_is_verified_is_streamed() -> None:
    world = backend(Replies("openai:small", ["Bananas from Peru cost 3 EUR. [1]"]), Replies("openai:spare", [GOOD]))
    assert streamed(world, release(checking=Checking(stream="verified")))[0] == [GOOD]


def dated(text: str, year: int) -> Passage:
    found = passage(text, f"warranty-{year}.md")
    return {**found, "title": f"Warranty {year}", "metadata": {"effective_date": f"{year}-01-01"}}


OLD = "The warranty of the Corrento pump is two years."
"""What a version of 2022 says."""


def test_another_version_that_says_otherwise_is_told() -> None:
    for cited, other, kind in ((2024, 2022, "older"), (2022, 2024, "newer")):
        shelf = Shelf([dated(TEXT, cited), dated(OLD, other)])
        answer = ask(backend(Replies("openai:small", [GOOD]), retriever=shelf))
        assert [(c["marker"], c["version"], c["quote"], c["effective_date"]) for c in answer["conflicts"]] == [
            (1, kind, OLD, f"{other}-01-01")
        ]


def test_another_version_that_says_the_same_is_not_told() -> None:
    shelf = Shelf([dated(TEXT, 2024), dated(TEXT.replace("five", "5"), 2022)])
    assert ask(backend(Replies("openai:small", [GOOD]), retriever=shelf))["conflicts"] == []
