"""Foundation Model APIs: a chat model that quotes the passages of its prompt, and an embedding of hashed words."""

import asyncio
import json
import re
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from .errors import ApiError, invalid, missing
from .search import WORD, embed
from .serving import invoke

PASSAGE = re.compile(r"^\[(\d+)\]", re.MULTILINE)
SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
DIMENSIONS = 64
MOST_INPUTS = 150


@dataclass
class ServingEndpoint:
    """A model endpoint; `per_minute` calls of one caller are answered, and `allowed` may call."""

    task: str
    per_minute: int | None = None
    allowed: set[str] | None = None
    context: int = 8192
    calls: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))


@dataclass
class Models:
    """The model endpoints of a workspace."""

    endpoints: dict[str, ServingEndpoint] = field(
        default_factory=lambda: {
            "databricks-claude-sonnet-4": ServingEndpoint("llm/v1/chat"),
            "databricks-meta-llama-3-3-70b-instruct": ServingEndpoint("llm/v1/chat"),
            "databricks-gte-large-en": ServingEndpoint("llm/v1/embeddings"),
        }
    )


routes = APIRouter()


def _admitted(request: Request, name: str, task: str) -> ServingEndpoint:
    endpoint: ServingEndpoint | None = request.app.state.emulator.models.endpoints.get(name)
    caller = request.app.state.emulator.sign_in(request)
    if endpoint is None:
        raise missing(f"Endpoint with name '{name}'")
    if endpoint.allowed is not None and caller not in endpoint.allowed:
        raise ApiError(403, "PERMISSION_DENIED", f"User does not have permission to query '{name}'.")
    if endpoint.task != task:
        raise invalid(f"Endpoint '{name}' is of task {endpoint.task}.")
    recent, now = endpoint.calls[caller], time.monotonic()
    while recent and recent[0] < now - 60:
        recent.popleft()
    if endpoint.per_minute is not None and len(recent) >= endpoint.per_minute:
        wait = {"retry-after": str(int(60 - (now - recent[0])) + 1)}
        raise ApiError(429, "REQUEST_LIMIT_EXCEEDED", f"Rate limit of '{name}' is exceeded.", wait)
    recent.append(now)
    return endpoint


@routes.post("/serving-endpoints/chat/completions", response_model=None)
async def chat(request: Request) -> dict[str, Any] | StreamingResponse:
    body = await request.json()
    endpoint = _admitted(request, body["model"], "llm/v1/chat")
    sent = sum(len(WORD.findall(str(message["content"]))) for message in body["messages"])
    most = body.get("max_tokens") or 256
    if sent + most > endpoint.context:
        raise ApiError(400, "BAD_REQUEST", f"Input has {sent} tokens and exceeds the context length.")
    pieces = re.findall(r"\S+\s*", _reply(body))
    reason, pieces = ("length" if len(pieces) > most else "stop"), pieces[:most]
    usage = {"prompt_tokens": sent, "completion_tokens": len(pieces), "total_tokens": sent + len(pieces)}
    if body.get("stream"):
        return StreamingResponse(_events(body["model"], pieces, reason, usage), media_type="text/event-stream")
    message = {"role": "assistant", "content": "".join(pieces)}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return {**_head(body["model"], "chat.completion"), "choices": [choice], "usage": usage}


@routes.post("/serving-endpoints/embeddings")
@routes.post("/serving-endpoints/{name}/invocations")
async def embeddings(request: Request, name: str = "") -> dict[str, Any]:
    body = await request.json()
    if name in request.app.state.emulator.serving.endpoints:
        return await invoke(request, name)
    name = name or body["model"]
    _admitted(request, name, "llm/v1/embeddings")
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    if len(texts) > MOST_INPUTS or not all(texts):
        raise invalid("Input is 1 to 150 texts, none of them empty.")
    data = [{"object": "embedding", "index": n, "embedding": embed(t, DIMENSIONS)} for n, t in enumerate(texts)]
    return {"object": "list", "model": name, "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


def _reply(body: dict[str, Any]) -> str:
    """The sentence of the numbered passages that shares most words with the question, with its number."""
    passages, _, question = str(body["messages"][-1]["content"]).rpartition("\n\nQuestion: ")
    number, sentence = _best(passages, question)
    if "response_format" in body:
        claims = [{"text": sentence, "passages": [int(number)]}] if number else []
        return json.dumps({"answerable": bool(claims), "claims": claims})
    return f"{sentence} [{number}]" if number else "NO_ANSWER"


def _best(passages: str, question: str) -> tuple[str, str]:
    wanted = {word for word in WORD.findall(question.lower()) if len(word) > 3}
    parts = PASSAGE.split(passages)[1:]
    best = (0, "", "")
    for number, text in zip(parts[::2], parts[1::2], strict=True):
        for sentence in filter(None, map(str.strip, SENTENCE.split(text))):
            shared = len(wanted & set(WORD.findall(sentence.lower())))
            best = max(best, (shared, number, sentence), key=lambda each: each[0])
    return best[1:]


def _head(model: str, kind: str) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "object": kind, "created": int(time.time()), "model": model}


async def _events(model: str, pieces: list[str], reason: str, usage: dict[str, int]) -> AsyncIterator[str]:
    head = _head(model, "chat.completion.chunk")
    for piece in pieces:
        delta = {"role": "assistant", "content": piece}
        choice = {"index": 0, "delta": delta, "finish_reason": None}
        yield f"data: {json.dumps({**head, 'choices': [choice], 'usage': None})}\n\n"
        await asyncio.sleep(0)
    last = {"index": 0, "delta": {"content": ""}, "finish_reason": reason}
    yield f"data: {json.dumps({**head, 'choices': [last], 'usage': usage})}\n\n"
    yield "data: [DONE]\n\n"
