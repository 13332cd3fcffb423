"""An index run in one line and what it stored, for the tests of many rooms."""

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from graph.index.rows import DocumentRow
from graph.index.store import locate
from graph.index.tables import Reader
from graph.ingest.document import Refusal, Source
from graph.ingest.options import Options, Outcome
from graph.ingest.pipeline import index
from graph.ingest.reading import Cut, read_and_cut
from graph.release import Release
from graph.state import Passage

ROOT = Path(__file__).resolve().parent.parent
HANDBOOK = ROOT / "samples" / "handbook"
QUICK = Release(name="quick", embedding="wordllama-256")
"""Static vectors: the tests that are not about meaning need no better ones."""


class PanicException(BaseException):
    """As a library written in Rust raises it: no Exception."""


class Silent:
    """A progress that remembers what it was told."""

    def __init__(self) -> None:
        self.expected: list[int] = []
        self.finished: list[str] = []

    def expect(self, documents: int) -> None:
        self.expected.append(documents)

    def done(self, document: str) -> None:
        self.finished.append(document)

    def publishing(self) -> None:
        self.finished.append("publishing")


def run_index(path: Path, out: Path, release: Release = QUICK, **options: object) -> Outcome:
    """Index one path with quick settings."""
    return index([path], out, release, Options(threads=1, **options), Silent())  # type: ignore[arg-type]


@contextmanager
def http_server(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """The address of a server on loopback that answers by a handler until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def documents(store: Path) -> dict[str, DocumentRow]:
    """The documents of a store's Snapshot by their ids."""

    async def read() -> dict[str, DocumentRow]:
        reader = await Reader.open(locate(store), approximate=False)
        return {row.document: row async for row in reader.documents()}

    return asyncio.run(read())


def die_of_the_deadly_one(source: Source, text: str | None, release: Release, options: Options) -> Cut | Refusal:
    """A reading process that one file kills."""
    if source.file == "deadly.pdf":
        os.kill(os.getpid(), signal.SIGKILL)
    return read_and_cut(source, text, release, options)


def passage_of(text: str, **told: object) -> Passage:
    """A passage without metadata, of a document that says nothing else."""
    known: dict[str, object] = {
        "id": "a#0",
        "document": "a",
        "file": "a.md",
        "title": "",
        "section": "",
        "header": "",
        "page": None,
        "page_breaks": [],
        "start": 0,
        "end": len(text),
        "text": text,
        "metadata": {},
        "score": 1.0,
        "lexical": None,
        "vector": None,
        "similar": [],
    }
    return Passage(**{**known, **told})  # type: ignore[typeddict-item]
