"""uvicorn's HTTP protocol with limits on the size of headers and on the time that a client may take.

uvicorn's protocol on httptools has neither: an endless header is copied again with each read, and half a request is
waited for without end.
"""

import asyncio
import json
import logging
from typing import Any
from uuid import uuid4

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from server.errors import ErrorResponse, by_status
from server.settings import ServerSettings

log = logging.getLogger("warrant.connections")
MAX_HEADERS, MAX_QUERY_FIELDS = 100, 100
"""Headers and trailers of one request, and fields of its query."""
CHUNK = 16_384
"""Bytes that are parsed between two checks of the limit."""
LINGER = 1.0
"""Seconds for which a refused client may go on sending, so that its system does not discard our response."""


class _LimitExceeded(Exception):
    """Stops the parser."""


class BoundedHttp(HttpToolsProtocol):
    """One connection; a request refused here never reaches the application."""

    def __init__(self, *args: Any, settings: ServerSettings, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._settings = settings
        self._head_bytes = 0
        """Bytes of a request beside its body: request line, headers, chunk framing, trailers."""
        self._begun = self._refused = False
        self._receive_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_receive_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._stop_receive_timer()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        for start in range(0, len(data), CHUNK):
            if self._refused or self.transport.is_closing():
                return
            chunk = data[start : start + CHUNK]
            self._head_bytes += len(chunk)
            super().data_received(chunk)
            if self._head_bytes > self._settings.max_head:
                limit = f"a request may have {self._settings.max_head} bytes beside its body"
                self._refuse(by_status(431, f"The headers are too large: {limit}."))
        if self._receive_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._start_receive_timer()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._begun = True
        self._start_receive_timer()

    def on_header(self, name: bytes, value: bytes) -> None:
        if len(self.headers) == MAX_HEADERS:
            self._refuse(by_status(431, f"A request may have {MAX_HEADERS} headers; this one has more."))
            raise _LimitExceeded
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self.url.count(b"&") > MAX_QUERY_FIELDS:
            self._refuse(by_status(400, f"A query may have {MAX_QUERY_FIELDS} fields; this one has more."))
            raise _LimitExceeded
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._head_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._head_bytes, self._begun = 0, False
        self._stop_receive_timer()
        super().on_message_complete()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._write_timer = self.loop.call_later(self._settings.idle, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._write_timer:
            self._write_timer.cancel()

    def send_400_response(self, msg: str) -> None:
        """Called by uvicorn for bytes that are not HTTP."""
        self._refuse(by_status(400))

    def _start_receive_timer(self) -> None:
        """Bound the time in which the next request must arrive."""
        self._stop_receive_timer()
        self._receive_timer = self.loop.call_later(self._settings.receive, self._receive_timeout)

    def _stop_receive_timer(self) -> None:
        if self._receive_timer:
            self._receive_timer.cancel()
        self._receive_timer = None

    def _receive_timeout(self) -> None:
        """Refuse a request that has not arrived in time, unless it waits behind one that is being answered."""
        answering = self.cycle and not (self.cycle.more_body or self.cycle.response_complete)
        if self.pipeline or answering:
            self._start_receive_timer()
        elif self._begun:
            limit = f"it has {self._settings.receive:g} s"
            self._refuse(by_status(408, f"The request did not arrive in time: {limit}. Send it again."))
        else:
            self.transport.close()

    def _refuse(self, error: ErrorResponse) -> None:
        """Send an error body and close the connection."""
        if self._refused:
            return
        self._refused = True
        self._stop_receive_timer()
        request_id, started = uuid4().hex, False
        log.warning("a connection was refused", extra={"request_id": request_id, "code": error.code})
        if self.cycle and not self.cycle.response_complete:
            started = self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if started:
            return self.transport.close()
        body = json.dumps(error.body(request_id)).encode()
        head = f"content-type: application/json\r\ncontent-length: {len(body)}\r\nx-request-id: {request_id}\r\n"
        self.transport.write(STATUS_LINE[error.status] + head.encode() + b"connection: close\r\n\r\n" + body)
        self.loop.call_later(LINGER, self.transport.close)
