"""Runs the application under uvicorn: uvloop, one port for all workers, and a drain at shutdown."""

import logging
import socket
import time
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from graph.errors import SettingsInvalid
from server.connections import BoundedHttp
from server.settings import LOOPBACK, ServerSettings

BACKLOG = 2048
WORKER_TIMEOUT = 60
"""Seconds without an answer after which the supervisor replaces a worker."""
Announce = Callable[[ServerSettings, int], None]


def serve_forever(settings: ServerSettings, announce: Announce) -> None:
    """Serve until SIGTERM or SIGINT; then finish the requests under way, streams too."""
    listening, config = listen(settings.host, settings.port), configuration(settings)
    port: int = listening.getsockname()[1]
    if settings.workers == 1:
        _Announcing(config, lambda: announce(settings, port)).run(sockets=[listening])
    else:
        _serve_with_workers(config, listening, lambda: announce(settings, port))


def configuration(settings: ServerSettings, app: Any = "server.app:make_app") -> uvicorn.Config:
    """uvicorn's configuration for an application, or for a factory by name."""
    return uvicorn.Config(
        app,
        factory=isinstance(app, str),
        workers=settings.workers,
        # asyncio's own loop leaves Nagle's algorithm on for inherited sockets: 40 ms a response.
        loop="uvloop",
        http=partial(BoundedHttp, settings=settings),  # type: ignore[arg-type]
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        # Whoever connects from this machine could name itself a trusted proxy (WARRANT_PROXIES).
        proxy_headers=False,
        timeout_graceful_shutdown=round(settings.drain),
        timeout_keep_alive=round(settings.idle),
        # A worker that loads another release on a busy machine is silent for seconds.
        timeout_worker_healthcheck=WORKER_TIMEOUT,
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; raises SettingsInvalid when the address is taken or not local."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingsInvalid(
            f"Cannot listen on {host}:{port}: {error.strerror}. Choose another --port or --host."
        ) from error


class _Announcing(uvicorn.Server):
    """Announces the address once it serves; a failed start raises the original error."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        uvicorn_log = logging.getLogger("uvicorn.error")
        level = uvicorn_log.level
        # A failed start is reported once, by our own error, without uvicorn's traceback.
        uvicorn_log.setLevel(logging.CRITICAL)
        try:
            await super().startup(sockets)
        except SystemExit:
            if (failure := self._failure()) is None:
                raise
            raise failure from None
        finally:
            uvicorn_log.setLevel(level)
        self._announce()

    def _failure(self) -> Exception | None:
        app = self.config.loaded_app
        while not isinstance(app, FastAPI) and hasattr(app, "app"):
            app = app.app
        found: Exception | None = getattr(app.state, "failure", None) if isinstance(app, FastAPI) else None
        return found


class Supervisor(Multiprocess):
    """Replaces a worker as soon as it has ended.

    uvicorn keeps the worker's end of the pipe open: killed while it is asked whether it is well, as where memory ran
    out, a worker would be waited for until WORKER_TIMEOUT.
    """

    def keep_subprocess_alive(self) -> None:
        for worker in self.processes:
            worker.child_conn.close()
        super().keep_subprocess_alive()


def _serve_with_workers(config: uvicorn.Config, listening: socket.socket, announce: Callable[[], None]) -> None:
    host, port = listening.getsockname()[:2]
    Thread(target=_when_ready, args=(host, port, announce), daemon=True).start()
    supervisor = Supervisor(config, [listening])
    supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise SettingsInvalid("The workers did not start; the log above says why.")


def _when_ready(host: str, port: int, announce: Callable[[], None]) -> None:
    """Announce once the first worker answers."""
    while True:
        try:
            if httpx.get(f"http://{host}:{port}/healthz", headers={"host": LOOPBACK[0]}).status_code == 200:
                return announce()
        except httpx.HTTPError:
            time.sleep(0.1)
