"""The client of a judge: replies are cached on disk; calls are bounded in time, retries and concurrency."""

import asyncio
import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, TypeVar

import tenacity
from langchain_core.messages import HumanMessage

from evals.dataset import digest_of
from evals.errors import JudgeInvalid
from evals.judge.config import CACHE, JudgeConfig, JudgeUsage, bare
from evals.metrics.metric import Unscored
from graph.errors import ModelFailed
from graph.models.chat import chat_model, stream_chunks
from graph.models.replies import StreamedReply, TextReader, max_reply_characters
from graph.release import Generation
from graph.state import no_usage

Read = TypeVar("Read")
ATTEMPTS, LONGEST_PAUSE = 3, 20.0
PATIENCE = 900.0
"""Seconds for which a call that the endpoint's rate limit refuses is made again."""
IN_A_ROW = 20
"""Calls that fail one after another, each after its retries, until the judge is asked nothing more."""
MAX_TOKENS, WINDOW = 4096, 1_000_000
FORMAT = {"response_format": {"type": "json_object"}}
BUSY_SECONDS = 30.0
TABLE = """CREATE TABLE IF NOT EXISTS replies
    (key TEXT PRIMARY KEY, text TEXT NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL)"""

SELECT = "SELECT text, input_tokens, output_tokens FROM replies WHERE key = ?"


@dataclass(frozen=True)
class JudgeCall:
    """A prompt with the schema of its reply; `repeat` is the answer's, `turn` counts the same prompt within one."""

    prompt: str
    schema: str
    repeat: int
    turn: int = 0


@dataclass(frozen=True)
class JudgeReply:
    """A whole reply, and the tokens that it cost."""

    text: str
    input_tokens: int
    output_tokens: int


class ReplyCache:
    """Replies in one SQLite file, by judge and call.

    Its write-ahead mode is safe against kills and lets several processes share the file.
    """

    def __init__(self, path: Path, judge: tuple[str, str, float]) -> None:
        """`judge` is its model, URL and temperature; raises JudgeInvalid when the file is no database of replies."""
        self._path, self._judge = path, judge
        with self._errors():
            path.parent.mkdir(parents=True, exist_ok=True)
            # Every statement is a transaction of its own.
            self._table = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
            self._table.execute("PRAGMA journal_mode=WAL")
            self._table.execute(TABLE)

    def get(self, key: str) -> JudgeReply | None:
        """An earlier reply."""
        with self._errors():
            found = self._table.execute(SELECT, (key,)).fetchone()
        return JudgeReply(*found) if found else None

    def put(self, key: str, reply: JudgeReply) -> None:
        """Keep a reply, in place of an earlier one."""
        row = (key, reply.text, reply.input_tokens, reply.output_tokens)
        with self._errors():
            self._table.execute("INSERT OR REPLACE INTO replies VALUES (?, ?, ?, ?)", row)

    def key(self, call: JudgeCall) -> str:
        """SHA-256 over the judge and everything that was asked."""
        return digest_of(json.dumps([*self._judge, *astuple(call)]))

    def close(self) -> None:
        self._table.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Turns errors of the file into JudgeInvalid."""
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise JudgeInvalid(
                f"The judge's replies cannot be kept in {self._path}: {error}. Make room, or move that file away."
            ) from None


class JudgeUnavailable(Unscored):
    """The judge did not reply; asking it another time may help."""


def _is_rate_limited(error: BaseException) -> bool:
    """Whether the endpoint asks for patience: HTTP 429, but for a quota that is spent."""
    return isinstance(error, ModelFailed) and error.transient and getattr(error.__cause__, "status_code", None) == 429


def _pause(state: tenacity.RetryCallState) -> float:
    """Retry-After where the endpoint sends it, else a random time that grows with each attempt."""
    error: Any = state.outcome.exception() if state.outcome else None
    seconds = getattr(error, "retry_after", None)
    longest = PATIENCE if _is_rate_limited(error) else LONGEST_PAUSE
    return min(longest, seconds) if seconds is not None else _GROWING(state)


_GROWING = tenacity.wait_random_exponential(max=LONGEST_PAUSE)
_RATE_LIMITED = tenacity.retry_if_exception(_is_rate_limited)
_TRANSIENT = tenacity.retry_if_exception(
    lambda error: isinstance(error, ModelFailed) and error.transient and not _is_rate_limited(error)
)


class CachedJudge:
    """A judge under its limits, with what it replied before; open it inside the loop that uses it."""

    def __init__(self, config: JudgeConfig, path: Path = CACHE) -> None:
        """Raises JudgeInvalid."""
        settings, identity = config.settings, config.identity
        self.config = config
        terms = Generation(
            temperature=identity.temperature,
            max_tokens=MAX_TOKENS,
            context_window=WINDOW,
            timeout=settings.judge_seconds,
        )
        self._model = chat_model(identity.model, config.url, config.key, terms)
        self._cache = ReplyCache(path, (identity.model, bare(config.url), identity.temperature))
        self._slots = asyncio.Semaphore(settings.judge_at_once)
        self._used: dict[str, JudgeReply] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._in_a_row = 0
        self.calls = self.failures = 0
        """Calls made now, not answered from the cache; and how many of them got no reply in the end."""

    async def reply(self, call: JudgeCall, read: Callable[[str], Read]) -> Read:
        """What `read` makes of the reply; raises what `read` does, an Unscored, or NotJudged.

        A reply of which nothing can be made is kept as well: it is what this judge says.
        """
        key = self._cache.key(call)
        # Two samples may ask the same at the same time.
        async with self._turns[key]:
            kept = self._cache.get(key)
            if kept is not None:
                self._used[key] = kept
                try:
                    return read(kept.text)
                except Unscored:
                    if not self.config.again:
                        raise
            self._used[key] = fresh = await self._fresh(call)
            self._cache.put(key, fresh)
            return read(fresh.text)

    @property
    def usage(self) -> JudgeUsage:
        """All that was used so far, each reply once, paid for now or before."""
        used = self._used.values()
        tokens = {name: sum(getattr(each, name) for each in used) for name in ("input_tokens", "output_tokens")}
        return JudgeUsage(calls=len(used), **tokens).at(self.config.settings.prices, self.config.identity.model)

    def close(self) -> None:
        self._cache.close()

    async def _fresh(self, call: JudgeCall) -> JudgeReply:
        """A reply that is asked for now; raises NotJudged."""
        seconds = self.config.settings.judge_seconds
        async with self._slots:
            if self._in_a_row >= IN_A_ROW:
                raise self._failed(f"the judge was asked nothing more after {IN_A_ROW} failures in a row")
            try:
                found = await self._admitted(call)
            except TimeoutError:
                raise self._failed(f"the judge did not reply within {seconds:g} s") from None
            except ModelFailed as error:
                raise self._failed(f"the judge failed: {error.detail}") from error
        self._in_a_row = 0
        return found

    def _failed(self, why: str) -> JudgeUnavailable:
        self._in_a_row += 1
        self.failures += 1
        return JudgeUnavailable(why)

    @tenacity.retry(retry=_TRANSIENT, stop=tenacity.stop_after_attempt(ATTEMPTS), wait=_pause, reraise=True)
    @tenacity.retry(retry=_RATE_LIMITED, stop=tenacity.stop_after_delay(PATIENCE), wait=_pause, reraise=True)
    async def _admitted(self, call: JudgeCall) -> JudgeReply:
        """One call; raises ModelFailed, or TimeoutError after the seconds of a reply."""
        async with asyncio.timeout(self.config.settings.judge_seconds):
            return await self._read(call)

    async def _read(self, call: JudgeCall) -> JudgeReply:
        name, usage = self.config.identity.model, no_usage()
        reply = StreamedReply(name, TextReader(), usage, max_reply_characters(MAX_TOKENS))
        self.calls += 1
        async for chunk in stream_chunks(name, self._model, [HumanMessage(call.prompt)], extra_body=FORMAT):
            reply.add(chunk)
        if not reply.finish_reason:
            raise ModelFailed("error", f"The reply of {name} broke off.", transient=True)
        reply.close()
        return JudgeReply(reply.text, usage["input_tokens"], usage["output_tokens"])
