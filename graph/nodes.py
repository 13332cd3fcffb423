"""The seven steps of the graph and the questions that its edges ask, each a few lines over the pure modules."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property, partial, wraps
from typing import Literal, TypeVar, cast

from .answers import NOTHING_ASKED, answered, declined, why_not
from .backend import Backend, Brief
from .caching.cache import reuse
from .caching.single_flight_graph import leader_of_this_run
from .filters import compile_filter
from .offload import off_loop
from .release import Release
from .retrieval.pipeline import RetrievalPipeline
from .safety.injection import without_orders
from .safety.links import LinkFilter
from .state import Draft, Failure, Passage, State, Usage, no_usage
from .steps import conversation, parts, preprocess
from .steps.fallback import Climb, Moment, begin, begin_hedge, climb, primary
from .steps.generate import Call, attempt, reason_to_hedge, refused, replies, used
from .steps.route import Assessment, assess, is_complex
from .stream_items import emitter_of_this_run
from .text.language import language_of
from .text.markers import normalise_markers
from .text.words import TermWeight, equal_weight
from .verification.verifier import Verifier

Method = TypeVar("Method", bound=Callable[..., Awaitable[State]])


def step(run: Method) -> Method:
    """Tells the stream that a step begins, and adds its milliseconds to the timings."""

    @wraps(run)
    async def timed(self: "Nodes", state: State) -> State:
        name = run.__name__
        emitter_of_this_run()({"event": "status", "step": name})
        began = time.perf_counter()
        update: State = {**await run(self, state)}
        before = update.get("timings", state.get("timings", {}))
        spent = before.get(name, 0.0) + (time.perf_counter() - began) * 1000
        update["timings"] = {**before, name: round(spent, 3)}
        if "answer" in update:
            update["answer"]["timings"] = update["timings"]
        return update

    return cast("Method", timed)


@dataclass(frozen=True)
class Nodes:
    """The steps over one Release and one Backend."""

    release: Release
    backend: Backend

    @step
    async def preprocess(self, state: State) -> State:
        """Check the question, fold what it refers back to into it, and forget the last turn."""
        question = await _cleaned(preprocess.normalise_question(state.get("question"), self.release.limits))
        history = preprocess.check_history(state.get("history"), self.release.limits)
        began, filters = time.monotonic(), state.get("filters") or {}
        groups, caller = preprocess.check_groups(state.get("groups")), str(state.get("caller") or "")
        compile_filter(filters, self.backend.retriever.columns)
        sought = preprocess.sought(question)
        declined = self.release.prompts.declined
        fold = partial(conversation.fold, sought, history, self._weigh, declined)
        folded = await off_loop(fold) if history else fold()
        update = State(
            standalone=folded.question,
            searches=folded.searches,
            parts=[],
            language=language_of(sought),
            cached=[],
            trouble=[],
            groups=groups,
            caller=caller,
            filters=filters,
            key=self._retrieval.key(filters, groups, caller, "answer", question, folded.question, history),
            candidates=[],
            passages=[],
            rung="primary",
            climbed=0,
            began=began,
            draft=None,
            failure=None,
            replies=[],
            usage=no_usage(),
            timings={},
        )
        kept = await reuse(self.backend.caches, update["key"], leader_of_this_run(), self._patience(began))
        if kept is None:
            return update
        emitter_of_this_run()(_token(kept["text"]))
        return State(**{**update, "answer": kept, "cached": kept["cached"]})

    @step
    async def retrieve(self, state: State) -> State:
        """Search the Snapshot under the caller's filter and groups."""
        found, cached = await self._retrieval.find(state["searches"], state)
        return State(candidates=found, cached=cached)

    @step
    async def rerank(self, state: State) -> State:
        """Order the candidates, and keep what the answer may use."""
        readings = [search["text"] for search in state["searches"]]
        passages, trouble = await self._retrieval.best(readings, state["candidates"], state["began"])
        return State(passages=passages, trouble=trouble)

    @step
    async def route(self, state: State) -> State:
        """Search again for each part of a complex question, choose what can be quoted, and stop where nothing can."""
        asked, routing = state["standalone"], self.release.routing
        found = parts.split(asked) if state["passages"] else []
        update = State(complexity="complex" if is_complex(asked, found) else "simple", failure=None, parts=found)
        if found:
            update = State(**{**update, **await self._retrieval.widen(state, found)})
        passages = update.get("passages", state["passages"])
        reads = primary(self.release, update["complexity"]).writer != "extractive"
        assessed = await self._assess(asked, found, passages, state["language"], reads=reads)
        sure = assessed.related if reads else assessed.selection["confidence"]
        update["selection"], update["confidence"] = assessed.selection, round(sure, 4)
        least = routing.read_from if reads else routing.answer_from
        if not state["searches"]:
            update["failure"] = Failure(reason="courtesy", detail=NOTHING_ASKED, transient=False)
        elif sure < least or not (reads or assessed.selection["quotes"]):
            detail = why_not(assessed.selection["missing"], sure, least)
            update["failure"] = Failure(reason="no_evidence", detail=detail, transient=False)
        return update

    @step
    async def generate(self, state: State) -> State:
        """Let the route's model write a draft, and a second one when it is slow to begin and the release says so."""
        route, left = state["complexity"], self._seconds_left(state)
        first, second = begin(self.release, route, left), begin_hedge(self.release, route, left)
        if first.seconds <= 0:
            detail = f"no time is left to ask {first.step.writer}"
            return State(rung="primary", draft=None, failure=Failure(reason="timeout", detail=detail, transient=False))
        return await self._write(state, first, second)

    @step
    async def fallback(self, state: State) -> State:
        """Climb to the next rung of the ladder that is worth trying."""
        failure, draft = state["failure"], state["draft"]
        refused = draft["writer"] if draft else None
        now = Moment(self._seconds_left(state), state["climbed"], refused, random.random())
        chosen = climb(self.release, state["complexity"], failure, now) if failure else None
        if chosen is None or chosen.step.writer is None:
            return State(rung="decline", draft=None)
        await asyncio.sleep(chosen.pause)
        return {**await self._write(state, chosen), "climbed": chosen.number}

    @step
    async def cite(self, state: State) -> State:
        """Tie each claim to its span and make the Answer; a draft without one supported claim fails."""
        draft = state["draft"]
        if draft is None:
            return State(answer=declined(state, self.release, self.backend.retriever.snapshot))
        usage: Usage = {**state["usage"]}
        text = normalise_markers(draft["text"], len(state["passages"]))
        left = max(0.0, self._seconds_left(state))
        quotes = draft["writer"] == "extractive"
        asked = state["standalone"]
        checked = await self._verifier.check(text, state["passages"], usage, left, asked, quotes=quotes)
        if not checked.cited:
            detail = f"no claim of {draft['writer']} is supported by the passage that it cites"
            failure = Failure(reason="unsupported", detail=detail, transient=False)
            said = refused(state["replies"], failure) if draft["writer"] != "extractive" else state["replies"]
            return State(failure=failure, usage=usage, replies=said)
        answer = answered(state, checked, self.release, self.backend.retriever.snapshot)
        answer["usage"] = usage
        if self._withholds:
            emitter_of_this_run()(_token(answer["text"]))
        if answer["rung"] == "primary" and answer["reason"] is None and not (checked.trouble or state["trouble"]):
            self.backend.caches.answers.put(state["key"], answer)
        return State(answer=answer, failure=None)

    @property
    def _withholds(self) -> bool:
        """Whether nothing is said before it is verified."""
        return self.release.checking.stream == "verified"

    @cached_property
    def _verifier(self) -> Verifier:
        return Verifier(self.backend.similarity, self._weigh, self.release.checking, self.backend.claim_checker)

    @cached_property
    def _weigh(self) -> TermWeight:
        """How telling a term is in the index, where that tells it."""
        lexicon = self.backend.retriever.lexicon
        return lexicon.weight if lexicon else equal_weight

    async def _assess(
        self, asked: str, found: list[str], passages: list[Passage], language: str, *, reads: bool
    ) -> Assessment:
        """What can be quoted; sentences are read by the cross-encoder only where no model is to read them."""
        weigh, reader, least = self._retrieval.weigh(passages), self.backend.sentences, self.release.routing.answer_from
        read = reader.scores if reader and not reads else None
        work = partial(assess, asked, found, passages, weigh, language=language, answer_from=least, read=read)
        return await (asyncio.to_thread(work) if read else off_loop(work))

    @cached_property
    def _retrieval(self) -> RetrievalPipeline:
        return RetrievalPipeline(self.release, self.backend)

    def _patience(self, began: float) -> float:
        """Until when to wait for an answer to the same question; what is left then is for an answer of its own."""
        return began + self.release.generation.deadline / 2

    async def _write(self, state: State, first: Climb, second: Climb | None = None) -> State:
        """A draft, or the failure of the rung; on success the failure that led here stays, as the rung's reason."""
        emit = emitter_of_this_run()
        calls = [await self._call(state, each) for each in (first, second) if each]
        links = LinkFilter(self.release.checking.links)

        def say(text: str) -> None:
            if text and not self._withholds:
                emit(_token(text))

        tried = await attempt(calls, self.release.generation.hedge_after, lambda text: say(links.add(text)))
        say(links.rest())
        done = tried[0]
        draft = None if done.failure else Draft(text=done.text, writer=done.call.writer.name)
        said = [*state["replies"], *replies(tried)]
        update = State(rung=done.call.climb.step.rung, draft=draft, usage=used(state["usage"], tried), replies=said)
        failure = done.failure or reason_to_hedge(tried)
        return State(**{**update, "failure": failure}) if failure else update

    async def _call(self, state: State, chosen: Climb) -> Call:
        terms = self.release.generation.terms(chosen.step.role)
        # What is too long to be searched for as a whole is asked as a whole.
        whole = await _cleaned(state["question"]) if len(state["question"]) > preprocess.SOUGHT else state["standalone"]
        question = state["standalone"] if chosen.step.writer == "extractive" else whole
        brief = Brief(question, state["passages"], state["selection"]["quotes"], terms, chosen.step.share)
        return Call(chosen, self.backend.writers[chosen.step.writer or ""], brief)

    def _seconds_left(self, state: State) -> float:
        """What is left of the question's deadline; below 0 when it has passed."""
        return self.release.generation.deadline - (time.monotonic() - state["began"])


def _token(text: str) -> dict[str, str]:
    return {"event": "token", "text": text}


def after_preprocess(state: State) -> Literal["retrieve", "__end__"]:
    """Was the question answered before?"""
    return "__end__" if "answer" in state["cached"] else "retrieve"


def after_route(state: State) -> Literal["generate", "fallback"]:
    """Is there evidence enough to write an answer?"""
    return "fallback" if state["failure"] else "generate"


def after_generate(state: State) -> Literal["cite", "fallback"]:
    """Is there a draft?"""
    return "cite" if state["draft"] else "fallback"


def after_fallback(state: State) -> Literal["cite", "fallback"]:
    """Is there a draft, or nothing left to try?"""
    return "cite" if state["draft"] or state["rung"] == "decline" else "fallback"


def after_cite(state: State) -> Literal["__end__", "fallback"]:
    """Does at least one claim stand?"""
    return "fallback" if state["failure"] and state["rung"] != "decline" else "__end__"


async def _cleaned(question: str) -> str:
    """A question without what instructs the assistant; a long one is read off the event loop."""
    return await off_loop(without_orders, question) if len(question) > preprocess.SOUGHT else without_orders(question)
