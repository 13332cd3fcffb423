"""HTTP connections as uvicorn serves them, with bounds on what surrounds a body and on how long a peer may take.

uvicorn's protocol on httptools has neither: a header that does not end is copied again with each read, and half a
request is waited for without end.
"""

import asyncio
import json
import logging
from typing import Any
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from server.errors import Problem, by_status
from server.settings import ServerSettings

log = logging.getLogger("warrant.connections")
MOST_HEADERS, MOST_FIELDS = 100, 100
"""Headers and trailers of one request, and the fields of its query."""
PIECE = 16_384
"""Bytes that are parsed at once, and then counted."""
LINGER = 1.0
"""Seconds for which a refused client may go on sending, so that its system does not throw our answer away."""


class _TooMany(Exception):
    """Stops the parser."""


class BoundedHttp(HttpToolsProtocol):
    """One connection. What is refused here never becomes a request of the application."""

    def __init__(self, *told: Any, settings: ServerSettings, **named: Any) -> None:
        super().__init__(*told, **named)
        self._settings = settings
        self._around = 0
        """Bytes of a request that are not its body: request line, headers, the sizes of chunks, trailers."""
        self._begun = self._refused = False
        self._arriving: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._expect_no_more()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), PIECE):
            if self._refused or self.transport.is_closing():
                return
            piece = data[start : start + PIECE]
            self._around += len(piece)
            super().data_received(piece)
            if self._around > self._settings.max_head:
                most = f"a request may have {self._settings.max_head} bytes beside its body"
                self._refuse(by_status(431, f"The headers are too large: {most}."))
        if self._arriving is None and (self.cycle is None or self.cycle.response_complete):
            self._expect()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun = True
        self._expect()

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) == MOST_HEADERS:
            self._refuse(by_status(431, f"A request may have {MOST_HEADERS} headers; this one has more."))
            raise _TooMany
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.url.count(b"&") > MOST_FIELDS:
            self._refuse(by_status(400, f"A query may have {MOST_FIELDS} fields; this one has more."))
            raise _TooMany
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._around -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._around, self._begun = 0, False
        self._expect_no_more()
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(self._settings.idle, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._unread:
            self._unread.cancel()

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls for bytes that are no HTTP."""
        self._refuse(by_status(400))

    def _expect(self) -> None:
        """Give the request that arrives its time."""
        self._expect_no_more()
        self._arriving = self.loop.call_later(self._settings.receive, self._late)

    def _expect_no_more(self) -> None:
        if self._arriving:
            self._arriving.cancel()
        self._arriving = None

    def _late(self) -> None:
        """End what has not arrived in time, unless it waits behind a request that is being answered."""
        answering = self.cycle and not (self.cycle.more_body or self.cycle.response_complete)
        if self.pipeline or answering:
            self._expect()
        elif self._begun:
            most = f"it has {self._settings.receive:g} s"
            self._refuse(by_status(408, f"The request did not arrive in time: {most}. Send it again."))
        else:
            self.transport.close()

    def _refuse(self, problem: Problem) -> None:
        """Tell what is wrong, in the body that all errors have, and close."""
        if self._refused:
            return
        self._refused = True
        self._expect_no_more()
        name, begun = uuid4().hex, False
        log.warning("a connection was refused", extra={"request_id": name, "code": problem.code})
        if self.cycle and not self.cycle.response_complete:
            begun = self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if begun:
            return self.transport.close()
        body = json.dumps(problem.body(name)).encode()
        head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nx-request-id: {name}\r\n"
        self.transport.write(STATUS_LINE[problem.status] + head.encode() + b"connection: close\r\n\r\n" + body)
        self.loop.call_later(LINGER, self.transport.close)
