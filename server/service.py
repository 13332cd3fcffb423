"""The answer service: every API passes its questions here and gets public items back."""

import logging
import time
from asyncio import timeout
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Any

from graph.safety.sensitive import policy_of
from graph.state import Answer, Question, Turn
from graph.stream_items import Item as GraphItem
from server.audit import Audit
from server.context import RequestContext, this_request
from server.conversations import Conversations
from server.errors import StateUnavailable, error_response, refuse, refused_as
from server.limits.capacity import Capacity
from server.limits.limiter import Limiter
from server.observability.observers import Observer, QuestionRecord
from server.releases.deployments import Deployment, Deployments
from server.schemas import Item, QuestionRequest, error_item, public_answer
from server.sensitive import AnswerFilter
from server.settings import ServerSettings
from server.streams import Emit, Work, follow, last_item

log = logging.getLogger("warrant.service")
NOT_READ = "The conversation could not be read: the question was answered without its earlier turns."
NOT_STORED = "The conversation could not be stored: later questions will not know of this one."


class AnswerService:
    """Answers questions with the deployment that a request targets, and notifies the observers."""

    def __init__(
        self,
        deployments: Deployments,
        settings: ServerSettings,
        conversations: Conversations,
        observers: Observer,
        audit: Audit,
        limiter: Limiter,
    ) -> None:
        self.deployments, self.settings = deployments, settings
        self._conversations, self._observers, self._audit = conversations, observers, audit
        self._limiter, self._capacity = limiter, Capacity(settings)

    async def deployment(self) -> Deployment:
        """The deployment that the current request targets; raises RequestRefused when there is none."""
        request = this_request()
        return await self._selected(request.id, request)

    async def _selected(self, key: str, request: RequestContext) -> Deployment:
        """The deployment of a request, which from here on acts on behalf of the request's user, if there is one."""
        deployment = await self.deployments.select(request.target, key, request.caller)
        deployment.agent.act_for(request.user_token)
        return deployment

    async def count(self, act: str) -> None:
        """Record and count the current request, which asks no question; raises RequestRefused (429), StateUnavailable.

        `act`: what the audit log calls it.
        """
        request = this_request()
        await self._limiter.count(request, self._audit.question(request.caller, request.target, request.id, act))

    def items(self, submitted: QuestionRequest) -> AsyncGenerator[Item, None]:
        """The public items as they are produced; the work stops when the generator is closed."""
        return follow(self._work(submitted, whole=False))

    async def answer(
        self, submitted: QuestionRequest, on_item: Callable[[Item], Awaitable[None]] | None = None
    ) -> dict[str, Any]:
        """The whole public answer; `on_item` gets each item before. Raises RequestRefused for an error item."""
        last: Item | None = None
        if on_item:
            async with aclosing(self.items(submitted)) as items:
                async for last in items:
                    await on_item(last)
        else:
            last = await last_item(self._work(submitted, whole=True))
        if last and last["event"] == "error":
            raise refused_as(last)
        if last is None or last["event"] != "final":
            raise refuse(503, "The server is shutting down. Ask again.")
        answer: dict[str, Any] = last["answer"]
        return answer

    def _work(self, submitted: QuestionRequest, *, whole: bool) -> Work:
        """What answers a question of the current request; `whole`: nobody reads the pieces of the answer."""
        request = this_request()
        question_id = request.next_question()

        async def work(emit: Emit) -> None:
            await self._select_and_answer(question_id, submitted, request, emit, whole=whole)

        return work

    async def _select_and_answer(
        self, question_id: str, submitted: QuestionRequest, request: RequestContext, emit: Emit, *, whole: bool
    ) -> None:
        """Select the deployment once, so that the answer ends with the release that it began with."""
        async with AsyncExitStack() as stack:
            try:
                key = submitted.session_id or question_id
                deployment = await self._selected(key, request)
                models, version = deployment.agent.release.models, f"v{deployment.version}"
                names = (request.target, version, models.simple, models.complex)
                await stack.enter_async_context(self._capacity.place(request, names))
                recorded = self._audit.question(request.caller, request.target, question_id)
                reservation = await self._limiter.reserve(request, deployment.agent, recorded)
            except Exception as error:  # noqa: BLE001 - it becomes an error item; unexpected ones are logged
                self._emit_error(error, question_id, emit)
                return
            question = Question(question=submitted.question)
            seen = AnswerFilter(policy_of(request.caller.roles, self.settings.sensitive), whole=whole)
            record = QuestionRecord(question_id, request, submitted, question, deployment, time.time(), seen)
            try:
                await self._observed(record, emit)
            finally:
                self._limiter.settle(reservation, record)

    async def _observed(self, record: QuestionRecord, emit: Emit) -> None:
        """Answer within the deadline, or emit the error; the observers get the record in either case."""
        request, agent, began = record.request, record.agent, time.perf_counter()
        self._observers.question_started()
        release = {"release": agent.label, "version": record.deployment.version}
        emit({"event": "status", "step": "begun", "request_id": record.id, **release})
        try:
            async with timeout(agent.deadline + self.settings.grace):
                await self._answer(record, emit)
        except Exception as error:  # noqa: BLE001 - it becomes an error item; unexpected ones are logged
            record.code = self._emit_error(error, record.id, emit)
        finally:
            request.graph_ms += (time.perf_counter() - began) * 1000
            record.ended = time.time()
            self._observers.question_ended(record)

    async def _answer(self, record: QuestionRecord, emit: Emit) -> None:
        record.question = await self._question(record)
        async with aclosing(record.agent.items(record.question)) as items:  # type: ignore[type-var]
            async for item in items:
                await self._publish(item, record, emit)

    async def _publish(self, item: GraphItem, record: QuestionRecord, emit: Emit) -> None:
        """Emit the public form of one item of the graph."""
        match item["event"]:
            case "status":
                record.steps.append((item["step"], time.time()))
                emit({"event": "status", "step": item["step"]})
            case "token":
                _emit_text(record.filter.token(item["text"]), emit)
            case "error":
                raise item["error"]
            case "final":
                _emit_text(record.filter.rest(), emit)
                # The code of an older release may not report its models' replies.
                record.replies = item.get("replies", [])
                await self._finish(item["answer"], record, emit)

    async def _finish(self, answer: Answer, record: QuestionRecord, emit: Emit) -> None:
        submitted, session = record.submitted, record.submitted.session_id
        public = public_answer(answer, record.id, session, record.deployment.version)
        record.public = public = record.filter.apply(public)
        if session:
            turns = [Turn(role="user", content=submitted.question), Turn(role="assistant", content=public["text"])]
            try:
                await self._conversations.append(record.request.caller.name, session, turns)
            except StateUnavailable:
                record.warnings.append(NOT_STORED)
        record.answer, record.code = answer, public["status"]
        public["warnings"] = list(record.warnings)
        if record.filter.holds:
            _emit_text(public["text"], emit)
        for citation in public["citations"]:
            emit({"event": "citation", "citation": citation})
        emit({"event": "final", "answer": public})

    def _emit_error(self, error: Exception, question_id: str, emit: Emit) -> str:
        """Emit an error item and return its code."""
        response = error_response(error)
        if response.status >= 500:
            log.error("a question failed", exc_info=error, extra={"request_id": question_id, "code": response.code})
        emit({**error_item(response, question_id), "status": response.status})
        return response.code

    async def _question(self, record: QuestionRecord) -> Question:
        """The graph's input. Caller and groups come from the key, the history from the session or the request."""
        submitted, caller = record.submitted, record.request.caller
        history = [Turn(role=turn.role, content=turn.content) for turn in submitted.history]
        if submitted.session_id:
            if history:
                raise refuse(422, "Give either a session_id or a history, not both.")
            history = await self._session_turns(record)
        return Question(
            question=submitted.question,
            filters=submitted.filters,
            history=history,
            groups=list(caller.groups),
            caller=caller.name,
        )

    async def _session_turns(self, record: QuestionRecord) -> list[Turn]:
        """The latest turns of the session; none, with a warning, when they cannot be read."""
        try:
            turns = await self._conversations.turns(record.request.caller.name, record.submitted.session_id)
        except StateUnavailable:
            record.warnings.append(NOT_READ)
            return []
        return turns[max(0, len(turns) - record.agent.history_turns) :]


def _emit_text(text: str, emit: Emit) -> None:
    if text:
        emit({"event": "token", "text": text})
