"""Where every question arrives, whatever door it came through, and from where every answer leaves."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Protocol

from graph.agent import Agent
from graph.public import Item as GraphItem
from graph.state import Answer, ModelReply, Question, Turn
from server.context import Request, this_request
from server.errors import StateUnavailable, problem_of, refuse
from server.live import Live
from server.public import Item, error_item, public_answer, public_citation
from server.releases.slots import Slot
from server.runs import Run, Runs, Say
from server.schemas import Ask
from server.settings import ServerSettings

log = logging.getLogger("warrant.desk")
NOT_READ = "The conversation could not be read: the question was answered without what was said before it."
NOT_KEPT = "The conversation could not be kept: later questions will not know of this one."


@dataclass
class Record:
    """One question as it went, for whoever keeps books: metrics, logs, traces, feedback.

    `id` is the question's own: no other question has it, and no client can choose it. `steps` are the steps' names
    with the moment at which each began, in seconds since the epoch; `code` is the error's when there is no answer,
    `cancelled` when the caller left. `replies` is what models really said, refused or not; no caller is told.
    """

    id: str
    request: Request
    ask: Ask
    question: Question
    slot: Slot
    began: float
    steps: list[tuple[str, float]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    answer: Answer | None = None
    replies: list[ModelReply] = field(default_factory=list)
    public: dict[str, Any] | None = None
    code: str = "cancelled"
    ended: float = 0.0

    @property
    def agent(self) -> Agent:
        """The agent that was asked."""
        return self.slot.agent


class Observer(Protocol):
    """Is told of every question when it begins and once it has ended; must neither wait nor raise."""

    def question_begun(self) -> None: ...

    def observe(self, record: Record) -> None: ...


class Memory(Protocol):
    """Keeps conversations; raises StateUnavailable when it cannot."""

    async def recall(self, caller: str, session: str) -> list[Turn]:
        """The turns so far, oldest first."""
        ...

    async def remember(self, caller: str, session: str, turns: list[Turn]) -> None:
        """Add turns to a conversation."""
        ...


class Desk:
    """Asks the live agent, keeps the books, and gives the public items."""

    def __init__(self, live: Live, settings: ServerSettings, memory: Memory, books: Observer) -> None:
        self.live, self.settings, self._memory, self._books = live, settings, memory, books
        self.runs = Runs(settings.resume, settings.max_streams)

    async def slot(self) -> Slot:
        """What answers this request; raises Refused when its track has nothing."""
        request = this_request()
        return await self.live.take(request.track, request.id, operator=request.caller.operator)

    def ask(self, ask: Ask) -> Run:
        """Begin to answer; follow the run for its items. It ends when nobody follows, unless it is resumable."""
        request = this_request()
        name = request.next_question()

        async def work(say: Say) -> None:
            await self._begin(name, ask, request, say)

        run = Run(work, self.settings.resume if request.resumable else 0.0)
        if request.resumable:
            self.runs.keep(name, request.caller, run, self.live.agent.deadline + self.settings.grace)
        return run

    async def items(self, ask: Ask) -> AsyncIterator[Item]:
        """The items of the answer as they are made."""
        async with aclosing(self.ask(ask).follow()) as items:
            async for item in items:
                yield item

    async def answer(self, ask: Ask, told: Callable[[Item], Awaitable[None]] | None = None) -> dict[str, Any]:
        """The whole answer at once, `told` each item as it comes; raises Refused with the error item's problem."""
        async with aclosing(self.ask(ask).follow()) as items:
            async for item in items:
                if told:
                    await told(item)
                if item["event"] == "error":
                    raise refuse(item["status"], item["error"]["message"], item["error"]["code"])
                if item["event"] == "final":
                    answer: dict[str, Any] = item["answer"]
                    return answer
        raise refuse(503, "The server is going away. Ask again.")

    async def _begin(self, name: str, ask: Ask, request: Request, say: Say) -> None:
        """Take what answers the request's track, once, and answer with it; what cannot be taken is no question yet."""
        try:
            place, operator = ask.session_id or name, request.caller.operator
            slot = await self.live.take(request.track, place, operator=operator)
        except Exception as error:  # noqa: BLE001 - it becomes an item; what is not ours is logged
            self._tell(error, name, say)
        else:
            await self._work(Record(name, request, ask, Question(question=ask.question), slot, time.time()), say)

    async def _work(self, record: Record, say: Say) -> None:
        """Answer within the release's deadline, or say why not."""
        request, agent, began = record.request, record.agent, time.perf_counter()
        self._books.question_begun()
        told = {"request_id": record.id, "release": agent.label, "version": record.slot.version}
        say({"event": "status", "step": "begun", **told})
        try:
            async with asyncio.timeout(agent.deadline + self.settings.grace):
                await self._answer(record, say)
        except Exception as error:  # noqa: BLE001 - every failure becomes an item; what is not ours is logged
            record.code = self._tell(error, record.id, say)
        finally:
            request.graph_ms += (time.perf_counter() - began) * 1000
            record.ended = time.time()
            self._books.observe(record)

    async def _answer(self, record: Record, say: Say) -> None:
        record.question = await self._question(record)
        async with aclosing(record.agent.items(record.question)) as items:  # type: ignore[type-var]
            async for item in items:
                await self._pass_on(item, record, say)

    async def _pass_on(self, item: GraphItem, record: Record, say: Say) -> None:
        match item["event"]:
            case "status":
                record.steps.append((item["step"], time.time()))
                say({"event": "status", "step": item["step"]})
            case "token":
                say({"event": "token", "text": item["text"]})
            case "citation":
                say({"event": "citation", "citation": public_citation(item["citation"])})
            case "error":
                raise item["error"]
            case "final":
                # Code of another release may not tell them.
                record.replies = item.get("replies", [])
                await self._finish(item["answer"], record, say)

    async def _finish(self, answer: Answer, record: Record, say: Say) -> None:
        session = record.ask.session_id
        if session:
            turns = [Turn(role="user", content=record.ask.question), Turn(role="assistant", content=answer["text"])]
            try:
                await self._memory.remember(record.request.caller.name, session, turns)
            except StateUnavailable:
                record.warnings.append(NOT_KEPT)
        record.answer, record.code = answer, answer["status"]
        record.public = public_answer(answer, record.id, session, record.slot.version, record.warnings)
        say({"event": "final", "answer": record.public})

    def _tell(self, error: Exception, name: str, say: Say) -> str:
        """Say what went wrong, and give its code."""
        problem = problem_of(error)
        if problem.status >= 500:
            log.error("a question failed", exc_info=error, extra={"request_id": name, "code": problem.code})
        say({**error_item(problem, name), "status": problem.status})
        return problem.code

    async def _question(self, record: Record) -> Question:
        """The question for the graph: caller and groups are the key's, the history is the session's or the ask's."""
        ask, caller = record.ask, record.request.caller
        history = [Turn(role=turn.role, content=turn.content) for turn in ask.history]
        if ask.session_id:
            if history:
                raise refuse(422, "Give either a session_id or a history, not both.")
            history = await self._recalled(record)
        return Question(
            question=ask.question,
            filters=ask.filters,
            history=history,
            groups=list(caller.groups),
            caller=caller.name,
        )

    async def _recalled(self, record: Record) -> list[Turn]:
        """The latest turns of the session; none, and a warning, when they cannot be read."""
        try:
            kept = await self._memory.recall(record.request.caller.name, record.ask.session_id)
        except StateUnavailable:
            record.warnings.append(NOT_READ)
            return []
        return kept[max(0, len(kept) - record.agent.history_turns) :]
