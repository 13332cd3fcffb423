"""The seven steps of the graph and the questions that its edges ask, each a few lines over the pure modules."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, TypeVar, cast

from langgraph.config import get_stream_writer

from graph import citations, evidence, preprocess, rerank, routing
from graph.answers import answered, declined, no_usage
from graph.backends import Backend, Brief, Scope
from graph.errors import ModelFailed
from graph.fallback import Step, after, ladder
from graph.release import Release
from graph.state import Failure, State, Usage

Method = TypeVar("Method", bound=Callable[..., Awaitable[State]])


def step(run: Method) -> Method:
    """Tells the stream that a step begins, and adds its milliseconds to the timings."""

    @wraps(run)
    async def timed(self: "Nodes", state: State) -> State:
        name = run.__name__
        get_stream_writer()({"event": "status", "step": name})
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
        question = preprocess.normalise_question(state.get("question"), self.release.limits)
        history = preprocess.check_history(state.get("history"), self.release.limits)
        return State(
            standalone=preprocess.stand_alone(question, history),
            parts=[],
            language="und",
            mended={},
            cached=[],
            groups=preprocess.check_groups(state.get("groups")),
            filters=state.get("filters") or {},
            candidates=[],
            passages=[],
            evidence=[],
            rung="primary",
            climbed=0,
            began=time.monotonic(),
            draft=None,
            failure=None,
            usage=no_usage(),
            timings={},
        )

    @step
    async def retrieve(self, state: State) -> State:
        """Search the Snapshot under the caller's filter and groups."""
        scope = Scope(state["filters"], state["groups"], self.release.retrieval.pool)
        found = await self.backend.retriever.search(state["standalone"], scope)
        return State(candidates=found[: self.release.retrieval.keep])

    @step
    async def rerank(self, state: State) -> State:
        """Keep what the answer may use, and score its sentences against the question."""
        passages = rerank.keep_best(state["candidates"], self.release.reranking)
        found = evidence.gather(passages)
        similar = await self.backend.similarity.compare(state["standalone"], evidence.contexts(passages, found))
        return State(passages=passages, evidence=evidence.score(state["standalone"], passages, found, similar))

    @step
    async def route(self, state: State) -> State:
        """Simple or complex; declined at once when the evidence is too thin to pay for a model."""
        passages = state["passages"]
        sure = evidence.confidence(state["standalone"], passages, state["evidence"])
        update = State(confidence=round(sure, 4), failure=None)
        update["complexity"] = routing.choose_route(state["standalone"], passages, self.release.routing)
        if sure < self.release.routing.answer_from:
            detail = f"confidence {sure:.2f} is below {self.release.routing.answer_from:.2f}"
            update["failure"] = Failure(reason="no_evidence", detail=detail, transient=False)
        return update

    @step
    async def generate(self, state: State) -> State:
        """Let the route's model write a draft."""
        models = self.release.models
        writer = models.complex if state["complexity"] == "complex" else models.simple
        return await self._write(state, Step("primary", writer))

    @step
    async def fallback(self, state: State) -> State:
        """Climb to the next rung of the ladder that is worth trying."""
        steps = ladder(self.release, state["complexity"])
        failure = state["failure"]
        number = after(steps, state["climbed"], failure) if failure else len(steps) - 1
        if steps[number].writer is None:
            return State(rung="decline", draft=None)
        return {**await self._write(state, steps[number]), "climbed": number + 1}

    @step
    async def cite(self, state: State) -> State:
        """Tie each claim to its span and make the Answer; a draft without one supported claim fails."""
        draft = state["draft"]
        if draft is None:
            return State(answer=declined(state, self.release, self.backend.retriever.snapshot))
        checked = citations.check(draft["text"], state["passages"], self.release.generation.support_from)
        if not checked.cited:
            detail = f"no claim of {draft['writer']} is supported by the passage that it cites"
            return State(failure=Failure(reason="unsupported", detail=detail, transient=False))
        return State(answer=answered(state, checked, self.release, self.backend.retriever.snapshot), failure=None)

    async def _write(self, state: State, rung: Step) -> State:
        usage: Usage = {**state["usage"]}
        text = ""
        emit = get_stream_writer()
        brief = Brief(state["standalone"], state["passages"], state["evidence"])
        try:
            async with asyncio.timeout(self._seconds_left(state)):
                async for piece in self.backend.writers[rung.writer or ""].write(brief, usage):
                    text += piece
                    emit({"event": "token", "text": piece})
        except TimeoutError:
            failure: Failure | None = Failure(reason="timeout", detail=f"{rung.writer} took too long", transient=True)
        except ModelFailed as error:
            failure = Failure(reason=error.reason, detail=error.detail, transient=error.transient)
        else:
            failure = None
        draft = None if failure else {"text": text, "writer": rung.writer}
        update: dict[str, Any] = {"rung": rung.rung, "draft": draft, "usage": usage}
        # On success the failure that led here stays: it is the reason for the rung.
        return cast("State", {**update, "failure": failure} if failure else update)

    def _seconds_left(self, state: State) -> float:
        """What the model may take: its own timeout, and no more than what the question's deadline leaves."""
        spent = time.monotonic() - state["began"]
        return max(0.0, min(self.release.generation.timeout, self.release.generation.deadline - spent))


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
