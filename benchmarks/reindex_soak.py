"""Does a server stay right while its documents change? A store is indexed again every second under `warrant serve`.

Set: notes that are made here; the data folder is not used. Each note gives a room its badge. Every second some badges
change, some notes are deleted and some come back; the store is indexed again with static vectors, and the server is
told (`POST /admin/reload`). Four clients ask two workers for badges without a pause, whole and streamed, in
conversations and without. Dropped is every reply that is not 200 with an answer. Stale is an answer that gives a badge
which was taken away by a swap that had been acknowledged before the question was sent. `--changes`: how many.
"""

import argparse
import http.client
import json
import random
import re
import statistics
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import track

from benchmarks.record import ROOT, Target, print_line, print_table, record, spread
from benchmarks.serving import Place, server
from graph.index.store import KEPT
from graph.ingest.options import Options
from graph.ingest.pipeline import index
from graph.release import Release
from graph.settings import quiet_libraries

ROOMS, CHANGED, GONE, CLIENTS, WORKERS = 40, 5, 2, 4, 2
BADGE = re.compile(r"B-\d{6}")
STATIC = Release(name="static", embedding="wordllama-256")


class Silent:
    """A run's progress that nobody watches."""

    def expect(self, documents: int) -> None: ...

    def done(self, document: str) -> None: ...

    def publishing(self) -> None: ...


@dataclass
class Notes:
    """The documents, and since when which badge may not be quoted any more."""

    folder: Path
    store: Path
    badges: dict[int, str] = field(default_factory=dict)
    dead: dict[str, float] = field(default_factory=dict)
    given: int = 0

    def write(self, room: int) -> None:
        """Give a room another badge."""
        self.given += 1
        self.badges[room] = f"B-{self.given:06}"
        text = f"# Room {room}\n\nThe badge of room {room} is {self.badges[room]}.\n"
        (self.folder / f"room-{room}.md").write_text(text, "utf-8")

    def change(self) -> set[str]:
        """Change, delete and add some notes; the badges that are gone."""
        before = set(self.badges.values())
        missing = sorted(set(range(ROOMS)) - self.badges.keys())
        there = random.sample(sorted(self.badges), CHANGED + GONE)
        for room in [*there[GONE:], *missing]:
            self.write(room)
        for room in there[:GONE]:
            (self.folder / f"room-{room}.md").unlink()
            del self.badges[room]
        return before - set(self.badges.values())

    def index(self) -> str:
        """Index again; the Snapshot's id."""
        return index([self.folder], self.store, STATIC, Options(prune=True), Silent()).manifest.id

    def on_disk(self) -> int:
        return sum(1 for _ in (self.store / "snapshots").iterdir())


@dataclass
class Seen:
    """What the clients met, and the readings beside it."""

    asked: list[float] = field(default_factory=list)
    right: int = 0
    dropped: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    swaps: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    on_disk: list[int] = field(default_factory=list)
    seconds: float = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_folder", nargs="?", help="taken and not used")
    parser.add_argument("--changes", type=int, default=300)
    changes = parser.parse_args().changes
    quiet_libraries()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "release.yaml").write_text("name: static\nembedding: wordllama-256\n", "utf-8")
        notes = Notes(folder / "notes", folder / "store")
        notes.folder.mkdir()
        for room in range(ROOMS):
            notes.write(room)
        notes.index()
        world = {"WARRANT_INDEX": str(notes.store), "WARRANT_RELEASE": str(folder / "release.yaml")}
        world |= {"WARRANT_STATE": str(folder / "state"), "WARRANT_POLL": "3600", "WARRANT_LOG_LEVEL": "error"}
        command = [str(ROOT / "warrant.py"), "serve", "--workers", str(WORKERS), "--port"]
        with server(command, world) as running:
            seen = soak(notes, running, changes)
    report(seen)


def soak(notes: Notes, running: Place, changes: int) -> Seen:
    """A change a second, while the clients ask."""
    seen, stop = Seen(), threading.Event()
    threads = [threading.Thread(target=client, args=(number, notes, running, seen, stop)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    for number in track(range(changes), "Indexing again"):
        swap(notes, running, seen)
        seen.on_disk.append(notes.on_disk())
        seen.memory.append(sum(each.memory_info().rss for each in running.process.children(recursive=True)) / 1e6)
        time.sleep(max(0.0, began + number + 1 - time.monotonic()))
    seen.seconds = time.monotonic() - began
    stop.set()
    for thread in threads:
        thread.join()
    return seen


def swap(notes: Notes, running: Place, seen: Seen) -> None:
    """Change and index again, and wait until every worker has followed."""
    gone, name = notes.change(), notes.index()
    began = time.perf_counter()
    told = json.loads(post(running.port, "/admin/reload", {}))
    seen.swaps.append(time.perf_counter() - began)
    if told["snapshot"] != name or told["trouble"]:
        seen.dropped.append(f"the swap to {name} was not made: {told}")
        return
    now = time.monotonic()
    notes.dead |= dict.fromkeys(gone, now)


def client(number: int, notes: Notes, running: Place, seen: Seen, stop: threading.Event) -> None:
    """Ask for badges without a pause."""
    chosen = random.Random(number)
    while not stop.is_set():
        room = chosen.randrange(ROOMS)
        body: dict[str, Any] = {"input": {"question": f"What is the badge of room {room}?"}}
        if number % 2:
            body["input"]["session_id"] = f"client-{number}-{chosen.randrange(50)}"
        began = time.monotonic()
        try:
            answer = ask(running.port, body, streamed=number >= CLIENTS // 2)
        except (OSError, http.client.HTTPException, KeyError, ValueError) as error:
            seen.dropped.append(f"room {room}: {error!r}")
            continue
        seen.asked.append(time.monotonic() - began)
        judge(answer, room, began, notes, seen)


def judge(answer: dict[str, Any], room: int, began: float, notes: Notes, seen: Seen) -> None:
    """Hold an answer against what may be quoted at the time at which it was asked for."""
    said = answer["text"] + "".join(each["quote"] for each in answer["citations"])
    for badge in set(BADGE.findall(said)):
        if notes.dead.get(badge, began) < began:
            seen.stale.append(f"room {room}: {badge} by the Snapshot {answer['snapshot']}")
    seen.right += f"room {room} " in said


def ask(port: int, body: dict[str, Any], *, streamed: bool) -> dict[str, Any]:
    """The answer, whole or as a stream's last item; raises what `client` takes for dropped where there is none."""
    if not streamed:
        whole: dict[str, Any] = json.loads(post(port, "/rag/invoke", body))["output"]
        return whole
    lines = [line for line in post(port, "/rag/stream", body).splitlines() if line.startswith('data: {"')]
    items = [item for item in map(json.loads, (line[6:] for line in lines)) if "seq" in item]
    answer: dict[str, Any] = items[-1]["answer"]
    return answer


def post(port: int, path: str, body: object) -> str:
    """What a path answers; raises HTTPException when that is no success."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=90)) as connection:
        connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
        reply = connection.getresponse()
        text = reply.read().decode()
        if reply.status != 200:
            raise http.client.HTTPException(f"{path} gave {reply.status}: {text[:200]!r}")
        return text


def report(seen: Seen) -> None:
    """The table and the goals: memory at the end against that of the second fifth, when all is loaded."""
    fifth = max(1, len(seen.memory) // 5)
    early, late = (statistics.median(part) for part in (seen.memory[fifth : 2 * fifth], seen.memory[-fifth:]))
    rows = [
        ("questions", len(seen.asked)),
        ("of them answered from the room's own note", seen.right),
        ("dropped", len(seen.dropped)),
        ("stale", len(seen.stale)),
        ("swaps", len(seen.swaps)),
        ("Snapshots on disk at the most", max(seen.on_disk)),
    ]
    print_table("A re-index a second under load", ("what", "count"), rows)
    for told in [*seen.dropped, *seen.stale][:5]:
        print_line(told)
    print_line(f"Memory of the workers: {early:.0f} MB early, {late:.0f} MB at the end")
    milliseconds = {
        name: {key: round(1000 * value, 1) for key, value in spread(each).items()}
        for name, each in {"question_ms": seen.asked, "swap_ms": seen.swaps}.items()
    }
    results: dict[str, Any] = {
        "counts": dict(rows),
        "seconds": round(seen.seconds),
        "memory_mb": [round(early), round(late)],
    }
    targets = [
        Target("answers dropped", len(seen.dropped), at_most=0),
        Target("answers stale", len(seen.stale), at_most=0),
        # The newest that stay for all, and for each worker the one that it swaps from.
        Target("Snapshots on disk", max(seen.on_disk), at_most=KEPT + WORKERS),
        Target("memory at the end over early", round(late / early, 3), at_most=1.1),
    ]
    record("reindex_soak", results | milliseconds, targets)


if __name__ == "__main__":
    main()
